//! A command of each kind.

use milter_proto::{
    Arguments, BodyChunk, Command, CommandKind, Connect, Data, DefineMacros, EndOfHeaders, Header, Helo,
    MacroPairs, Mail, Options, Peer, Rcpt, Text, Unknown,
};
use std::fmt;

/// Every command that follows a negotiation, but for the macros before others.
pub const COMMANDS: [CommandKind; 13] = [
    CommandKind::Connect,
    CommandKind::Helo,
    CommandKind::Mail,
    CommandKind::Rcpt,
    CommandKind::Data,
    CommandKind::Header,
    CommandKind::EndOfHeaders,
    CommandKind::Body,
    CommandKind::EndOfMessage,
    CommandKind::Unknown,
    CommandKind::Abort,
    CommandKind::Quit,
    CommandKind::QuitNewConnection,
];

/// A command of this kind; of what it carries only that it is sound is promised.
pub fn sample(kind: CommandKind) -> Command<'static> {
    match kind {
        CommandKind::Negotiate => Command::Negotiate(Options::CURRENT),
        CommandKind::DefineMacros => {
            Command::DefineMacros(fits(DefineMacros::new(CommandKind::Mail, MacroPairs::default())))
        }
        CommandKind::Connect => {
            let peer = Peer::Ipv4 { port: 25000, address: text("192.0.2.1") };
            Command::Connect(fits(Connect::new(text("client.example"), peer)))
        }
        CommandKind::Helo => Command::Helo(fits(Helo::new(text("client.example")))),
        CommandKind::Mail => Command::Mail(fits(Mail::new(text("<a@b>"), Arguments::default()))),
        CommandKind::Rcpt => Command::Rcpt(fits(Rcpt::new(text("<c@d>"), Arguments::default()))),
        CommandKind::Data => Command::Data(Data),
        CommandKind::Header => Command::Header(fits(Header::new(text("Subject"), text("hi")))),
        CommandKind::EndOfHeaders => Command::EndOfHeaders(EndOfHeaders),
        CommandKind::Body => match BodyChunk::split(b"hi\r\n").next() {
            Some(chunk) => Command::Body(chunk),
            None => panic!("four octets are a chunk"),
        },
        CommandKind::EndOfMessage => Command::EndOfMessage(None),
        CommandKind::Unknown => Command::Unknown(fits(Unknown::new(text("FOO")))),
        CommandKind::Abort => Command::Abort,
        CommandKind::Quit => Command::Quit,
        CommandKind::QuitNewConnection => Command::QuitNewConnection,
    }
}

#[track_caller]
pub(crate) fn text(octets: &str) -> Text<'_> {
    fits(octets.try_into())
}

#[track_caller]
pub(crate) fn fits<T, E: fmt::Display>(built: Result<T, E>) -> T {
    built.unwrap_or_else(|error| panic!("{error}"))
}
