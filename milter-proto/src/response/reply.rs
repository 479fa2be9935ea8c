//! SMTP replies that a filter dictates: checked when they are built, so that nothing from a mail can break the SMTP
//! dialogue.

mod view;

pub use view::SmtpReplyView;

use crate::error::{Excerpt, TooLong};
use alloc::string::String;
use bytes::Bytes;
use core::fmt::{self, Display, Write as _};
use core::str::FromStr;
use view::enhanced_class;

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
    /// One line, checked: for texts of your own. Text that quotes a mail belongs into [`reject`](Self::reject),
    /// [`temp_fail`](Self::temp_fail) or [`quoting`](Self::quoting): there a hostile mail cannot turn your verdict into an
    /// error.
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
            _ => return Err(ReplyError::Code { got: Excerpt::of(alloc::format!("{code}").as_bytes()) }),
        };
        if let Some(wrong) = enhanced.filter(|code| enhanced_class(code.as_bytes()) != Some((class, b""))) {
            return Err(ReplyError::EnhancedCode { got: Excerpt::of(wrong.as_bytes()) });
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

    /// Codes of your own with any text: an error comes from the codes only, never from the text, so that a hostile mail
    /// cannot turn the verdict into another one.
    ///
    /// ```
    /// # use milter_proto::SmtpReply;
    /// let reply = SmtpReply::quoting(452, "4.5.3", format_args!("not also to {}", "<x@y>\r\n"))?;
    /// assert_eq!(reply.to_string(), "452 4.5.3 not also to <x@y>??");
    /// # Ok::<(), milter_proto::ReplyError>(())
    /// ```
    pub fn quoting(code: u16, enhanced: &str, text: impl Display) -> Result<Self, ReplyError> {
        Self::new(code, enhanced, "").map(|_| Self::from_any(&alloc::format!("{code} {enhanced} "), text))
    }

    fn from_any(head: &str, text: impl Display) -> Self {
        let mut line = AnyText { wire: head.into(), room: MAX_LINE };
        // An error says that the line is full, or that `text` failed: then what came before stands.
        let _ = write!(line, "{text}");
        // Invariant: printable ASCII behind a code and an enhanced code of its class, each `%` doubled.
        Self { wire: line.wire.into() }
    }

    // Invariant: a view is checked.
    fn copied(view: SmtpReplyView<'_>) -> Self {
        Self { wire: Bytes::copy_from_slice(view.as_wire()) }
    }

    /// The reply as the codec sees it.
    pub fn view(&self) -> SmtpReplyView<'_> {
        SmtpReplyView::trusted(&self.wire)
    }
}

/// `550 5.7.1 text` or `550 text`: one line, as an operator writes it.
impl FromStr for SmtpReply {
    type Err = ReplyError;

    fn from_str(line: &str) -> Result<Self, ReplyError> {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        let wrong = ReplyError::Code { got: Excerpt::of(code.as_bytes()) };
        let code =
            Some(code).filter(|code| code.len() == 3).and_then(|code| code.parse().ok()).ok_or(wrong)?;
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

/// Why a reply cannot be sent, or was not acceptable.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The code is not 4xx or 5xx.
    #[error("expected a reply code of 400 to 599, got {got}")]
    Code {
        /// What came.
        got: Excerpt,
    },
    /// The enhanced code is none, or its class is not the first digit of the code.
    #[error("expected an enhanced status code like 5.7.1, of the class of the reply code, got {got}")]
    EnhancedCode {
        /// What came.
        got: Excerpt,
    },
    /// A line of a received reply does not begin with the code of the first and `-`, or a space on the last line.
    #[error("expected the same code on each line, then '-', or a space on the last line, got {got}")]
    Line {
        /// What came.
        got: Excerpt,
    },
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
    #[error("expected at most {MAX_LINES} lines, got more")]
    TooManyLines,
    /// Not even one line, which may be empty.
    #[error("expected at least one line, got none")]
    NoLines,
    /// A wire form that does not fit into a packet.
    #[error(transparent)]
    TooLong(#[from] TooLong),
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
    use alloc::string::ToString;

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

    #[test]
    fn a_reply_is_shown_as_it_stands_on_the_wire() {
        let reply = SmtpReply::lines(550, "5.7.1", ["100 %", ""]).unwrap();
        let wire = r#"("550-5.7.1 100 %%\r\n550 5.7.1")"#;
        assert_eq!(alloc::format!("{reply:?}"), ["SmtpReply", wire].concat());
        assert_eq!(alloc::format!("{:?}", reply.view()), ["SmtpReplyView", wire].concat());
    }

    #[test]
    fn errors_say_what_was_expected_and_what_came() {
        for (error, text) in [
            (
                ReplyError::Code { got: Excerpt::of(b"250") },
                "expected a reply code of 400 to 599, got \"250\"",
            ),
            (
                ReplyError::EnhancedCode { got: Excerpt::of(b"4.7.1 a text that is long") },
                "expected an enhanced status code like 5.7.1, of the class of the reply code, got \"4.7.1 a text tha…\"",
            ),
            (
                ReplyError::Line { got: Excerpt::of(b"551 b") },
                "expected the same code on each line, then '-', or a space on the last line, got \"551 b\"",
            ),
            (ReplyError::Control { octet: 10 }, "a line has the octet 0x0a: expected no control octets"),
            (ReplyError::Percent, "a single '%' on the wire: expected each to be doubled"),
            (ReplyError::LineTooLong { length: 981 }, "a line of 981 octets: expected at most 980"),
            (ReplyError::TooManyLines, "expected at most 32 lines, got more"),
            (ReplyError::NoLines, "expected at least one line, got none"),
            (
                ReplyError::TooLong(TooLong { length: 65536 }),
                "a payload of 65536 octets: at most 65535 fit into a packet",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
