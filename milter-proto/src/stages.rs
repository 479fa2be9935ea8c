//! Sets of commands that an application may want.

use crate::command::CommandKind;

bitflags::bitflags! {
    /// Stages of an SMTP session that an application can have a hook for. Those of a message stand in its order.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub(crate) struct Stages: u16 {
        const CONNECT = 1 << 0;
        const HELO = 1 << 1;
        const MAIL = 1 << 2;
        const RCPT = 1 << 3;
        const DATA = 1 << 4;
        const HEADER = 1 << 5;
        const END_OF_HEADERS = 1 << 6;
        const BODY = 1 << 7;
        const END_OF_MESSAGE = 1 << 8;
        const UNKNOWN = 1 << 9;
        const ABORT = 1 << 10;
        const QUIT = 1 << 11;
    }
}

impl Stages {
    /// The stage of a command; none for commands that no application sees.
    pub(crate) const fn of(command: CommandKind) -> Self {
        match command {
            CommandKind::Negotiate | CommandKind::DefineMacros => Self::empty(),
            CommandKind::Connect => Self::CONNECT,
            CommandKind::Helo => Self::HELO,
            CommandKind::Mail => Self::MAIL,
            CommandKind::Rcpt => Self::RCPT,
            CommandKind::Data => Self::DATA,
            CommandKind::Header => Self::HEADER,
            CommandKind::EndOfHeaders => Self::END_OF_HEADERS,
            CommandKind::Body => Self::BODY,
            CommandKind::EndOfMessage => Self::END_OF_MESSAGE,
            CommandKind::Unknown => Self::UNKNOWN,
            CommandKind::Abort => Self::ABORT,
            CommandKind::Quit | CommandKind::QuitNewConnection => Self::QUIT,
        }
    }
}
