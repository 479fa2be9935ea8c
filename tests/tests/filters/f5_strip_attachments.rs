//! Buffers the body up to a limit, replaces it, changes Content-Type.
use milter_proto::*;

const LIMIT: usize = 1 << 20;
#[derive(Default)]
struct Strip {
    multipart: bool,
    body: Vec<u8>,
    over: bool,
}
impl Strip {
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        self.multipart |= header.is("Content-Type") && header.value().starts_with(b"multipart/mixed");
    }
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> BodyVerdict {
        self.over = self.body.len() + chunk.len() > LIMIT;
        if !self.multipart || self.over {
            return BodyVerdict::Skip;
        }
        self.body.extend_from_slice(&chunk);
        BodyVerdict::Continue
    }
    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<MessageVerdict, ModificationError> {
        if self.over {
            return Ok(MessageVerdict::Discard);
        }
        if self.multipart {
            let lines = self.body.split_inclusive(|octet| *octet == b'\n');
            cx.replace_body(lines.filter(|line| !line.starts_with(b"--")).collect::<Vec<_>>().concat())?;
            cx.change_header("Content-Type", 1, "text/plain")?;
        }
        Ok(MessageVerdict::Continue)
    }
}
fn milter() -> impl Application {
    Milter::per_message(Strip::default)
        .actions(Actions::CHANGE_BODY | Actions::CHANGE_HEADERS)
        .on_header(Strip::header)
        .on_body(Strip::body)
        .on_end_of_message(Strip::end_of_message)
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, now};

    fn message(script: Script, kind: &str, body: &[u8]) -> Script {
        script.mail("<a>").header("Content-Type", kind).end_of_headers().body(body).end_of_message()
    }

    const MIXED: &str = "multipart/mixed; boundary=b";

    #[test]
    fn strips() {
        let script = message(Script::new(), MIXED, b"--b\r\none\r\n--b--\r\n");
        let script = message(script, "text/html", &[b'x'; 100_000])
            .mail("<a>")
            .header("Content-Type", MIXED)
            .body("--b")
            .abort();
        let outcome = now(message(script, MIXED, b"--b\r\ntwo\r\n").play(milter()));
        let stripped = |text| format!("c, m1 Content-Type: text/plain, b {text}\r\n, c");
        assert_eq!(outcome.to_string(), format!("O, {}, s, c, c, {}", stripped("one"), stripped("two")));
    }

    #[test]
    fn a_large_body_leaves_in_packets() {
        let body = b"--b\r\nsixteen octets\r\n".repeat(40_000);
        let outcome = now(message(Script::new(), MIXED, &body).play(milter()));
        assert_eq!(outcome.letters(), format!("O{}m{}c", "c".repeat(13), "b".repeat(10)));
    }

    #[test]
    fn too_much_is_discarded() {
        let outcome = now(message(Script::new(), MIXED, &vec![b'x'; LIMIT + 1]).play(milter()));
        assert_eq!(outcome.letters(), format!("O{}sd", "c".repeat(16)));
    }

    /// To an MTA that cannot skip every chunk is answered, but the hook is not called again.
    #[test]
    fn an_old_mta_cannot_skip() {
        let mut old = Options::CURRENT;
        old.protocol.remove(Protocol::SKIP);
        let outcome = now(message(Script::offering(old), "text/html", &[b'x'; 200_000]).play(milter()));
        assert_eq!(outcome.letters(), "Occccc");
    }

    /// An MTA that cannot change bodies is refused.
    #[test]
    fn needs_its_actions() {
        let mut offer = Options::CURRENT;
        offer.actions.remove(Actions::CHANGE_BODY);
        let outcome = now(message(Script::offering(offer), MIXED, b"x").play(milter()));
        assert_eq!(outcome.to_string(), "");
        assert!(outcome.error().unwrap().to_string().contains("CHANGE_BODY"), "{:?}", outcome.error());
    }
}
