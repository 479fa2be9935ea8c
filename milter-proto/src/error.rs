//! What can go wrong, grouped by whose fault it is.
//!
//! | error | fault |
//! | --- | --- |
//! | [`PacketError`], [`DecodeError`] | the peer sent bytes that are not the protocol |
//! | [`Violation`], [`ResponseViolation`] | the peer sent a sound packet out of order |
//! | [`NegotiationError`], [`AnswerError`] | peer and application are honest, but do not fit together |
//! | [`TextError`], [`ReplyError`], [`TooLong`], [`ModificationError`](crate::ModificationError) | our own application built what cannot be sent |
//!
//! Each says what was expected and what came.

pub use crate::dialogue::Violation;
pub use crate::mta::{AnswerError, ResponseViolation};
pub use crate::negotiation::NegotiationError;
pub use crate::response::ReplyError;
pub use crate::text::{TextError, TextKind};

use core::fmt;

/// Why a session ended. Final: the connection is to be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no packets.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A packet's payload is malformed or unsupported.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A sound command out of order.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// What the application needs and what the MTA offers do not fit.
    #[error(transparent)]
    Negotiation(#[from] NegotiationError),
    /// A sound response out of place, or none at all: seen from the MTA's side.
    #[error(transparent)]
    Response(#[from] ResponseViolation),
    /// A filter asked for what was not offered: seen from the MTA's side.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// Bytes that are no packets. Final: the protocol has no place to start anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// A length word of zero, which leaves no room for the letter.
    #[error("a packet of length 0: expected at least 1, the letter")]
    Empty,
    /// A length word over the limit. Nothing was allocated for it.
    #[error("a packet of length {length}: expected at most {limit}{}", Guess(*head))]
    TooLong {
        /// The length word.
        length: u32,
        /// The largest length that is accepted.
        limit: usize,
        /// The four octets that were taken for a length: text, when someone speaks another protocol.
        head: [u8; 4],
    },
    /// The stream ended inside a packet.
    #[error("the stream ended inside a packet: expected {expected} octets, got {got}")]
    EndInsidePacket {
        /// Octets that the length word announced, or the four of the length word itself.
        expected: usize,
        /// Octets of them that came.
        got: usize,
    },
}

/// What four octets that are no length look like.
struct Guess([u8; 4]);

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(head) = self;
        let what = match &head.map(|octet| octet.to_ascii_uppercase()) {
            [0x16, 0x03, ..] => return f.write_str("; this looks like a TLS handshake"),
            b"GET " | b"POST" | b"HEAD" | b"PUT " | b"OPTI" => "HTTP",
            b"EHLO" | b"HELO" | b"MAIL" | b"QUIT" | b"LHLO" => "SMTP",
            _ if head.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\r' | b'\n' | b'\t')) => "text",
            _ => return Ok(()),
        };
        write!(f, "; this looks like {what}: \"{}\"", head.escape_ascii())
    }
}

/// A payload that is malformed, or known but unsupported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No command has this letter.
    #[error("unknown command {}", Letter(*.0))]
    UnknownCommand(u8),
    /// No response has this letter.
    #[error("unknown response {}", Letter(*.0))]
    UnknownResponse(u8),
    /// A response that exists in the header file but that the MTAs refuse: see [`UnsupportedResponse`].
    #[error("unsupported response {0}: a filter ends a session by a reply of 421")]
    Unsupported(UnsupportedResponse),
    /// The payload ended before a field.
    #[error("{packet}: expected {field}, but only {got} octets are left")]
    Truncated {
        /// The packet's C name.
        packet: &'static str,
        /// The field that is cut or missing.
        field: &'static str,
        /// Octets that were left for it.
        got: usize,
    },
    /// A string has no final NUL.
    #[error("{packet}: expected a NUL at the end of {field}, but the packet ended")]
    Unterminated {
        /// The packet's C name.
        packet: &'static str,
        /// The field without NUL.
        field: &'static str,
    },
    /// A field that must not be empty is.
    #[error("{packet}: {field} is empty")]
    Empty {
        /// The packet's C name.
        packet: &'static str,
        /// The empty field.
        field: &'static str,
    },
    /// Octets after the last field.
    #[error("{packet}: expected the end of the packet, but {count} more octets came")]
    Excess {
        /// The packet's C name.
        packet: &'static str,
        /// How many octets too many.
        count: usize,
    },
    /// An address family that no MTA sends.
    #[error("SMFIC_CONNECT: expected one of the address families 'U', '4', '6' and 'L', got {}", Letter(*.0))]
    UnknownFamily(u8),
    /// A list of macros that ends with a name.
    #[error("SMFIC_MACRO: expected a value after each name, but the last name has none")]
    MacroWithoutValue,
    /// A filter sent a text that an MTA must not use.
    #[error("{packet}: {error}")]
    Text {
        /// The packet's C name.
        packet: &'static str,
        /// What is wrong with it.
        error: TextError,
    },
    /// A filter sent an SMTP reply that an MTA must not use.
    #[error("SMFIR_REPLYCODE: {0}")]
    Reply(#[from] ReplyError),
}

/// Responses that have a letter but no use: Sendmail takes both for a protocol error, Postfix the first; the second
/// makes Postfix lose the message after it said `250`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnsupportedResponse {
    /// `f`
    #[doc(alias = "SMFIR_CONN_FAIL")]
    ConnectionFail,
    /// `4`
    #[doc(alias = "SMFIR_SHUTDOWN")]
    Shutdown,
}

impl fmt::Display for UnsupportedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectionFail => "'f' (SMFIR_CONN_FAIL)",
            Self::Shutdown => "'4' (SMFIR_SHUTDOWN)",
        })
    }
}

/// A value that does not fit into a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a payload of {length} octets: at most {} fit into a packet", crate::packet::MAX_PAYLOAD)]
pub struct TooLong {
    /// Octets that the payload would have.
    pub(crate) length: usize,
}

impl TooLong {
    /// Passes a payload whose parts have these lengths, if it fits.
    pub(crate) fn check(parts: &[usize]) -> Result<(), Self> {
        let length = parts.iter().fold(0usize, |sum, part| sum.saturating_add(*part));
        if length > crate::packet::MAX_PAYLOAD { Err(Self { length }) } else { Ok(()) }
    }
}

/// The beginning of what came, for errors that are small and can be copied.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Excerpt {
    octets: [u8; Self::LENGTH],
    length: usize,
}

impl Excerpt {
    const LENGTH: usize = 16;

    /// The beginning of these octets.
    pub fn of(octets: &[u8]) -> Self {
        let mut excerpt = Self { octets: [0; Self::LENGTH], length: octets.len() };
        for (kept, octet) in excerpt.octets.iter_mut().zip(octets) {
            *kept = *octet;
        }
        excerpt
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.octets.get(..self.length).unwrap_or(&self.octets);
        let more = if self.length > Self::LENGTH { "…" } else { "" };
        write!(f, "\"{}{more}\"", kept.escape_ascii())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A letter as people read it.
pub(crate) struct Letter(pub(crate) u8);

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({:#04x})", self.0.escape_ascii(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn an_excerpt_says_when_it_is_not_all() {
        let whole = Excerpt::of(b"0123456789\r\nabcd");
        assert_eq!(whole.to_string(), r#""0123456789\r\nabcd""#);
        assert_eq!(Excerpt::of(b"0123456789abcdefg").to_string(), "\"0123456789abcdef…\"");
        assert_eq!(format!("{whole:?}"), whole.to_string());
    }

    #[test]
    fn packet_errors_say_what_was_expected_and_what_came() {
        let head = |head: &[u8; 4]| {
            let error = PacketError::TooLong { length: u32::from_be_bytes(*head), limit: 65536, head: *head };
            error.to_string().split_once("; ").map(|(_, guess)| guess.to_string())
        };
        assert_eq!(head(b"EHLO").as_deref(), Some("this looks like SMTP: \"EHLO\""));
        assert_eq!(head(b"ehlo").as_deref(), Some("this looks like SMTP: \"ehlo\""));
        assert_eq!(head(b"GET ").as_deref(), Some("this looks like HTTP: \"GET \""));
        assert_eq!(head(b"220 ").as_deref(), Some("this looks like text: \"220 \""));
        assert_eq!(head(b"a\r\nb").as_deref(), Some("this looks like text: \"a\\r\\nb\""));
        assert_eq!(head(b"\x16\x03\x01\x02").as_deref(), Some("this looks like a TLS handshake"));
        assert_eq!(head(b"\xff\xff\xff\xff"), None);
        for (error, text) in [
            (PacketError::Empty, "a packet of length 0: expected at least 1, the letter"),
            (
                PacketError::TooLong { length: 65537, limit: 65536, head: [0, 1, 0, 1] },
                "a packet of length 65537: expected at most 65536",
            ),
            (
                PacketError::EndInsidePacket { expected: 4, got: 1 },
                "the stream ended inside a packet: expected 4 octets, got 1",
            ),
        ] {
            assert_eq!((error.to_string().as_str(), Error::from(error).to_string().as_str()), (text, text));
        }
    }

    #[test]
    fn decode_errors_say_what_was_expected_and_what_came() {
        let (packet, field) = ("SMFIC_HELO", "the name");
        for (error, text) in [
            (DecodeError::UnknownCommand(b'Z'), "unknown command 'Z' (0x5a)"),
            (DecodeError::UnknownResponse(0), "unknown response '\\x00' (0x00)"),
            (
                DecodeError::Unsupported(UnsupportedResponse::ConnectionFail),
                "unsupported response 'f' (SMFIR_CONN_FAIL): a filter ends a session by a reply of 421",
            ),
            (
                DecodeError::Unsupported(UnsupportedResponse::Shutdown),
                "unsupported response '4' (SMFIR_SHUTDOWN): a filter ends a session by a reply of 421",
            ),
            (
                DecodeError::Truncated { packet, field, got: 1 },
                "SMFIC_HELO: expected the name, but only 1 octets are left",
            ),
            (
                DecodeError::Unterminated { packet, field },
                "SMFIC_HELO: expected a NUL at the end of the name, but the packet ended",
            ),
            (DecodeError::Empty { packet, field }, "SMFIC_HELO: the name is empty"),
            (
                DecodeError::Excess { packet, count: 2 },
                "SMFIC_HELO: expected the end of the packet, but 2 more octets came",
            ),
            (
                DecodeError::UnknownFamily(b'X'),
                "SMFIC_CONNECT: expected one of the address families 'U', '4', '6' and 'L', got 'X' (0x58)",
            ),
            (
                DecodeError::MacroWithoutValue,
                "SMFIC_MACRO: expected a value after each name, but the last name has none",
            ),
            (
                DecodeError::Text { packet: "SMFIR_QUARANTINE", error: TextError::Empty(TextKind::Reason) },
                "SMFIR_QUARANTINE: a quarantine reason is empty",
            ),
            (
                DecodeError::Reply(ReplyError::Percent),
                "SMFIR_REPLYCODE: a single '%' on the wire: expected each to be doubled",
            ),
        ] {
            assert_eq!((error.to_string().as_str(), Error::from(error).to_string().as_str()), (text, text));
        }
    }
}
