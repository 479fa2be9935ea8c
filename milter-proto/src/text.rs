//! Checked text: what stands between two NULs of a packet, and what may be sent to an MTA.
//!
//! What comes in is any octets without NUL ([`Text`]): an MTA relays what an SMTP client wrote. What goes out is
//! checked when it is built, so that encoding cannot fail and no CR, LF or NUL from a mail ever reaches the
//! SMTP dialogue or the header of another message.

mod error;

pub use error::{TextError, TextKind};

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;
use core::str::Utf8Error;

/// Octets without NUL, as an MTA sent them: not necessarily UTF-8.
///
/// ```
/// # use milter_proto::Text;
/// let text = Text::new(b"caf\xc3\xa9")?;
/// assert_eq!(text.to_str(), Ok("café"));
/// assert!(Text::new(b"a\0b").is_err());
/// # Ok::<(), milter_proto::TextError>(())
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Refuses NUL, and nothing else.
    pub fn new(octets: &'a [u8]) -> Result<Self, TextError> {
        match memchr::memchr(0, octets) {
            Some(at) => Err(TextError::Octet { kind: TextKind::Text, octet: 0, at }),
            None => Ok(Self(octets)),
        }
    }

    /// The octets as they came.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, if it is UTF-8.
    pub fn to_str(self) -> Result<&'a str, Utf8Error> {
        core::str::from_utf8(self.0)
    }

    /// The text with U+FFFD where it is not UTF-8: for people, not for comparisons.
    pub fn to_string_lossy(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.0)
    }

    /// An address without its angle brackets, if it has both: `<a@b>` and `a@b` are `a@b`, `<>` is empty.
    pub fn without_brackets(self) -> Self {
        match self.0 {
            [b'<', inner @ .., b'>'] => Self(inner),
            _ => self,
        }
    }

    // Invariant: the caller found these octets between two NULs.
    pub(crate) const fn trusted(octets: &'a [u8]) -> Self {
        Self(octets)
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> TryFrom<&'a str> for Text<'a> {
    type Error = TextError;

    fn try_from(text: &'a str) -> Result<Self, TextError> {
        Self::new(text.as_bytes())
    }
}

impl<'a> TryFrom<&'a [u8]> for Text<'a> {
    type Error = TextError;

    fn try_from(octets: &'a [u8]) -> Result<Self, TextError> {
        Self::new(octets)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<[u8]> for Text<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.0 == other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A header name that may be sent: one or more octets of 33..=126 without the colon.
///
/// Neither Postfix nor Sendmail checks the names a filter gives them, so this is the only check there is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HeaderName<'a>(Text<'a>);

impl<'a> HeaderName<'a> {
    /// Checks a name.
    pub fn new(name: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, TextError> {
        let name = name.as_ref();
        let kind = TextKind::HeaderName;
        if name.is_empty() {
            return Err(TextError::Empty(kind));
        }
        refuse(name, kind, |octet| !(b'!'..=b'~').contains(&octet) || octet == b':')?;
        // Invariant: 33..=126 holds no NUL.
        Ok(Self(Text(name)))
    }

    /// The name as it was given.
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// A header value that may be sent: no NUL, no CR, and LF only where a fold follows it (before SP or TAB).
///
/// The space after the colon is no part of the value unless [`Protocol::LEADING_SPACE`](crate::Protocol::LEADING_SPACE)
/// was agreed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct HeaderValue<'a>(Text<'a>);

impl<'a> HeaderValue<'a> {
    /// Checks a value, with folds written as on the wire: LF, then SP or TAB. For CR LF see [`Self::unfold_crlf`].
    pub fn new(value: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, TextError> {
        let value = value.as_ref();
        let kind = TextKind::HeaderValue;
        for at in memchr::memchr3_iter(0, b'\r', b'\n', value) {
            let folds = matches!(value.get(at..), Some([b'\n', b' ' | b'\t', ..]));
            if !folds {
                let octet = value.get(at).copied().unwrap_or_default();
                return Err(TextError::Octet { kind, octet, at });
            }
        }
        // Invariant: every NUL was found above.
        Ok(Self(Text(value)))
    }

    /// Turns CR LF before SP or TAB, as a mail has it, into the LF of the milter protocol.
    ///
    /// CR LF on the wire ends as CR CR LF in the mail at both MTAs.
    pub fn unfold_crlf(value: &[u8]) -> Cow<'_, [u8]> {
        if memchr::memchr(b'\r', value).is_none() {
            return Cow::Borrowed(value);
        }
        let mut unfolded = alloc::vec::Vec::with_capacity(value.len());
        let mut rest = value;
        while let Some((octet, after)) = rest.split_first() {
            if !matches!(rest, [b'\r', b'\n', b' ' | b'\t', ..]) {
                unfolded.push(*octet);
            }
            rest = after;
        }
        Cow::Owned(unfolded)
    }

    /// The value as it was given.
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// An address that may be sent: no control octets, at most 32766 octets. Brackets are kept as they came.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Address<'a>(Text<'a>);

impl<'a> Address<'a> {
    /// Checks an address for control octets; its syntax is the MTA's business.
    pub fn new(address: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, TextError> {
        printable(address.as_ref(), TextKind::Address).map(Self)
    }

    /// The address as it was given, with or without brackets.
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// ESMTP arguments that a filter gives with an address: one string, separated by spaces (`RET=HDRS ENVID=q`), without
/// control octets and of at most 32766 octets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ArgumentText<'a>(Text<'a>);

impl<'a> ArgumentText<'a> {
    /// Checks arguments for control octets.
    pub fn new(arguments: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, TextError> {
        printable(arguments.as_ref(), TextKind::Arguments).map(Self)
    }

    /// The arguments as they were given.
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// Why a message is put on hold: not empty, no control octets, at most 32766 octets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Reason<'a>(Text<'a>);

impl<'a> Reason<'a> {
    /// Checks a reason. Postfix keeps its first 100 octets.
    pub fn new(reason: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, TextError> {
        match printable(reason.as_ref(), TextKind::Reason)? {
            Text([]) => Err(TextError::Empty(TextKind::Reason)),
            reason => Ok(Self(reason)),
        }
    }

    /// The reason as it was given.
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// Bounds each text, so that any two and their NULs fit into a packet, also two that were received. SMTP itself allows
/// far less.
const MAX_LENGTH: usize = 32766;

fn printable(octets: &[u8], kind: TextKind) -> Result<Text<'_>, TextError> {
    if octets.len() > MAX_LENGTH {
        return Err(TextError::TooLong { kind, length: octets.len() });
    }
    refuse(octets, kind, |octet| octet.is_ascii_control())?;
    // Invariant: NUL is a control octet.
    Ok(Text(octets))
}

fn refuse(octets: &[u8], kind: TextKind, bad: impl Fn(u8) -> bool) -> Result<(), TextError> {
    match octets.iter().enumerate().find(|(_, octet)| bad(**octet)) {
        Some((at, &octet)) => Err(TextError::Octet { kind, octet, at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn header_values_fold_with_lf_before_white_space_only() {
        for good in ["", "v", "a\n b", "a\n\tb", "\n v", "caf\u{e9}"] {
            assert_eq!(HeaderValue::new(good).map(|v| v.text().to_string()), Ok(good.into()));
        }
        for bad in ["a\nX-Injected: b", "a\n", "a\r\n b", "a\rb", "a\0b"] {
            assert!(HeaderValue::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(&*HeaderValue::unfold_crlf(b"a\r\n b\r\n\tc\r\nd"), b"a\n b\n\tc\r\nd");
    }

    #[test]
    fn a_text_equals_its_octets_and_no_others() {
        let text = Text::trusted(b"a");
        assert!(text == "a" && text == *"a" && text == *b"a".as_slice());
        assert!(text != "b" && text != *"b" && text != *b"b".as_slice());
    }

    #[test]
    fn brackets_of_an_address_are_a_pair() {
        for (written, address) in [("<a@b>", "a@b"), ("a@b", "a@b"), ("<>", ""), ("<a@b", "<a@b"), ("", "")] {
            assert_eq!(Text::trusted(written.as_bytes()).without_brackets(), address);
        }
    }

    #[test]
    fn addresses_have_no_control_octets() {
        assert!(Address::new("<a@b>\r\nRSET").is_err());
    }
}
