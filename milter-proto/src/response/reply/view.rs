//! The wire form of an SMTP reply, read lazily.

use super::{ReplyError, SmtpReply};
use crate::error::{Excerpt, TooLong};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

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

    pub(crate) fn decode(wire: &'a [u8]) -> Result<Self, ReplyError> {
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
            return Err(ReplyError::EnhancedCode { got: Excerpt::of(wire.get(4..).unwrap_or_default()) });
        }
        Ok(Self { wire })
    }

    // Invariant: the wire form of a reply, which was checked.
    pub(super) const fn trusted(wire: &'a [u8]) -> Self {
        Self { wire }
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
        SmtpReply::copied(self)
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

/// The text of a line that begins with `code` and the right separator.
fn check_line<'a>(line: &'a [u8], code: &[u8], more: bool) -> Result<&'a [u8], ReplyError> {
    if !matches!(code, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9']) {
        return Err(ReplyError::Code { got: Excerpt::of(code) });
    }
    let separator: &[u8] = if more { b"-" } else { b" " };
    let Some(text) = line.strip_prefix(code).and_then(|line| line.strip_prefix(separator)) else {
        return Err(match line.iter().find(|octet| octet.is_ascii_control()) {
            Some(&octet) => ReplyError::Control { octet },
            None => ReplyError::Line { got: Excerpt::of(line) },
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
pub(super) fn enhanced_class(text: &[u8]) -> Option<(u8, &[u8])> {
    let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = text else { return None };
    let [b'.', rest @ ..] = skip_digits(rest)? else { return None };
    Some((*class, skip_digits(rest)?))
}

fn skip_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|octet| octet.is_ascii_digit()).count();
    if (1..=3).contains(&digits) { text.get(digits..) } else { None }
}
