//! Replaces the body of each message.

use bytes::Bytes;
use milter_proto::{Actions, Application, Context, EndOfMessage, Milter, ModificationError, Verdict, With};

/// The filter. Line ends of the new body may be LF or CR LF. It is shared by all messages, not copied for each.
pub fn milter(body: Vec<u8>) -> impl Application {
    Milter::per_message(|| ()).actions(Actions::CHANGE_BODY).on_end_of_message(With(with_crlf(body), replace))
}

async fn replace(
    body: &Bytes,
    _: &mut (),
    _: EndOfMessage,
    cx: &mut Context,
) -> Result<Verdict, ModificationError> {
    cx.replace_body(body.clone())?;
    Ok(Verdict::Continue)
}

/// Turns each LF without CR into CR LF.
fn with_crlf(body: Vec<u8>) -> Bytes {
    let mut converted = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        match line {
            [.., b'\r', b'\n'] => converted.extend_from_slice(line),
            [text @ .., b'\n'] => {
                converted.extend_from_slice(text);
                converted.extend_from_slice(b"\r\n");
            }
            _ => converted.extend_from_slice(line),
        }
    }
    converted.into()
}

#[cfg(test)]
mod tests {
    use milter_proto::testing::{Script, now};

    use super::*;

    #[test]
    fn each_body_is_replaced() {
        let message = |script: Script, body| script.mail("<a@b>").rcpt("<c@d>").body(body).end_of_message();
        let script = message(message(Script::new(), "secret\r\n"), "");
        assert_eq!(now(script.play(milter(b"new\n".to_vec()))).to_string(), "O, b new\r\n, c, b new\r\n, c");
    }

    #[test]
    fn line_ends_become_crlf() {
        for (given, sent) in [
            (&b"a\nb\r\n\n\r\nc\rd"[..], &b"a\r\nb\r\n\r\n\r\nc\rd"[..]),
            (b"\n", b"\r\n"),
            (b"", b""),
            (b"\xff\0\r", b"\xff\0\r"),
        ] {
            assert_eq!(with_crlf(given.to_vec()), sent);
        }
    }
}
