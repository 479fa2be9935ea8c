//! An SMTP client that shows everything the server says.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// An answer of the server, with all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SmtpAnswer {
    /// The code of the last line.
    pub code: u16,
    /// All lines as sent, with code and separator (`550-5.7.1 one`), without line end. Bytes that are not UTF-8
    /// are shown as U+FFFD.
    pub lines: Vec<String>,
    /// The answer byte by byte, with line ends.
    pub raw: Vec<u8>,
}

impl SmtpAnswer {
    /// The lines without code and separator, with `\n` between them.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.lines.iter().map(|line| line.get(4..).unwrap_or_default()).collect();
        texts.join("\n")
    }

    /// Whether the server did as told, or (354) waits for the message.
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }
}

impl fmt::Display for SmtpAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines.join("\n"))
    }
}

/// A blocking SMTP client, for one connection.
///
/// Dropping it closes the connection at once, also between [`write`](Self::write)s in the middle of a message.
#[derive(Debug)]
pub struct SmtpClient {
    stream: BufReader<TcpStream>,
    greeting: SmtpAnswer,
    said_hello: bool,
}

impl SmtpClient {
    /// Connects and reads the greeting, which may be a refusal: see [`greeting`](Self::greeting).
    ///
    /// # Panics
    ///
    /// If there is no connection or no greeting.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap_or_else(|error| panic!("no SMTP greeting from {address}: {error}"))
    }

    /// Like [`connect`](Self::connect), for servers that may hang up.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let greeting = read_answer(&mut stream)?;
        Ok(Self { stream, greeting, said_hello: false })
    }

    /// What the server said when the client connected.
    pub fn greeting(&self) -> &SmtpAnswer {
        &self.greeting
    }

    /// How long to wait for an answer from now on (30 seconds at the start).
    pub fn set_read_timeout(&mut self, timeout: Duration) {
        self.stream
            .get_ref()
            .set_read_timeout(Some(timeout))
            .unwrap_or_else(|error| panic!("cannot set a read timeout of {timeout:?}: {error}"));
    }

    /// Sends a command line and reads the answer.
    ///
    /// # Panics
    ///
    /// If the server hangs up or does not answer in time.
    #[track_caller]
    pub fn command(&mut self, line: &str) -> SmtpAnswer {
        self.try_command(line).unwrap_or_else(|error| panic!("no answer to {line:?}: {error}"))
    }

    /// Like [`command`](Self::command), for servers that may hang up.
    pub fn try_command(&mut self, line: &str) -> io::Result<SmtpAnswer> {
        let verb = line.get(..4).unwrap_or_default();
        self.said_hello |= verb.eq_ignore_ascii_case("EHLO") || verb.eq_ignore_ascii_case("HELO");
        self.write(format!("{line}\r\n").as_bytes())?;
        self.read_answer()
    }

    /// Sends DATA, `message` with dot-stuffing and the final dot; gives the answer to the final dot, or the one to
    /// DATA if that refuses.
    ///
    /// A message without a line end at its end gets one.
    ///
    /// # Panics
    ///
    /// If the server hangs up or does not answer in time.
    #[track_caller]
    pub fn data(&mut self, message: &[u8]) -> SmtpAnswer {
        self.try_data(message).unwrap_or_else(|error| panic!("no answer to the message: {error}"))
    }

    /// Like [`data`](Self::data), for servers that may hang up.
    pub fn try_data(&mut self, message: &[u8]) -> io::Result<SmtpAnswer> {
        let answer = self.try_command("DATA")?;
        if answer.code != 354 {
            return Ok(answer);
        }
        self.write(&stuffed(message))?;
        self.write(b".\r\n")?;
        self.read_answer()
    }

    /// Sends one message, after EHLO if there was none: gives the answer to the final dot, or the first answer that
    /// refuses. After a refusal the transaction is reset, so another message may follow.
    ///
    /// Addresses go without angle brackets. If one is not ASCII, MAIL gets the argument `SMTPUTF8`.
    ///
    /// # Panics
    ///
    /// If the server hangs up or does not answer in time.
    #[track_caller]
    pub fn send(
        &mut self,
        sender: &str,
        recipients: &[&str],
        message: &[u8],
    ) -> Result<SmtpAnswer, SmtpAnswer> {
        let answer = self.try_send(sender, recipients, message).unwrap_or_else(|error| {
            panic!("no answer while sending from <{sender}> to {recipients:?}: {error}")
        });
        if answer.is_positive() {
            return Ok(answer);
        }
        // The server may have hung up after the refusal, as after 421.
        let _ = self.try_command("RSET");
        Err(answer)
    }

    fn try_send(&mut self, sender: &str, recipients: &[&str], message: &[u8]) -> io::Result<SmtpAnswer> {
        let utf8 = !sender.is_ascii() || recipients.iter().any(|recipient| !recipient.is_ascii());
        let mut commands = Vec::new();
        if !self.said_hello {
            commands.push("EHLO client.test".to_owned());
        }
        commands.push(format!("MAIL FROM:<{sender}>{}", if utf8 { " SMTPUTF8" } else { "" }));
        commands.extend(recipients.iter().map(|recipient| format!("RCPT TO:<{recipient}>")));
        for command in commands {
            let answer = self.try_command(&command)?;
            if !answer.is_positive() {
                return Ok(answer);
            }
        }
        self.try_data(message)
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the next answer.
    pub fn read_answer(&mut self) -> io::Result<SmtpAnswer> {
        read_answer(&mut self.stream)
    }
}

fn read_answer(stream: &mut impl BufRead) -> io::Result<SmtpAnswer> {
    let mut raw = Vec::new();
    let mut lines = Vec::new();
    loop {
        let start = raw.len();
        if stream.read_until(b'\n', &mut raw)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        let line = String::from_utf8_lossy(&raw[start..]).trim_end_matches(['\r', '\n']).to_owned();
        let goes_on = line.as_bytes().get(3) == Some(&b'-');
        let code = line.get(..3).and_then(|code| code.parse().ok());
        lines.push(line);
        match code {
            Some(_) if goes_on => {}
            Some(code) => return Ok(SmtpAnswer { code, lines, raw }),
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("not an SMTP answer: {lines:?}"),
                ));
            }
        }
    }
}

/// `message` with a dot more where a line begins with one, and a line end at the end.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + 2);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.is_empty() && !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_keeps_every_line() {
        let answer = read_answer(&mut &b"550-5.7.1 one\r\n550 5.7.1 two\r\n250 next\r\n"[..]).unwrap();
        assert_eq!(answer.code, 550);
        assert_eq!(answer.lines, ["550-5.7.1 one", "550 5.7.1 two"]);
        assert_eq!(answer.text(), "5.7.1 one\n5.7.1 two");
        assert_eq!(answer.raw, b"550-5.7.1 one\r\n550 5.7.1 two\r\n");
    }

    #[test]
    fn dots_are_stuffed_and_the_last_line_ended() {
        assert_eq!(stuffed(b".\r\na.\r\n..b"), b"..\r\na.\r\n...b\r\n");
        assert_eq!(stuffed(b""), b"");
    }
}
