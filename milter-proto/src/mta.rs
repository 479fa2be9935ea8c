//! The MTA's side of a connection: commands in, bytes out; responses in, verdicts out.

mod agreed;
mod heard;

pub use agreed::AnswerError;
pub use heard::{Decision, Heard, Outcome, ResponseViolation, Scope};

use crate::command::{Command, CommandKind, DefineMacros, MacroPairs};
use crate::dialogue::{Dialogue, Order, Position};
use crate::error::{Error, PacketError, Violation};
use crate::negotiation::{Agreement, MacroStage, Options};
use crate::packet::{Decoder, Packet};
use crate::response::Response;
use crate::step::Step;
use agreed::Agreed;
use alloc::vec::Vec;

/// The MTA's side of a connection: for servers that ask filters, and for tests of filters.
///
/// 1. [`send`](Self::send) a command, its [macros](Self::define) before it. What the filter did not ask for is left out,
///    and the result says whether an answer is due.
/// 2. [`step`](Self::step) until it is [no longer waited](Self::waits_for) for an answer: write at `Write`; at `Read`
///    read and [`receive`](Self::receive) (empty input is the end of the stream); at `Event` look at what was
///    [`Heard`].
/// 3. On an error, or at `Close`, close the connection: there is no way to go on with it.
///
/// Commands are sent in the order of SMTP, whatever was negotiated; an open message is aborted before HELO and MAIL,
/// and what has no place after a verdict is left out as well.
///
/// ```
/// use milter_proto::{Arguments, Command, Heard, Mail, Mta, Options, Outcome, Sent, Step};
///
/// let mut mta = Mta::new(Options::CURRENT);
/// // What a filter would answer: it wants MAIL, HELO and nothing else, and rejects.
/// let mut answers = [&b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\x03\x79"[..], b"\0\0\0\x01r"].into_iter();
/// let mail = Mail::new("<a@b>".try_into()?, Arguments::default())?;
/// let mut rejected = false;
/// loop {
///     match mta.step()? {
///         Step::Write(_) => {} // to the filter
///         Step::Read if rejected => break,
///         Step::Read => match mta.waits_for() {
///             Some(_) => mta.receive(answers.next().unwrap_or_default()),
///             None => assert_eq!(mta.send(&Command::Mail(mail))?, Sent::Awaited),
///         },
///         Step::Event(Heard::Decided(decision)) => rejected = decision.outcome == Outcome::Reject,
///         Step::Event(_) => {}
///         Step::Close => break,
///     }
/// }
/// assert!(rejected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Mta {
    // Per connection.
    decoder: Decoder,
    outgoing: Vec<u8>,
    handed_out: bool,
    dialogue: Dialogue,
    offer: Options,
    strict: bool,
    agreed: Agreed,
    waiting: Option<CommandKind>,
    quit: bool,
    failed: Option<Error>,

    // Per message.
    /// The filter has decided over the message, and sees no more of it.
    message_decided: bool,
    /// A command that is not sent again until another one was.
    skipped: Option<CommandKind>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sent {
    /// It was not sent: the filter does not want it, or has already decided.
    LeftOut,
    /// It is sent, and no answer is due.
    Unanswered,
    /// It is sent, and nothing else can be sent before the answer has come.
    Awaited,
}

/// A command that cannot be sent now: a mistake of the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The answer to another command is due first.
    #[error("the answer to {waiting} is due before {command} can be sent")]
    Waiting {
        /// The command that was to be sent.
        command: CommandKind,
        /// The command that was not answered yet.
        waiting: CommandKind,
    },
    /// The command has no place here.
    #[error(transparent)]
    Order(#[from] Violation),
    /// The connection is over.
    #[error("the connection with the filter is over")]
    Closed,
}

/// Octets that are kept for the next command.
const KEPT: usize = 1024;

impl Mta {
    /// Offers this to the filter: the offer is the first thing written.
    pub fn new(offer: Options) -> Self {
        let mut outgoing = Vec::new();
        Command::Negotiate(offer).encode(&mut outgoing);
        Self {
            decoder: Decoder::new(),
            outgoing,
            handed_out: false,
            dialogue: Dialogue::new(),
            offer,
            strict: false,
            agreed: Agreed::default(),
            waiting: Some(CommandKind::Negotiate),
            quit: false,
            failed: None,
            message_decided: false,
            skipped: None,
        }
    }

    /// Fails a filter that asks for protocol steps that were not offered, as Sendmail does. Unless set they are ignored,
    /// as Postfix does.
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Macros for the command that is sent next. Of those the filter asked for, if it did, only these are sent.
    ///
    /// Interop: as Postfix and Sendmail do, macros of CONNECT, HELO, MAIL, RCPT and DATA are sent even if the command
    /// itself is switched off.
    pub fn define(&mut self, command: CommandKind, macros: MacroPairs<'_>) -> Result<(), SendError> {
        self.may_send(CommandKind::DefineMacros)?;
        if self.is_over_for(command) || self.agreed.leaves_out_macros(command) {
            return Ok(());
        }
        let asked = self.agreed.macros_asked(command, macros);
        let macros = asked.as_ref().map_or(macros, |asked| asked.view());
        if let (false, Ok(define)) = (macros.is_empty(), DefineMacros::new(command, macros)) {
            self.encode(&Command::DefineMacros(define));
        }
        Ok(())
    }

    /// Sends a command, if the filter wants it.
    pub fn send(&mut self, command: &Command<'_>) -> Result<Sent, SendError> {
        let kind = command.kind();
        self.may_send(kind)?;
        if matches!(kind, CommandKind::Mail | CommandKind::Helo | CommandKind::Abort) {
            self.end_message();
        }
        if self.is_over_for(kind) {
            return Ok(Sent::LeftOut);
        }
        if self.dialogue.check(kind)? == Order::AfterAbort && kind != CommandKind::Abort {
            self.encode(&Command::Abort);
            self.dialogue.end_message();
        }
        if kind != CommandKind::Unknown && self.skipped != Some(kind) {
            self.skipped = None;
        }
        if self.agreed.leaves_out(kind) || self.skipped == Some(kind) {
            return Ok(Sent::LeftOut);
        }
        self.encode(command);
        match kind {
            CommandKind::Quit => self.quit = true,
            CommandKind::QuitNewConnection => self.message_decided = false,
            _ => {}
        }
        self.dialogue.advance(kind);
        if !self.agreed.agreement().expects_reply(kind) {
            return Ok(Sent::Unanswered);
        }
        self.waiting = Some(kind);
        Ok(Sent::Awaited)
    }

    /// Takes bytes in. Empty input is the end of the stream.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.receive(bytes);
    }

    /// The receive buffer, for drivers that read straight into it.
    pub const fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// What is needed next. An error is final.
    pub fn step(&mut self) -> Result<Step<'_, Heard<'_>>, Error> {
        if self.handed_out {
            self.outgoing.clear();
            self.outgoing.shrink_to(KEPT);
            self.handed_out = false;
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.outgoing.is_empty() {
            self.handed_out = true;
            return Ok(Step::Write(&self.outgoing));
        }
        if self.quit {
            return Ok(Step::Close);
        }
        let frame = match self.decoder.peek() {
            Ok(Some(frame)) => frame,
            Ok(None) if !self.decoder.is_ended() => return Ok(Step::Read),
            // A filter may close once it has decided over the whole SMTP session; else it left in the middle.
            Ok(None) if self.dialogue.position() == Position::Decided => return Ok(Step::Close),
            Ok(None) => return self.fail(ResponseViolation::Gone { waiting: self.waiting }.into()),
            Err(error) => return self.fail(PacketError::into(error)),
        };
        self.decoder.take(&frame);
        let packet = Packet { letter: frame.letter, payload: self.decoder.payload(&frame) };
        let heard = Response::decode(packet).map_err(Error::from).and_then(|response| {
            let Some(command) = self.waiting else {
                return Err(ResponseViolation::Unasked { letter: packet.letter }.into());
            };
            Heard::of(command, response, self.agreed.agreement())
        });
        match heard {
            Ok(Heard::Negotiated(answer)) => {
                match Agreed::new(self.offer, &answer, self.strict) {
                    Ok(agreed) => self.agreed = agreed,
                    Err(error) => {
                        self.failed = Some(error.into());
                        return Err(error.into());
                    }
                }
                self.waiting = None;
                self.dialogue.negotiated(self.agreed.leaves_out(CommandKind::Mail));
                Ok(Step::Event(Heard::Negotiated(answer)))
            }
            Ok(Heard::Decided(decision)) => {
                self.waiting = None;
                match decision.scope {
                    Scope::Session => self.dialogue.decide(),
                    Scope::Message => {
                        self.dialogue.end_message();
                        self.message_decided = true;
                    }
                    Scope::Recipient | Scope::Command => {}
                }
                if decision.outcome == Outcome::Skip {
                    self.skipped = Some(decision.command);
                }
                Ok(Step::Event(Heard::Decided(decision)))
            }
            Ok(heard) => Ok(Step::Event(heard)),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// The command whose answer is waited for.
    pub const fn waits_for(&self) -> Option<CommandKind> {
        self.waiting
    }

    /// What was negotiated, once it was.
    pub fn agreement(&self) -> Option<&Agreement> {
        (self.dialogue.position() != Position::Start).then(|| self.agreed.agreement())
    }

    /// Whether this command would be left out if it were sent now: the filter does not want it, or has already decided.
    pub fn leaves_out(&self, command: CommandKind) -> bool {
        self.is_over_for(command) || self.agreed.leaves_out(command) || self.skipped == Some(command)
    }

    /// The macros that the filter asked for at a stage, without braces; `None` where it takes what it is given.
    pub fn macros_asked(&self, stage: MacroStage) -> Option<impl Iterator<Item = &[u8]>> {
        self.agreed.names_asked(stage).map(|names| names.iter().map(Vec::as_slice))
    }

    /// Whether the filter has decided over the whole SMTP session: it sees no more of it, and only QUIT is left.
    pub fn is_session_decided(&self) -> bool {
        self.dialogue.position() == Position::Decided
    }

    fn may_send(&self, command: CommandKind) -> Result<(), SendError> {
        match self.waiting {
            _ if self.quit || self.failed.is_some() => Err(SendError::Closed),
            Some(waiting) => Err(SendError::Waiting { command, waiting }),
            None => Ok(()),
        }
    }

    /// Whether the filter has decided, so that it sees no more of these commands.
    fn is_over_for(&self, command: CommandKind) -> bool {
        match command {
            CommandKind::Quit | CommandKind::QuitNewConnection => false,
            _ if self.is_session_decided() => true,
            CommandKind::Rcpt
            | CommandKind::Data
            | CommandKind::Header
            | CommandKind::EndOfHeaders
            | CommandKind::Body
            | CommandKind::EndOfMessage => self.message_decided,
            _ => false,
        }
    }

    const fn end_message(&mut self) {
        self.message_decided = false;
        self.skipped = None;
    }

    fn encode(&mut self, command: &Command<'_>) {
        if self.handed_out {
            self.outgoing.clear();
            self.handed_out = false;
        }
        command.encode(&mut self.outgoing);
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.failed = Some(error);
        Err(error)
    }
}
