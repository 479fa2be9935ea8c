//! What happens in an SMTP session, as an application sees it.

use crate::command::{
    Abort, BodyChunk, Command, CommandKind, Connect, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail,
    Quit, Rcpt, Unknown,
};

/// Something that an application may have a hook for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
#[allow(missing_docs)] // each is documented at its payload
pub enum Event<'a> {
    Connect(Connect<'a>),
    Helo(Helo<'a>),
    Mail(Mail<'a>),
    Rcpt(Rcpt<'a>),
    Data(Data),
    Header(Header<'a>),
    EndOfHeaders(EndOfHeaders),
    Body(BodyChunk<'a>),
    EndOfMessage(EndOfMessage),
    Unknown(Unknown<'a>),
    Abort(Abort),
    Quit(Quit),
}

impl<'a> Event<'a> {
    /// The event that a command is; `None` for commands that no application sees.
    pub(crate) const fn of(command: Command<'a>) -> Option<Self> {
        Some(match command {
            Command::Negotiate(_) | Command::DefineMacros(_) => return None,
            Command::Connect(connect) => Self::Connect(connect),
            Command::Helo(helo) => Self::Helo(helo),
            Command::Mail(mail) => Self::Mail(mail),
            Command::Rcpt(rcpt) => Self::Rcpt(rcpt),
            Command::Data(data) => Self::Data(data),
            Command::Header(header) => Self::Header(header),
            Command::EndOfHeaders(end) => Self::EndOfHeaders(end),
            Command::Body(chunk) | Command::EndOfMessage(Some(chunk)) => Self::Body(chunk),
            Command::EndOfMessage(None) => Self::EndOfMessage(EndOfMessage),
            Command::Unknown(unknown) => Self::Unknown(unknown),
            Command::Abort => Self::Abort(Abort),
            Command::Quit | Command::QuitNewConnection => Self::Quit(Quit),
        })
    }

    /// Which event it is.
    pub const fn kind(&self) -> CommandKind {
        match self {
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
            Self::Abort(_) => CommandKind::Abort,
            Self::Quit(_) => CommandKind::Quit,
        }
    }
}
