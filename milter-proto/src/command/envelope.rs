//! The envelope: MAIL and RCPT with their ESMTP arguments.

use super::NUL;
use crate::error::{DecodeError, TextError, TooLong};
use crate::packet;
use crate::parse::{Fields, split_string};
use crate::text::Text;
use alloc::vec::Vec;
use bytes::BufMut;
use core::fmt;

/// MAIL (`M`): the envelope sender.
///
/// Interop: the sender is what the client typed, usually with brackets; `<>` is the null sender. For mail that was
/// not submitted by SMTP, Postfix sends addresses without brackets, and the null sender as the empty string.
#[doc(alias = "SMFIC_MAIL")]
#[doc(alias = "xxfi_envfrom")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mail<'a> {
    sender: Text<'a>,
    arguments: Arguments<'a>,
}

impl<'a> Mail<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(sender: Text<'a>, arguments: Arguments<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[sender.len(), 1, arguments.0.len()])?;
        Ok(Self { sender, arguments })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let (sender, arguments) = decode("SMFIC_MAIL", payload, "the sender")?;
        Ok(Self { sender, arguments })
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        packet::put(out, b'M', &[self.sender.as_bytes(), NUL, self.arguments.0]);
    }

    /// The envelope sender as the MTA sent it, with or without brackets.
    pub const fn sender(&self) -> Text<'a> {
        self.sender
    }

    /// The envelope sender without its brackets; empty for the null sender.
    pub fn address(&self) -> Text<'a> {
        self.sender.without_brackets()
    }

    /// `SIZE=10`, `BODY=8BITMIME`, …
    pub const fn arguments(&self) -> Arguments<'a> {
        self.arguments
    }
}

/// RCPT (`R`): an envelope recipient.
///
/// A recipient that the MTA itself rejected comes too, if the filter asked for it; then the macro `{rcpt_mailer}` is
/// `error` and our answer changes nothing.
#[doc(alias = "SMFIC_RCPT")]
#[doc(alias = "xxfi_envrcpt")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rcpt<'a> {
    recipient: Text<'a>,
    arguments: Arguments<'a>,
}

impl<'a> Rcpt<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(recipient: Text<'a>, arguments: Arguments<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[recipient.len(), 1, arguments.0.len()])?;
        Ok(Self { recipient, arguments })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let (recipient, arguments) = decode("SMFIC_RCPT", payload, "the recipient")?;
        Ok(Self { recipient, arguments })
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        packet::put(out, b'R', &[self.recipient.as_bytes(), NUL, self.arguments.0]);
    }

    /// The envelope recipient as the MTA sent it, with or without brackets.
    pub const fn recipient(&self) -> Text<'a> {
        self.recipient
    }

    /// The envelope recipient without its brackets.
    pub fn address(&self) -> Text<'a> {
        self.recipient.without_brackets()
    }

    /// `NOTIFY=NEVER`, `ORCPT=…`, …
    pub const fn arguments(&self) -> Arguments<'a> {
        self.arguments
    }
}

fn decode<'a>(
    packet: &'static str,
    payload: &'a [u8],
    field: &'static str,
) -> Result<(Text<'a>, Arguments<'a>), DecodeError> {
    let mut fields = Fields::of(packet, payload);
    let address = fields.string(field)?;
    // Invariant: `strings` saw the final NUL.
    Ok((address, Arguments(fields.strings("an ESMTP argument")?)))
}

/// ESMTP arguments, each a string of its own on the wire.
///
/// ```
/// # use milter_proto::ArgumentsBuf;
/// let mut arguments = ArgumentsBuf::new();
/// arguments.push("SIZE=10")?;
/// arguments.push("x-token=a=b=c")?;
/// let arguments = arguments.view();
/// assert_eq!(arguments.get("size").unwrap(), "10");
/// assert_eq!(arguments.get("X-Token").unwrap(), "a=b=c");
/// assert_eq!(arguments.iter().next().unwrap().raw(), "SIZE=10");
/// # Ok::<(), milter_proto::TextError>(())
/// ```
// Invariant: empty, or ends in NUL.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    /// The arguments in the order in which the client gave them.
    pub fn iter(&self) -> impl Iterator<Item = Argument<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (raw, after) = split_string(rest)?;
            rest = after;
            Some(Argument { raw })
        })
    }

    /// The value of the argument with this keyword, whose case does not count. Empty when it has no value.
    pub fn get(&self, keyword: &str) -> Option<Text<'a>> {
        let found =
            self.iter().find(|argument| argument.keyword().eq_ignore_ascii_case(keyword.as_bytes()))?;
        Some(found.value().unwrap_or_default())
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|argument| argument.raw)).finish()
    }
}

/// One ESMTP argument: `KEYWORD=VALUE` or `KEYWORD`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Argument<'a> {
    raw: Text<'a>,
}

impl<'a> Argument<'a> {
    /// The argument as it came.
    pub const fn raw(&self) -> Text<'a> {
        self.raw
    }

    /// What stands before the first `=`, or all of it.
    pub fn keyword(&self) -> Text<'a> {
        self.split().0
    }

    /// What stands after the first `=`.
    pub fn value(&self) -> Option<Text<'a>> {
        self.split().1
    }

    fn split(&self) -> (Text<'a>, Option<Text<'a>>) {
        let raw = self.raw.as_bytes();
        let at = memchr::memchr(b'=', raw).unwrap_or(raw.len());
        match raw.split_at_checked(at) {
            // Invariant: parts of a text hold no NUL.
            Some((keyword, [b'=', value @ ..])) => (Text::trusted(keyword), Some(Text::trusted(value))),
            _ => (self.raw, None),
        }
    }
}

/// Builds [`Arguments`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ArgumentsBuf(Vec<u8>);

impl ArgumentsBuf {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an argument, which must have no NUL.
    pub fn push(&mut self, argument: impl AsRef<[u8]>) -> Result<(), TextError> {
        let argument = Text::new(argument.as_ref())?;
        self.0.extend_from_slice(argument.as_bytes());
        self.0.push(0);
        Ok(())
    }

    /// The arguments so far.
    pub fn view(&self) -> Arguments<'_> {
        // Invariant: each push ends in NUL.
        Arguments(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::known_answers;

    #[test]
    fn known_answers() {
        let text = |text| Text::new(text).unwrap();
        let mut arguments = ArgumentsBuf::new();
        arguments.push("SIZE=10").unwrap();
        arguments.push("").unwrap();
        let (some, none) = (arguments.view(), Arguments::default());
        assert_eq!(alloc::format!("{some:?}"), r#"["SIZE=10", ""]"#);
        known_answers::commands(&[
            (b"M<a@b>\0SIZE=10\0\0", Command::Mail(Mail::new(text(b"<a@b>"), some).unwrap())),
            (b"M\0", Command::Mail(Mail::new(text(b""), none).unwrap())),
            (b"R<c@d>\0SIZE=10\0\0", Command::Rcpt(Rcpt::new(text(b"<c@d>"), some).unwrap())),
            (b"Rc@d\0", Command::Rcpt(Rcpt::new(text(b"c@d"), none).unwrap())),
        ]);
    }
}
