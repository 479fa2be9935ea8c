//! What a server is that speaks something else.

/// What the first octets of an answer look like, if they are no milter's.
pub(super) fn guess(head: &[u8]) -> Option<String> {
    let line = head.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    let what = match head {
        [0x15 | 0x16, 0x03, ..] => return Some("a TLS server".to_owned()),
        _ if line.len() < 4 || line.iter().any(u8::is_ascii_control) => return None,
        [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] => "an SMTP server",
        _ if head.starts_with(b"HTTP/") || head.starts_with(b"<") => "an HTTP server",
        _ if head.starts_with(b"SSH-") => "an SSH server",
        _ if head.starts_with(b"* ") => "an IMAP server",
        _ if head.starts_with(b"+OK") => "a POP3 server",
        _ => "a server of some text protocol",
    };
    Some(format!("{what}: \"{}\"", line.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart() {
        let smtp = "an SMTP server: \"220 mx.example ESMTP\"";
        assert_eq!(guess(b"220 mx.example ESMTP\r\n").as_deref(), Some(smtp));
        let http = "an HTTP server: \"HTTP/1.1 400 Bad Request\"";
        assert_eq!(guess(b"HTTP/1.1 400 Bad Request\r\nServer: x").as_deref(), Some(http));
        assert_eq!(guess(b"\x15\x03\x01\0\x02").as_deref(), Some("a TLS server"));
        assert_eq!(guess(b"hello?").as_deref(), Some("a server of some text protocol: \"hello?\""));
        assert_eq!(guess(b"\0\0\0\x0dO\0\0\0\x06"), None);
        assert_eq!(guess(b""), None);
    }
}
