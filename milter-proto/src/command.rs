//! Commands: what an MTA tells a filter (`SMFIC_*`), decoded as borrowed views and encoded again.
//!
//! Decoding allocates nothing and copies nothing; what a filter keeps it copies visibly (`to_vec()`, `to_string()`).

mod connect;
mod content;
mod define;
mod envelope;
mod line;

pub use connect::{Connect, Peer};
pub use content::{BodyChunk, CanonicalName, Data, EndOfHeaders, EndOfMessage, Header, HeaderError};
pub use define::{DefineMacros, MacroPairs, MacroPairsBuf};
pub use envelope::{Argument, Arguments, ArgumentsBuf, Mail, Rcpt};
pub use line::{Helo, Unknown};

use crate::error::{DecodeError, Letter};
use crate::negotiation::Options;
use crate::packet::{self, Packet};
use bytes::BufMut;
use core::fmt;

/// The message or connection went away (`SMFIC_ABORT`), as a hook is told of it.
#[doc(alias = "SMFIC_ABORT")]
#[doc(alias = "xxfi_abort")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // nothing can be added to a command without payload
pub struct Abort;

/// The SMTP session is over (`SMFIC_QUIT`, `SMFIC_QUIT_NC` or the end of the stream), as a hook is told of it.
#[doc(alias = "SMFIC_QUIT")]
#[doc(alias = "SMFIC_QUIT_NC")]
#[doc(alias = "xxfi_close")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // nothing can be added to a command without payload
pub struct Quit;

/// A command as an MTA sends it.
///
/// ```
/// # use milter_proto::{Command, Decoder};
/// let mut decoder = Decoder::new();
/// decoder.receive(b"\0\0\0\x09UFOO bar\0");
/// let packet = decoder.packet()?.expect("a whole packet");
/// let Command::Unknown(unknown) = Command::decode(packet)? else { panic!() };
/// assert_eq!(unknown.line(), "FOO bar");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete, and a driver must handle every command
pub enum Command<'a> {
    /// `O`: what the MTA can do. First, and once.
    #[doc(alias = "SMFIC_OPTNEG")]
    Negotiate(Options),
    /// `D`: macros for the command that follows.
    #[doc(alias = "SMFIC_MACRO")]
    DefineMacros(DefineMacros<'a>),
    /// `C`: an SMTP client connected.
    #[doc(alias = "SMFIC_CONNECT")]
    Connect(Connect<'a>),
    /// `H`: HELO or EHLO. Not guaranteed, and may come again.
    #[doc(alias = "SMFIC_HELO")]
    Helo(Helo<'a>),
    /// `M`: MAIL, the envelope sender.
    #[doc(alias = "SMFIC_MAIL")]
    Mail(Mail<'a>),
    /// `R`: RCPT, an envelope recipient.
    #[doc(alias = "SMFIC_RCPT")]
    Rcpt(Rcpt<'a>),
    /// `T`: DATA. Since version 4.
    #[doc(alias = "SMFIC_DATA")]
    Data(Data),
    /// `L`: a header field.
    #[doc(alias = "SMFIC_HEADER")]
    Header(Header<'a>),
    /// `N`: the end of the headers.
    #[doc(alias = "SMFIC_EOH")]
    EndOfHeaders(EndOfHeaders),
    /// `B`: a piece of the body.
    #[doc(alias = "SMFIC_BODY")]
    Body(BodyChunk<'a>),
    /// `E`: the end of the message, with a last piece of the body in old MTAs.
    #[doc(alias = "SMFIC_BODYEOB")]
    EndOfMessage(Option<BodyChunk<'a>>),
    /// `U`: an SMTP command that the MTA does not know. Since version 3.
    #[doc(alias = "SMFIC_UNKNOWN")]
    Unknown(Unknown<'a>),
    /// `A`: drop the current message, if there is one.
    #[doc(alias = "SMFIC_ABORT")]
    Abort,
    /// `Q`: the SMTP session is over, and the connection.
    #[doc(alias = "SMFIC_QUIT")]
    Quit,
    /// `K`: the SMTP session is over, a new one follows on this connection.
    #[doc(alias = "SMFIC_QUIT_NC")]
    QuitNewConnection,
}

impl<'a> Command<'a> {
    /// Reads a packet from an MTA.
    pub fn decode(packet: Packet<'a>) -> Result<Self, DecodeError> {
        Self::of(CommandKind::from_letter(packet.letter)?, packet.payload)
    }

    #[inline]
    pub(crate) fn of(kind: CommandKind, payload: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match kind {
            CommandKind::Negotiate => Self::Negotiate(Options::decode_offer(payload)?),
            CommandKind::DefineMacros => Self::DefineMacros(DefineMacros::decode(payload)?),
            CommandKind::Connect => Self::Connect(Connect::decode(payload)?),
            CommandKind::Helo => Self::Helo(Helo::decode(payload)?),
            CommandKind::Mail => Self::Mail(Mail::decode(payload)?),
            CommandKind::Rcpt => Self::Rcpt(Rcpt::decode(payload)?),
            // Interop: libmilter ignores octets after T, N, A, Q and K, so some MTA may send them.
            CommandKind::Data => Self::Data(Data),
            CommandKind::Header => Self::Header(Header::decode(payload)?),
            CommandKind::EndOfHeaders => Self::EndOfHeaders(EndOfHeaders),
            CommandKind::Body => Self::Body(BodyChunk::decode(payload)?),
            // Interop: Postfix sent body octets in E until 2007.
            CommandKind::EndOfMessage => Self::EndOfMessage(BodyChunk::decode(payload).ok()),
            CommandKind::Unknown => Self::Unknown(Unknown::decode(payload)?),
            CommandKind::Abort => Self::Abort,
            CommandKind::Quit => Self::Quit,
            CommandKind::QuitNewConnection => Self::QuitNewConnection,
        })
    }

    /// Appends the packet. Cannot fail: a value that does not fit cannot be built.
    pub fn encode(&self, out: &mut impl BufMut) {
        let letter = self.kind().letter();
        match self {
            Self::Negotiate(options) => packet::put(out, letter, &[&options.to_wire()]),
            Self::DefineMacros(define) => define.encode(out),
            Self::Connect(connect) => connect.encode(out),
            Self::Helo(helo) => packet::put(out, letter, &[helo.name().as_bytes(), NUL]),
            Self::Mail(mail) => mail.encode(out),
            Self::Rcpt(rcpt) => rcpt.encode(out),
            Self::Header(header) => {
                packet::put(out, letter, &[header.name().as_bytes(), NUL, header.value().as_bytes(), NUL]);
            }
            Self::Body(chunk) | Self::EndOfMessage(Some(chunk)) => {
                packet::put(out, letter, &[chunk.as_bytes()]);
            }
            Self::Unknown(unknown) => packet::put(out, letter, &[unknown.line().as_bytes(), NUL]),
            Self::Data(_)
            | Self::EndOfHeaders(_)
            | Self::EndOfMessage(None)
            | Self::Abort
            | Self::Quit
            | Self::QuitNewConnection => packet::put(out, letter, &[]),
        }
    }

    /// Which command it is.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Negotiate(_) => CommandKind::Negotiate,
            Self::DefineMacros(_) => CommandKind::DefineMacros,
            Self::Connect(_) => CommandKind::Connect,
            Self::Helo(_) => CommandKind::Helo,
            Self::Mail(_) => CommandKind::Mail,
            Self::Rcpt(_) => CommandKind::Rcpt,
            Self::Data(_) => CommandKind::Data,
            Self::Header(_) => CommandKind::Header,
            Self::EndOfHeaders(_) => CommandKind::EndOfHeaders,
            Self::Body(_) => CommandKind::Body,
            Self::EndOfMessage(_) => CommandKind::EndOfMessage,
            Self::Unknown(_) => CommandKind::Unknown,
            Self::Abort => CommandKind::Abort,
            Self::Quit => CommandKind::Quit,
            Self::QuitNewConnection => CommandKind::QuitNewConnection,
        }
    }
}

/// A command without its payload.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
#[allow(missing_docs)] // the meaning of each stands at `Command`
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
pub enum CommandKind {
    Negotiate = b'O',
    DefineMacros = b'D',
    Connect = b'C',
    Helo = b'H',
    Mail = b'M',
    Rcpt = b'R',
    Data = b'T',
    Header = b'L',
    EndOfHeaders = b'N',
    Body = b'B',
    EndOfMessage = b'E',
    Unknown = b'U',
    Abort = b'A',
    Quit = b'Q',
    QuitNewConnection = b'K',
}

impl CommandKind {
    /// The command that has this letter.
    pub const fn from_letter(letter: u8) -> Result<Self, DecodeError> {
        Ok(match letter {
            b'O' => Self::Negotiate,
            b'D' => Self::DefineMacros,
            b'C' => Self::Connect,
            b'H' => Self::Helo,
            b'M' => Self::Mail,
            b'R' => Self::Rcpt,
            b'T' => Self::Data,
            b'L' => Self::Header,
            b'N' => Self::EndOfHeaders,
            b'B' => Self::Body,
            b'E' => Self::EndOfMessage,
            b'U' => Self::Unknown,
            b'A' => Self::Abort,
            b'Q' => Self::Quit,
            b'K' => Self::QuitNewConnection,
            _ => return Err(DecodeError::UnknownCommand(letter)),
        })
    }

    /// The letter on the wire.
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// The name of its hook, or what it is called where there is none: `mail`, `end_of_message`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "negotiate",
            Self::DefineMacros => "define_macros",
            Self::Connect => "connect",
            Self::Helo => "helo",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Header => "header",
            Self::EndOfHeaders => "end_of_headers",
            Self::Body => "body",
            Self::EndOfMessage => "end_of_message",
            Self::Unknown => "unknown",
            Self::Abort => "abort",
            Self::Quit => "quit",
            Self::QuitNewConnection => "quit_new_connection",
        }
    }

    /// The C name.
    pub const fn c_name(self) -> &'static str {
        match self {
            Self::Negotiate => "SMFIC_OPTNEG",
            Self::DefineMacros => "SMFIC_MACRO",
            Self::Connect => "SMFIC_CONNECT",
            Self::Helo => "SMFIC_HELO",
            Self::Mail => "SMFIC_MAIL",
            Self::Rcpt => "SMFIC_RCPT",
            Self::Data => "SMFIC_DATA",
            Self::Header => "SMFIC_HEADER",
            Self::EndOfHeaders => "SMFIC_EOH",
            Self::Body => "SMFIC_BODY",
            Self::EndOfMessage => "SMFIC_BODYEOB",
            Self::Unknown => "SMFIC_UNKNOWN",
            Self::Abort => "SMFIC_ABORT",
            Self::Quit => "SMFIC_QUIT",
            Self::QuitNewConnection => "SMFIC_QUIT_NC",
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.c_name(), Letter(self.letter()))
    }
}

const NUL: &[u8] = &[0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_answers;
    use alloc::string::ToString;

    #[test]
    fn known_answers() {
        known_answers::commands(&[
            (b"O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", Command::Negotiate(Options::CURRENT)),
            (b"A", Command::Abort),
            (b"Q", Command::Quit),
            (b"K", Command::QuitNewConnection),
        ]);
    }

    #[test]
    fn letters_and_names() {
        let kinds = (0..=u8::MAX).filter_map(|letter| CommandKind::from_letter(letter).ok());
        assert!(kinds.clone().all(|kind| CommandKind::from_letter(kind.letter()) == Ok(kind)));
        assert!(kinds.clone().all(|kind| kind.c_name().starts_with("SMFIC_")));
        assert_eq!(kinds.count(), 15);
        assert_eq!(CommandKind::Body.to_string(), "SMFIC_BODY 'B' (0x42)");
        let messages = [CommandKind::Mail, CommandKind::EndOfMessage].map(CommandKind::name);
        assert_eq!(messages, ["mail", "end_of_message"]);
    }
}
