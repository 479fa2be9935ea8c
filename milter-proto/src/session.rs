//! The filter's side of a connection: bytes in, events out; answers in, bytes out.

mod machine;
mod outbox;

use crate::command::CommandKind;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::negotiation::{Agreement, Wish};
use crate::packet::{Decoder, Packet};
use crate::step::{Next, Step};
use crate::verdict::{BodyVerdict, FailureVerdict};
use machine::Machine;

/// The filter's side of a connection, without hooks: it negotiates, keeps macros and modifications, checks the order
/// of commands, switches off or swallows what is not wanted, and gives the replies that nobody else gives.
///
/// 1. [`step`](Self::step) says what is needed.
/// 2. `Read`: [`receive`](Self::receive) what came; empty input is the end of the stream.
/// 3. `Write`: write all of it.
/// 4. `Event`: look, record modifications, and [`answer`](Self::answer) if an answer is due. An event that needs an
///    answer and gets none counts as [`fail`](Self::fail)ed.
/// 5. `Close`, or an error: close the connection.
///
/// ```
/// use milter_proto::{BodyVerdict, CommandKind, Event, Options, Session, Step, Wish};
///
/// let mut wish = Wish::new();
/// wish.answers(CommandKind::Mail);
/// let mut session = Session::new(wish);
///
/// let offer = [&b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"[..]]; // version 6, everything
/// let mail = b"\0\0\0\x07M<a@b>\0";
/// session.receive(&[offer[0], mail].concat());
/// let mut written = Vec::new();
/// loop {
///     match session.step()? {                            // 1
///         Step::Read => break,                           // 2: nothing more comes in this example
///         Step::Write(bytes) => written.extend(bytes),   // 3
///         Step::Event(happened) => {                     // 4
///             assert!(matches!(happened.event, Event::Mail(mail) if mail.sender() == "<a@b>"));
///             session.answer(BodyVerdict::Reject)?;
///         }
///         Step::Close => break,                          // 5
///     }
/// }
/// assert!(written.ends_with(b"\0\0\0\x01r"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    decoder: Decoder,
    machine: Machine,
}

/// An event, and what can be looked up and recorded beside it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Happened<'a> {
    /// What happened.
    pub event: Event<'a>,
    /// Macros and modifications.
    pub context: &'a mut Context,
}

impl Session {
    /// Before the negotiation.
    pub fn new(wish: Wish) -> Self {
        Self::with_id(wish, 0)
    }

    /// Before the negotiation, on the connection of this number: see [`Context::connection_id`].
    pub fn with_id(wish: Wish, connection: u64) -> Self {
        Self { decoder: Decoder::new(), machine: Machine::new(wish, Context::new(connection)) }
    }

    /// Counts headers, so that [`delete_all_headers`](crate::Modifications::delete_all_headers) knows them. Headers
    /// must be wanted.
    pub fn track_headers(&mut self) {
        self.machine.context.message.track_headers();
    }

    /// How many octets of modifications may be recorded for one message, those of CONNECT and HELO included: 1 MiB unless
    /// set. A replaced body does not count.
    pub const fn set_max_modifications(&mut self, octets: usize) {
        self.machine.context.message.set_limit(octets);
    }

    /// What a failure gives: temporary failure unless set.
    pub fn set_failure_verdict(&mut self, verdict: FailureVerdict) {
        self.machine.failure_verdict = verdict;
    }

    /// Takes bytes in. Empty input is the end of the stream.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.receive(bytes);
    }

    /// The receive buffer, for drivers that read straight into it.
    pub const fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// What is needed next. An error comes after every reply that was owed was written, and is final.
    pub fn step(&mut self) -> Result<Step<'_, Happened<'_>>, Error> {
        let next = self.advance();
        self.present(next)
    }

    /// The first half of a step: everything up to what is needed, also the end of messages and SMTP sessions.
    #[inline]
    pub(crate) fn advance(&mut self) -> Next {
        self.machine.next(&mut self.decoder)
    }

    /// The second half of a step, which may begin a message.
    #[inline]
    pub(crate) fn present(&mut self, next: Next) -> Result<Step<'_, Happened<'_>>, Error> {
        let packet = match next {
            Next::Event if self.machine.pending().is_none() => self.decoder.packet().ok().flatten(),
            _ => None,
        };
        let Some(Packet { letter, payload }) = packet else { return self.machine.present(next) };
        let event = CommandKind::from_letter(letter).and_then(|kind| self.machine.take_in(kind, payload));
        match event {
            Ok(Some(event)) => {
                self.machine.wait_for(event.kind());
                Ok(Step::Event(Happened { event, context: &mut self.machine.context }))
            }
            Ok(None) => Ok(Step::Read),
            Err(error) => {
                self.machine.end(Some(error.into()));
                let next = self.machine.next_of_ending();
                self.machine.present(next)
            }
        }
    }

    /// Answers the last event. Where no answer is due, the answer is ignored.
    pub fn answer(&mut self, verdict: impl Into<BodyVerdict>) -> Result<(), WrongAnswer> {
        let verdict = verdict.into();
        self.machine.answer(&verdict).map_err(|command| WrongAnswer { command, verdict })
    }

    /// The last event could not be answered: gives the failure verdict, now or at the first stage that takes a reply.
    pub fn fail(&mut self) {
        self.machine.fail();
    }

    /// The last event was not even finished: [fails](Self::fail), and closes once the failure verdict is written. Where
    /// the failure concerns a stage that takes no reply, that is at the first one that does: were the connection closed
    /// before, an MTA whose default is to accept would let the message pass unseen.
    pub fn abandon(&mut self) {
        self.machine.abandon();
    }

    /// Ends the session as the end of the stream would.
    pub fn finish(&mut self) {
        self.machine.end(None);
    }

    /// What was negotiated, once it was.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.machine.agreement()
    }

    /// Macros and modifications.
    pub const fn context(&self) -> &Context {
        &self.machine.context
    }

    /// Which event was handed out and not answered yet.
    pub(crate) const fn pending(&self) -> Option<CommandKind> {
        self.machine.pending()
    }

    /// [Answers](Self::answer) the last event, for callers whose answers are right.
    #[inline]
    pub(crate) fn answer_rightly(&mut self, verdict: &BodyVerdict) {
        let _ = self.machine.answer(verdict);
    }

    /// Gives the last event, if it was not answered, what no answer means.
    pub(crate) fn settle(&mut self) {
        self.machine.settle();
    }

    /// Whether a message is open.
    pub const fn in_message(&self) -> bool {
        self.machine.in_message()
    }

    /// Whether an MTA may send a command of this letter now: it is not switched off, and has its place here.
    pub(crate) fn expects(&self, letter: u8) -> bool {
        CommandKind::from_letter(letter).is_ok_and(|kind| {
            !self.context().agreement().is_switched_off(kind) && self.machine.may_come(kind)
        })
    }

    /// Which SMTP session of this connection it is, counted from 0: the first QUIT_NC begins number 1.
    pub const fn smtp_session(&self) -> u64 {
        self.machine.smtp_session
    }

    /// How many messages of this connection are over.
    pub const fn messages_over(&self) -> u64 {
        self.machine.messages_over
    }
}

/// An answer that the stage does not take: nothing was answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{verdict:?} is no answer to {command}")]
#[non_exhaustive]
pub struct WrongAnswer {
    /// What was to be answered.
    pub command: CommandKind,
    /// The answer.
    pub verdict: BodyVerdict,
}
