//! A message as it arrived at the sink.

/// A recipient of a delivered message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipient {
    /// The address without angle brackets.
    pub address: String,
    /// The ESMTP arguments of RCPT, such as `NOTIFY=NEVER`.
    pub arguments: Vec<String>,
}

/// A message as the mail server delivered it to the [`Sink`](crate::Sink).
///
/// Envelope strings are shown with U+FFFD for bytes that are not UTF-8; the message is bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// What the mail server called itself in EHLO.
    pub helo: String,
    /// The envelope sender without angle brackets: empty for `<>`.
    pub sender: String,
    /// The ESMTP arguments of MAIL, such as `SIZE=390` or `SMTPUTF8`.
    pub sender_arguments: Vec<String>,
    /// The recipients in the order of the mail server's RCPT commands, which is not that of the client's.
    pub recipients: Vec<Recipient>,
    /// The message byte by byte: CRLF kept, dot-stuffing undone, the final dot left out.
    pub bytes: Vec<u8>,
}

impl Delivered {
    /// The addresses of all recipients, sorted: mail servers deliver to them in an order of their own.
    pub fn recipient_addresses(&self) -> Vec<&str> {
        let mut addresses: Vec<&str> =
            self.recipients.iter().map(|recipient| recipient.address.as_str()).collect();
        addresses.sort_unstable();
        addresses
    }

    /// All headers in order, each with its name and its value.
    ///
    /// One space after the colon does not belong to the value, any further blank does. Folding stays as it is:
    /// the value of `A: b CRLF SP c CRLF` is `b CRLF SP c`. For an exact look use [`bytes`](Self::bytes).
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines(self.split().0) {
            let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
            if let (Some((_, value)), Some(b' ' | b'\t')) = (headers.last_mut(), text.first()) {
                value.extend_from_slice(b"\r\n");
                value.extend_from_slice(text);
                continue;
            }
            let colon = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
            let value = text.get(colon + 1..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            headers.push((String::from_utf8_lossy(&text[..colon]).into_owned(), value.to_vec()));
        }
        headers
    }

    /// The values of all headers named `name`, in any case, in order.
    pub fn header_values(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers()
            .into_iter()
            .filter_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
            .collect()
    }

    /// What follows the first empty line.
    pub fn body(&self) -> &[u8] {
        self.split().1
    }

    /// The headers, each with its line end, and the body, without the empty line between them.
    fn split(&self) -> (&[u8], &[u8]) {
        let mut end = 0;
        for line in lines(&self.bytes) {
            if line == b"\r\n" {
                return (&self.bytes[..end], &self.bytes[end + line.len()..]);
            }
            end += line.len();
        }
        (&self.bytes, &[])
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> Delivered {
        Delivered {
            helo: String::new(),
            sender: String::new(),
            sender_arguments: Vec::new(),
            recipients: Vec::new(),
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn headers_keep_folding_and_further_blanks() {
        let message = message(b"A: one\r\n two\r\nB:  x\r\na:\tthree\r\nC:\r\n\r\nD: body\r\n");
        let expected: [(&str, &[u8]); 4] =
            [("A", b"one\r\n two"), ("B", b" x"), ("a", b"\tthree"), ("C", b"")];
        assert_eq!(message.headers(), expected.map(|(name, value)| (name.to_owned(), value.to_vec())));
        assert_eq!(message.header_values("A"), [b"one\r\n two".to_vec(), b"\tthree".to_vec()]);
        assert_eq!(message.body(), b"D: body\r\n");
    }

    #[test]
    fn a_message_may_lack_headers_or_body() {
        assert_eq!(message(b"\r\nbody\r\n").headers(), []);
        assert_eq!(message(b"\r\nbody\r\n").body(), b"body\r\n");
        assert_eq!(message(b"A: b\r\n").body(), b"");
    }
}
