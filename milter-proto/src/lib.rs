//! The milter protocol without I/O: what Postfix and Sendmail ask a mail filter over a socket, and what it answers.
//!
//! This crate opens no socket, knows no clock, starts no thread and writes no log; it needs `alloc` and nothing else of
//! the standard library. Bytes go in, events come out; answers go in, bytes come out. It plays both sides of the wire.
//! To serve a filter, take an adapter for your runtime, such as `milter-tokio`, which re-exports all of this.
//!
//! ```text
//!            bytes           packets           commands, responses           events, answers
//! socket <----------> driver --------> Decoder -----------------> Session ------------------> Conversation -> hooks
//!                                      packets   decode, encode   negotiation, macros, order    Milter
//! ```
//!
//! Each layer can be used alone, and knows only those below:
//!
//! | layer | what it does | start at |
//! | --- | --- | --- |
//! | packets | finds length-prefixed packets in any pieces of a stream, bounded | [`Decoder`] |
//! | commands, responses | decoded as borrowed views, encoded without a way to fail | [`Command`], [`Response`] |
//! | negotiation | what is wanted and what is offered become an agreement | [`Wish`], [`Agreement`] |
//! | session | the filter's side: order, macros, modifications, every reply that is due | [`Session`] |
//! | application | filters as declared hooks | [`Milter`], [`Context`], [`testing`] |
//! | the MTA's side | asks a filter, checks its answers, applies its modifications | [`Mta`], [`Message`] |
//!
//! # The one invariant
//!
//! A machine says what it needs next by a [`Step`]: to read, to write, to look at an event, to close. **At `Read` and at
//! `Event` we owe the peer no bytes**: whatever was answered has been handed out as a `Write` before. So a driver may
//! wait at `Read` as long as it likes, and during an `Event` a timer may write [`PROGRESS`] by itself.
//!
//! # A dialogue in bytes
//!
//! A filter that rejects a sender, and the bytes that go over the wire for it:
//!
//! ```
//! use milter_proto::{Context, Conversation, Mail, Milter, SmtpReply, Step, Verdict, testing::now};
//!
//! let milter = Milter::per_message(|| ()).on_mail(async |_: &mut (), mail: Mail<'_>, _: &mut Context| {
//!     if mail.address() == "a@bad.example" { SmtpReply::reject("not you").into() } else { Verdict::Continue }
//! });
//! let mut conversation = Conversation::new(milter, 1);
//! let mut written = Vec::new();
//! for read in [
//!     &b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"[..], // version 6, every action, every protocol step
//!     b"\0\0\0\x12DMi\0",                                           // macros for MAIL, cut in the middle
//!     b"4XyZ\0v\0Postfi\0",
//!     b"\0\0\0\x11M<a@bad.example>\0",                              // MAIL
//!     b"",                                                          // the end of the stream
//! ] {
//!     conversation.receive(read);
//!     loop {
//!         match conversation.step()? {
//!             Step::Read | Step::Close => break,
//!             Step::Write(bytes) => written.extend_from_slice(bytes),
//!             Step::Event(call) => now(call), // the only user code; a driver awaits it
//!         }
//!     }
//! }
//! // Everything but MAIL is switched off (SMFIP_NOCONNECT, SMFIP_NOHELO, …), and MAIL is answered.
//! assert_eq!(written[..17], *b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\x03\x7b");
//! assert_eq!(written[17..], *b"\0\0\0\x13y550 5.7.1 not you\0");
//! # Ok::<(), milter_proto::Error>(())
//! ```
//!
//! # Names
//!
//! Everything can be searched by its C name: `SMFIC_MAIL`, `SMFIR_REPLYCODE`, `SMFIP_NR_HDR`, `xxfi_eom`, `smfi_addheader`.
//! Differences between MTAs stand where they matter, after the word "Interop".
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
pub use serve::{ACCEPT_BACK_OFF, Deadlines, Endpoint, EndpointError, Phase, Waiting, connections_for};
pub use session::{Happened, Session, WrongAnswer};
pub use step::{Next, PROGRESS, Step};
pub use text::{Address, ArgumentText, HeaderName, HeaderValue, Reason, Text};
pub use verdict::{BodyVerdict, FailureVerdict, MessageVerdict, Verdict};
