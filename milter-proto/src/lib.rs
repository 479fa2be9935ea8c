//! The milter protocol without I/O: what Postfix and Sendmail ask a mail filter over a socket, and what it answers.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::todo,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod app;
mod command;
mod context;
mod dialogue;
pub mod error;
mod event;
#[cfg(test)]
mod known_answers;
mod macros;
mod message;
mod modifications;
mod mta;
mod negotiation;
mod packet;
mod parse;
mod response;
mod serve;
mod session;
mod stages;
mod step;
pub mod testing;
mod text;
mod verdict;

pub use app::{
    Answer, Answered, Application, BoxError, BoxHooks, Call, ConnectionAndMessage, ConnectionHooks,
    ConnectionStage, Conversation, Failure, Hook, Hooks, IntoAnswer, MessageStage, Milter, NoHooks, On,
    PerConnection, PerMessage, RequestsMacros, Running, Silenceable, Stage, State, With, Without, stage,
};
pub use command::{
    Abort, Argument, Arguments, ArgumentsBuf, BodyChunk, CanonicalName, Command, CommandKind, Connect, Data,
    DefineMacros, EndOfHeaders, EndOfMessage, Header, HeaderError, Helo, MacroPairs, MacroPairsBuf, Mail,
    Peer, Quit, Rcpt, Unknown,
};
pub use context::Context;
pub use dialogue::{Dialogue, Order, Position};
pub use error::{
    DecodeError, Error, NegotiationError, PacketError, ReplyError, TextError, TooLong, Violation,
};
pub use event::Event;
pub use macros::Macros;
pub use message::{EnvelopeAddress, Message, MessageHeader, MtaRules};
pub use modifications::{ModificationError, Modifications};
pub use mta::{AnswerError, Decision, Heard, Mta, Outcome, ResponseViolation, Scope, SendError, Sent};
pub use negotiation::{
    Actions, Agreement, MacroNames, MacroRequests, MacroRequestsBuf, MacroStage, Options, OptionsAnswer,
    Protocol, Version, Wish,
};
pub use packet::{BUFFER_SIZE, Decoder, MAX_PAYLOAD, Packet};
pub use response::{
    AddressAndArguments, HeaderField, Modification, ReplacementChunk, Response, SmtpReply, SmtpReplyView,
};
pub use serve::{Endpoint, EndpointError};
pub use session::{Happened, Session, WrongAnswer};
pub use step::{PROGRESS, Step};
pub use text::{Address, ArgumentText, HeaderName, HeaderValue, Reason, Text};
pub use verdict::{BodyVerdict, FailureVerdict, MessageVerdict, Verdict};
