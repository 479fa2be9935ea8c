//! Filters tested without an MTA, a socket or a runtime.
//!
//! [`Script`] is what an MTA says; [`Script::play`] plays it against a filter and gives what the filter answered. A hook
//! on its own is called with a [`detached`] context.

mod shown;

pub(crate) use shown::shown;

use crate::app::{Application, Conversation};
use crate::command::{CommandKind, DefineMacros, MacroPairsBuf};
use crate::context::Context;
use crate::error::Error;
use crate::negotiation::{Actions, Agreement, Options};
use crate::packet;
use crate::step::Step;
use crate::text::Text;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::pin;
use core::task::{self, Poll, Waker};
use shown::for_each;

/// What an MTA says, after it offered everything that version 6 has.
///
/// As an MTA would, it leaves out what the filter switched off, what has no place after a verdict, and the rest of a
/// body that the filter skips.
///
/// ```
/// use milter_proto::{Context, Mail, Milter, SmtpReply, Verdict};
/// use milter_proto::testing::{Script, now};
///
/// let milter = Milter::per_message(|| ()).on_mail(async |_: &mut (), mail: Mail<'_>, _: &mut Context| {
///     if mail.address().ends_with(b"@bad.example") { SmtpReply::reject("not you").into() } else { Verdict::Continue }
/// });
/// let outcome = now(Script::new().mail("<a@good.example>").mail("<a@bad.example>").rcpt("<b@c>").play(milter));
/// assert_eq!(outcome.to_string(), "O, c, y 550 5.7.1 not you");
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    offer: Options,
    packets: Vec<Scripted>,
}

#[derive(Clone, Debug)]
struct Scripted {
    letter: u8,
    bytes: Vec<u8>,
    /// Whether it is sent whatever was negotiated.
    always: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// An MTA of today.
    pub const fn new() -> Self {
        Self::offering(Options::CURRENT)
    }

    /// An MTA that offers this.
    pub const fn offering(offer: Options) -> Self {
        Self { offer, packets: Vec::new() }
    }

    /// A client at this IP address connects, from `client.example`, port 25000.
    pub fn connect(self, address: &str) -> Self {
        let family: &[u8] = if address.contains(':') { b"6" } else { b"4" };
        let port = 25000u16.to_be_bytes();
        self.send(CommandKind::Connect, &[b"client.example\0", family, &port, address.as_bytes(), b"\0"])
    }

    /// HELO.
    pub fn helo(self, name: impl AsRef<[u8]>) -> Self {
        self.send(CommandKind::Helo, &[name.as_ref(), b"\0"])
    }

    /// MAIL without arguments.
    pub fn mail(self, sender: impl AsRef<[u8]>) -> Self {
        self.mail_with(sender, &[])
    }

    /// MAIL with arguments.
    pub fn mail_with(self, sender: impl AsRef<[u8]>, arguments: &[&str]) -> Self {
        let arguments = terminated(arguments);
        self.send(CommandKind::Mail, &[sender.as_ref(), b"\0", &arguments])
    }

    /// RCPT without arguments.
    pub fn rcpt(self, recipient: impl AsRef<[u8]>) -> Self {
        self.rcpt_with(recipient, &[])
    }

    /// RCPT with arguments.
    pub fn rcpt_with(self, recipient: impl AsRef<[u8]>, arguments: &[&str]) -> Self {
        let arguments = terminated(arguments);
        self.send(CommandKind::Rcpt, &[recipient.as_ref(), b"\0", &arguments])
    }

    /// DATA.
    pub fn data(self) -> Self {
        self.send(CommandKind::Data, &[])
    }

    /// A header.
    pub fn header(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.send(CommandKind::Header, &[name.as_ref(), b"\0", value.as_ref(), b"\0"])
    }

    /// The end of the headers.
    pub fn end_of_headers(self) -> Self {
        self.send(CommandKind::EndOfHeaders, &[])
    }

    /// The body, in chunks.
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let chunks = body.as_ref().chunks(packet::MAX_PAYLOAD);
        chunks.fold(self, |script, chunk| script.send(CommandKind::Body, &[chunk]))
    }

    /// The end of the message.
    pub fn end_of_message(self) -> Self {
        self.send(CommandKind::EndOfMessage, &[])
    }

    /// An SMTP command that the MTA does not know.
    pub fn unknown(self, line: impl AsRef<[u8]>) -> Self {
        self.send(CommandKind::Unknown, &[line.as_ref(), b"\0"])
    }

    /// The message is dropped.
    pub fn abort(self) -> Self {
        self.send(CommandKind::Abort, &[])
    }

    /// The SMTP session is over, and the connection.
    pub fn quit(self) -> Self {
        self.send(CommandKind::Quit, &[])
    }

    /// The SMTP session is over, and a new one follows.
    pub fn quit_new_connection(self) -> Self {
        self.send(CommandKind::QuitNewConnection, &[])
    }

    /// Macros for the command that follows.
    pub fn macros(self, command: CommandKind, macros: &[(&str, &str)]) -> Self {
        let pairs: Vec<&str> = macros.iter().flat_map(|(name, value)| [*name, *value]).collect();
        self.send(CommandKind::DefineMacros, &[&[command.letter()], &terminated(&pairs)])
    }

    /// Any packet, sent whatever was negotiated: what an MTA should not send.
    pub fn packet(mut self, letter: u8, payload: impl AsRef<[u8]>) -> Self {
        let mut bytes = Vec::new();
        packet::put(&mut bytes, letter, &[payload.as_ref()]);
        self.packets.push(Scripted { letter, bytes, always: true });
        self
    }

    /// Plays the script, and then the end of the stream. Hooks may await.
    pub async fn play(self, milter: impl Application) -> Outcome {
        let mut conversation = Conversation::new(milter, 1);
        let mut outcome = Outcome { bytes: Vec::new(), failures: Vec::new(), error: None };
        let mut offer = Vec::new();
        packet::put(&mut offer, b'O', &[&self.offer.to_wire()]);
        conversation.receive(&offer);
        let mut packets = self.packets.into_iter();
        let mut skips = false;
        loop {
            match conversation.step() {
                Ok(Step::Read) => {
                    let session = conversation.session();
                    let skipped = move |letter| skips && letter == CommandKind::Body.letter();
                    match packets.find(|Scripted { letter, always, .. }| {
                        *always || (session.expects(*letter) && !skipped(*letter))
                    }) {
                        Some(packet) => {
                            skips &= skipped(packet.letter);
                            conversation.receive(&packet.bytes);
                        }
                        None => conversation.receive(&[]),
                    }
                }
                Ok(Step::Write(bytes)) => {
                    outcome.bytes.extend_from_slice(bytes);
                    skips = bytes.ends_with(SKIP);
                }
                Ok(Step::Event(call)) => {
                    call.await;
                    outcome.failures.extend(conversation.take_failure().map(|failure| failure.to_string()));
                }
                Ok(Step::Close) => return outcome,
                Err(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }

    fn send(mut self, command: CommandKind, parts: &[&[u8]]) -> Self {
        let letter = command.letter();
        let mut bytes = Vec::new();
        packet::put(&mut bytes, letter, parts);
        self.packets.push(Scripted { letter, bytes, always: false });
        self
    }
}

/// What a filter answered to a script.
///
/// Displayed as letters with what belongs to them (`O`, a verdict `c a r t d s`, `y` and the reply, `h NAME: VALUE`,
/// `i0 NAME: VALUE` with the index, `m1 NAME: VALUE` with the occurrence, `e`, `+`, `2`, `-` and the address, `b` and the
/// body, `q` and the reason): `O, c, h X-Name: value, y 550 5.7.1 no`. First comes `O`, the answer
/// to the negotiation, then everything that the MTA is told; so also the `c` for an end of message without a hook.
#[derive(Clone, Debug)]
pub struct Outcome {
    bytes: Vec<u8>,
    failures: Vec<String>,
    error: Option<Error>,
}

impl Outcome {
    /// The error that ended the session, if one did.
    pub const fn error(&self) -> Option<Error> {
        self.error
    }

    /// What was said by hooks that failed: why there is a `t` that no hook gave.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// What was written, octet by octet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The letters of the responses.
    pub fn letters(&self) -> String {
        let mut letters = String::new();
        for_each(&self.bytes, |response| letters.push(char::from(response.letter())));
        letters
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.bytes))
    }
}

/// A context without a session, in which every action is allowed.
pub fn detached() -> Context {
    let mut context = Context::default();
    context.message.negotiated(Agreement::of_actions(Actions::all_known()));
    context
}

impl Context {
    /// Adds a macro, for tests of hooks on their own. Octets from the first NUL on are left out.
    pub fn with_macro(mut self, name: &str, value: &str) -> Self {
        let mut macros = MacroPairsBuf::new();
        for (name, value) in self.macros.iter().chain([(until_nul(name), until_nul(value))]) {
            // A text has no NUL.
            let _ = macros.push(name, value);
        }
        if let Ok(define) = DefineMacros::new(CommandKind::EndOfMessage, macros.view()) {
            self.macros.define(&define);
        }
        self
    }
}

/// The value of a future that is ready at once, for hooks that wait for nothing; also of a
/// [`Call`](crate::Call).
///
/// # Panics
///
/// When the future has to wait: such a hook is tested in a runtime.
#[track_caller]
#[allow(clippy::panic)] // for tests, where a panic is the way to fail
pub fn now<T>(future: impl IntoFuture<Output = T>) -> T {
    match pin!(future.into_future()).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("this future waits for something: run it in a runtime"),
    }
}

/// The packet by which a filter skips the rest of a body.
const SKIP: &[u8] = b"\0\0\0\x01s";

fn terminated(strings: &[&str]) -> Vec<u8> {
    strings.iter().flat_map(|string| [string.as_bytes(), b"\0"]).flatten().copied().collect()
}

fn until_nul(text: &str) -> Text<'_> {
    Text::trusted(text.as_bytes().split(|octet| *octet == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
