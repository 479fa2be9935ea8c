//! What is wrong with a text.

use super::MAX_LENGTH;
#[cfg(doc)]
use super::{Address, ArgumentText, HeaderName, HeaderValue, Reason, Text};
use core::fmt;

/// Text that cannot be sent, or that a peer should not have sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A text of this kind needs at least one octet.
    #[error("{0} is empty")]
    Empty(TextKind),
    /// A text of this kind that no MTA could use.
    #[error("{kind} of {length} octets: expected at most {MAX_LENGTH}")]
    TooLong {
        /// What the text was to be.
        kind: TextKind,
        /// How many octets it has.
        length: usize,
    },
    /// An octet that a text of this kind must not have.
    #[error("{kind} has the octet {octet:#04x} at {at}: expected {}", kind.expected())]
    Octet {
        /// What the text was to be.
        kind: TextKind,
        /// The octet that came.
        octet: u8,
        /// How many octets stand before it.
        at: usize,
    },
}

/// What a text was to be, in a [`TextError`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TextKind {
    /// A [`Text`].
    Text,
    /// A [`HeaderName`].
    HeaderName,
    /// A [`HeaderValue`].
    HeaderValue,
    /// An [`Address`].
    Address,
    /// An [`ArgumentText`].
    Arguments,
    /// A [`Reason`].
    Reason,
}

impl TextKind {
    const fn expected(self) -> &'static str {
        match self {
            Self::Text => "octets without NUL",
            Self::HeaderName => "printable ASCII without space and colon",
            Self::HeaderValue => "no NUL, no CR, and LF only before a space or a tab",
            Self::Address | Self::Arguments | Self::Reason => "no control octets",
        }
    }
}

impl fmt::Display for TextKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::HeaderName => "a header name",
            Self::HeaderValue => "a header value",
            Self::Address => "an address",
            Self::Arguments => "a list of ESMTP arguments",
            Self::Reason => "a quarantine reason",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn errors_say_what_was_expected_and_what_came() {
        let octet = |kind| TextError::Octet { kind, octet: b'\r', at: 2 }.to_string();
        for (found, text) in [
            (octet(TextKind::Text), "a text has the octet 0x0d at 2: expected octets without NUL"),
            (
                octet(TextKind::HeaderName),
                "a header name has the octet 0x0d at 2: expected printable ASCII without space and colon",
            ),
            (
                octet(TextKind::HeaderValue),
                "a header value has the octet 0x0d at 2: expected no NUL, no CR, and LF only before a space or a tab",
            ),
            (octet(TextKind::Address), "an address has the octet 0x0d at 2: expected no control octets"),
            (
                octet(TextKind::Arguments),
                "a list of ESMTP arguments has the octet 0x0d at 2: expected no control octets",
            ),
            (
                octet(TextKind::Reason),
                "a quarantine reason has the octet 0x0d at 2: expected no control octets",
            ),
            (TextError::Empty(TextKind::Reason).to_string(), "a quarantine reason is empty"),
            (
                TextError::TooLong { kind: TextKind::Address, length: 32767 }.to_string(),
                "an address of 32767 octets: expected at most 32766",
            ),
        ] {
            assert_eq!(found, text);
        }
    }
}
