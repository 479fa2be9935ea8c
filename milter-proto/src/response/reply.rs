//! SMTP replies that a filter dictates: checked when they are built, so that nothing from a mail can break the SMTP
//! dialogue.

use crate::error::TooLong;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::{self, Display, Write as _};
use core::str::FromStr;

/// The longest line, and the most lines, that a reply is built with (libmilter's limits).
const MAX_LINE: usize = 980;
const MAX_LINES: usize = 32;

/// A reply for the SMTP client: a code of 4xx or 5xx, an enhanced status code, one or more lines of text.
///
/// It is the verdict: 4xx fails temporarily, 5xx for good; 421 also ends the SMTP session. Cloning is cheap.
///
/// ```
/// # use milter_proto::SmtpReply;
/// let reply = SmtpReply::new(550, "5.7.1", "100% certain")?;
/// assert_eq!(reply.to_string(), "550 5.7.1 100% certain");
///
/// // Text that quotes the mail: whatever cannot be sent becomes `?`.
/// let reply = SmtpReply::reject(format_args!("no mail from {}", "x@y\r\nRSET"));
/// assert_eq!(reply.to_string(), "550 5.7.1 no mail from x@y??RSET");
///
/// assert!(SmtpReply::new(250, None, "fine").is_err());
/// # Ok::<(), milter_proto::ReplyError>(())
/// ```
///
/// Interop: at CONNECT, Sendmail keeps only the class of the code and drops the text.
#[doc(alias = "SMFIR_REPLYCODE")]
#[doc(alias = "smfi_setreply")]
#[doc(alias = "smfi_setmlreply")]
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SmtpReply {
    // Invariant: passed `SmtpReplyView::new`.
    wire: Bytes,
}

impl SmtpReply {
    /// One line, checked: for texts of your own. Text that quotes a mail belongs into [`reject`](Self::reject) or
    /// [`temp_fail`](Self::temp_fail): there a hostile mail cannot turn your verdict into an error.
    pub fn new<'a>(code: u16, enhanced: impl Into<Option<&'a str>>, text: &str) -> Result<Self, ReplyError> {
        Self::lines(code, enhanced, [text])
    }

    /// Several lines, checked: at least one and at most 32, each of at most 980 octets.
    pub fn lines<'a>(
        code: u16,
        enhanced: impl Into<Option<&'a str>>,
        lines: impl IntoIterator<Item: AsRef<str>>,
    ) -> Result<Self, ReplyError> {
        let enhanced = enhanced.into();
        let class = match code {
            400..=499 => b'4',
            500..=599 => b'5',
            _ => return Err(ReplyError::Code),
        };
        if enhanced.is_some_and(|enhanced| enhanced_class(enhanced.as_bytes()) != Some((class, b""))) {
            return Err(ReplyError::EnhancedCode);
        }
        let mut wire = String::new();
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_none() {
            return Err(ReplyError::NoLines);
        }
        let mut count = 0usize;
        while let Some(line) = lines.next() {
            let text = line.as_ref();
            count = count.saturating_add(1);
            if count > MAX_LINES {
                return Err(ReplyError::TooManyLines);
            }
            if text.len() > MAX_LINE {
                return Err(ReplyError::LineTooLong { length: text.len() });
            }
            let (separator, end) = if lines.peek().is_some() { ('-', "\r\n") } else { (' ', "") };
            let (enhanced, space) = match enhanced {
                Some(enhanced) if !text.is_empty() => (enhanced, " "),
                enhanced => (enhanced.unwrap_or_default(), ""),
            };
            // Writing to a string cannot fail.
            let _ = write!(wire, "{code}{separator}{enhanced}{space}{}{end}", Doubled(text));
        }
        SmtpReplyView::new(wire.as_bytes())?;
        // Invariant: checked in the line above.
        Ok(Self { wire: wire.into() })
    }

    /// `550 5.7.1` with any text: what cannot be sent becomes `?`, what is too long is cut.
    pub fn reject(text: impl Display) -> Self {
        Self::from_any("550 5.7.1 ", text)
    }

    /// `451 4.7.1` with any text: what cannot be sent becomes `?`, what is too long is cut.
    pub fn temp_fail(text: impl Display) -> Self {
        Self::from_any("451 4.7.1 ", text)
    }

    fn from_any(head: &str, text: impl Display) -> Self {
        let mut line = AnyText { wire: head.into(), room: MAX_LINE };
        // An error says that the line is full, or that `text` failed: then what came before stands.
        let _ = write!(line, "{text}");
        // Invariant: printable ASCII behind a code and an enhanced code of its class, each `%` doubled.
        Self { wire: line.wire.into() }
    }

    /// The reply as the codec sees it.
    pub fn view(&self) -> SmtpReplyView<'_> {
        SmtpReplyView { wire: &self.wire }
    }
}

/// `550 5.7.1 text` or `550 text`: one line, as an operator writes it.
impl FromStr for SmtpReply {
    type Err = ReplyError;

    fn from_str(line: &str) -> Result<Self, ReplyError> {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        let code = if code.len() == 3 { code.parse().map_err(|_| ReplyError::Code)? } else { 0 };
        match text.split_once(' ').unwrap_or((text, "")) {
            (enhanced, rest)
                if enhanced_class(enhanced.as_bytes()).is_some_and(|(_, rest)| rest.is_empty()) =>
            {
                Self::new(code, enhanced, rest)
            }
            _ => Self::new(code, None, text),
        }
    }
}

impl Display for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpReply(\"{}\")", self.wire.escape_ascii())
    }
}

/// A reply in its wire form, without the final NUL: what an MTA reads.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SmtpReplyView<'a> {
    wire: &'a [u8],
}

impl<'a> SmtpReplyView<'a> {
    /// Checks the wire form, without the final NUL: the grammar that current Postfix demands, with every `%` doubled.
    pub fn new(wire: &'a [u8]) -> Result<Self, ReplyError> {
        TooLong::check(&[wire.len(), 1])?;
        Self::decode(wire)
    }

    pub(super) fn decode(wire: &'a [u8]) -> Result<Self, ReplyError> {
        let code = wire.split_at_checked(3).map_or(wire, |(code, _)| code);
        let mut enhanced_everywhere = true;
        let mut class_fits = true;
        let mut rest = Some(wire);
        while let Some(lines) = rest {
            let (line, more) = match memchr::memmem::find(lines, b"\r\n") {
                Some(at) => (lines.get(..at).unwrap_or_default(), lines.get(at.saturating_add(2)..)),
                None => (lines, None),
            };
            let text = check_line(line, code, more.is_some())?;
            match enhanced_class(text) {
                Some((class, [] | [b' ', ..])) => class_fits &= code.first() == Some(&class),
                _ => enhanced_everywhere = false,
            }
            rest = more;
        }
        if enhanced_everywhere && !class_fits {
            return Err(ReplyError::EnhancedCode);
        }
        Ok(Self { wire })
    }

    /// The wire form, `%` doubled.
    pub const fn as_wire(self) -> &'a [u8] {
        self.wire
    }

    /// The reply code: 400 to 599.
    pub fn code(self) -> u16 {
        self.wire.iter().take(3).fold(0u16, |code, digit| {
            code.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0')))
        })
    }

    /// Whether the failure is permanent (5xx).
    pub const fn is_permanent(self) -> bool {
        matches!(self.wire, [b'5', ..])
    }

    /// The enhanced status code (`5.7.1`) if every line has one: that of the first line.
    pub fn enhanced(self) -> Option<&'a str> {
        let has = |line: &[u8]| matches!(enhanced_class(line), Some((_, [] | [b' ', ..])));
        if !self.raw_lines().all(has) {
            return None;
        }
        let first = self.raw_lines().next()?;
        core::str::from_utf8(first.split(|octet| *octet == b' ').next()?).ok()
    }

    /// The text of each line with its enhanced code, `%` as people read it.
    pub fn text(self) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        self.raw_lines().map(|line| {
            let mut text = Vec::with_capacity(line.len());
            let mut rest = line;
            while let [octet, after @ ..] = rest {
                text.push(*octet);
                rest = if let [b'%', b'%', after @ ..] = rest { after } else { after };
            }
            text
        })
    }

    /// An owned copy.
    pub fn to_reply(self) -> SmtpReply {
        SmtpReply { wire: Bytes::copy_from_slice(self.wire) }
    }

    fn raw_lines(self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.wire
            .split(|octet| *octet == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).get(4..).unwrap_or_default())
    }
}

/// As the SMTP client sees it, lines separated by LF.
impl Display for SmtpReplyView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.text().peekable();
        while let Some(line) = lines.next() {
            let (separator, end) = if lines.peek().is_some() { ('-', "\n") } else { (' ', "") };
            write!(f, "{}{separator}{}{end}", self.code(), String::from_utf8_lossy(&line))?;
        }
        Ok(())
    }
}

impl fmt::Debug for SmtpReplyView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpReplyView(\"{}\")", self.wire.escape_ascii())
    }
}

/// Why a reply cannot be sent, or was not acceptable.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The code is not 4xx or 5xx.
    #[error("expected a reply code of 400 to 599")]
    Code,
    /// The enhanced code is none, or its class is not the first digit of the code.
    #[error("expected an enhanced status code like 5.7.1, of the class of the reply code")]
    EnhancedCode,
    /// A line of a received reply does not begin with the code of the first and `-`, or a space on the last line.
    #[error("expected the same code on each line, then '-', or a space on the last line")]
    Line,
    /// An octet that would break the SMTP dialogue.
    #[error("a line has the octet {octet:#04x}: expected no control octets")]
    Control {
        /// The octet that came.
        octet: u8,
    },
    /// A `%` that is not doubled on the wire.
    #[error("a single '%' on the wire: expected each to be doubled")]
    Percent,
    /// A line of more than 980 octets.
    #[error("a line of {length} octets: expected at most {MAX_LINE}")]
    LineTooLong {
        /// How many octets.
        length: usize,
    },
    /// More than 32 lines.
    #[error("expected at most {MAX_LINES} lines")]
    TooManyLines,
    /// Not even one line, which may be empty.
    #[error("expected at least one line, got none")]
    NoLines,
    /// A wire form that does not fit into a packet.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// The text of a line that begins with `code` and the right separator.
fn check_line<'a>(line: &'a [u8], code: &[u8], more: bool) -> Result<&'a [u8], ReplyError> {
    if !matches!(code, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9']) {
        return Err(ReplyError::Code);
    }
    let separator: &[u8] = if more { b"-" } else { b" " };
    let Some(text) = line.strip_prefix(code).and_then(|line| line.strip_prefix(separator)) else {
        return Err(match line.iter().find(|octet| octet.is_ascii_control()) {
            Some(&octet) => ReplyError::Control { octet },
            None => ReplyError::Line,
        });
    };
    let mut rest = text;
    while let [octet, after @ ..] = rest {
        rest = match rest {
            [b'%', b'%', after @ ..] => after,
            [b'%', ..] => return Err(ReplyError::Percent),
            _ if octet.is_ascii_control() => return Err(ReplyError::Control { octet: *octet }),
            _ => after,
        };
    }
    Ok(text)
}

/// The class of the enhanced code that a text begins with, and what follows: `class "." 1*3digit "." 1*3digit`.
fn enhanced_class(text: &[u8]) -> Option<(u8, &[u8])> {
    let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = text else { return None };
    let [b'.', rest @ ..] = skip_digits(rest)? else { return None };
    Some((*class, skip_digits(rest)?))
}

fn skip_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|octet| octet.is_ascii_digit()).count();
    if (1..=3).contains(&digits) { text.get(digits..) } else { None }
}

/// The end of a reply, made of any text.
struct AnyText {
    wire: String,
    room: usize,
}

impl fmt::Write for AnyText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            match c {
                '%' => self.wire.push_str("%%"),
                ' '..='~' => self.wire.push(c),
                _ => self.wire.push('?'),
            }
        }
        Ok(())
    }
}

/// Text as it stands on the wire: Sendmail uses it as a format, Postfix drops a single `%`.
struct Doubled<'a>(&'a str);

impl Display for Doubled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('%');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "%%{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_constructors_take_what_fails_and_what_never_ends() {
        struct Failing;
        impl Display for Failing {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                core::iter::repeat("%").try_for_each(|percent| f.write_str(percent))
            }
        }
        assert_eq!(SmtpReply::reject(Failing).view().as_wire(), b"550 5.7.1 half");
        assert_eq!(SmtpReply::temp_fail(Endless).view().as_wire().len(), 10 + 2 * MAX_LINE);
    }

    #[test]
    fn replies_that_cannot_be_sent_cannot_be_built() {
        assert_eq!(SmtpReply::lines(550, "5.7.1", [""; 0]), Err(ReplyError::NoLines));
        assert_eq!(SmtpReply::lines(550, None, [""; 33]), Err(ReplyError::TooManyLines));
        let wire = |length| [b"550 ", &alloc::vec![b'x'; length][..]].concat();
        assert!(SmtpReplyView::new(&wire(65530)).is_ok());
        assert_eq!(SmtpReplyView::new(&wire(65531)), Err(ReplyError::TooLong(TooLong { length: 65536 })));
    }
}
