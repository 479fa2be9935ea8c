//! DKIM-like signer: collects headers, hashes the body, inserts a signature on top. Keys by From domain.
use milter_proto::*;
use std::{collections::HashMap, hash::DefaultHasher, hash::Hasher, sync::Arc};

struct Config {
    keys: HashMap<String, String>,
}
/// One per message: nothing to reset.
struct Signer {
    config: Arc<Config>,
    from_domain: Option<String>,
    signed: Vec<u8>,
    body: DefaultHasher,
}
impl Signer {
    fn new(config: Arc<Config>) -> Self {
        Self { config, from_domain: None, signed: vec![], body: DefaultHasher::new() }
    }
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        if header.is("From") {
            let from = header.value().to_string();
            self.from_domain = from.rsplit('@').next().map(|d| d.trim_end_matches('>').to_ascii_lowercase());
        }
        if ["From", "Subject", "Date"].iter().any(|name| header.is(name)) {
            self.signed.extend([header.name().as_bytes(), b":", header.value().as_bytes()].concat());
        }
    }
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.body.write(&chunk);
    }
    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        let domain = self.from_domain.as_deref().unwrap_or_default();
        if let Some(key) = self.config.keys.get(domain) {
            self.body.write(&self.signed);
            self.body.write(key.as_bytes());
            let (id, hash) = (cx.macros.queue_id().unwrap_or_default(), self.body.finish());
            cx.message.insert_header(0, "DKIM-Like", format!("d={domain}; q={id};\n\tb={hash:016x}"))?;
        }
        Ok(Verdict::Continue)
    }
}
fn milter(config: Config) -> impl Application {
    let config = Arc::new(config);
    Milter::per_message(move || Signer::new(config.clone()))
        .actions(Actions::ADD_HEADERS)
        .macros::<stage::EndOfMessage>("i")
        .on_header(Signer::header)
        .on_body(Signer::body)
        .on_end_of_message(Signer::end_of_message)
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, now};

    fn play(script: Script) -> String {
        let keys = HashMap::from([("example.org".to_owned(), "secret".to_owned())]);
        now(script.play(milter(Config { keys }))).to_string()
    }

    fn message(script: Script, from: &str, body: &str) -> Script {
        let script = script.mail("<a@example.org>").rcpt("<b@example.net>").data().header("From", from);
        let script = script.header("Subject", "hi").header("X-Other", "x").end_of_headers().body(body);
        script.macros(CommandKind::EndOfMessage, &[("i", "4Q")]).end_of_message()
    }

    fn signatures(outcome: &str) -> Vec<&str> {
        outcome.match_indices("b=").filter_map(|(at, _)| outcome.get(at..at + 18)).collect()
    }

    #[test]
    fn signs_what_it_has_a_key_for() {
        let script = message(Script::new().connect("192.0.2.1").helo("x"), "A <a@Example.org>", "body\r\n");
        let outcome = play(message(script, "a@other.example", "body\r\n"));
        let [signature] = signatures(&outcome)[..] else { panic!("{outcome}") };
        assert_eq!(outcome, format!("O, i0 DKIM-Like: d=example.org; q=4Q;\n\t{signature}, c, c"));
    }

    #[test]
    fn a_signature_covers_one_message_only() {
        let ours = |script| message(script, "<a@example.org>", "body\r\n");
        let aborted =
            |script: Script| script.mail("<x>").header("From", "<x@example.org>").body("other").abort();
        let quit = Script::quit_new_connection;
        let outcome = play(ours(quit(ours(aborted(ours(Script::new()))))));
        let signatures = signatures(&outcome);
        assert_eq!(signatures.len(), 3, "{outcome}");
        assert!(signatures.iter().all(|signature| *signature == signatures[0]), "{outcome}");
        let other = play(message(Script::new(), "<a@example.org>", "bodY\r\n"));
        assert!(!other.contains(signatures[0]), "{other}");
    }
}
