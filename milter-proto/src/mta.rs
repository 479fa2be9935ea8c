//! The MTA's side of a connection: commands in, bytes out; responses in, verdicts out.

mod agreed;
mod heard;
mod sending;

pub use agreed::AnswerError;
pub use heard::{Decision, Heard, Outcome, ResponseViolation, Scope};
pub use sending::{SendError, Sent};

use crate::command::{Command, CommandKind};
use crate::dialogue::{Dialogue, Position};
use crate::error::Error;
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
/// Commands are sent in the order of SMTP, whatever was negotiated; an open message is aborted before what ends it, and
/// what has no place after a verdict is left out as well.
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
    /// Octets came before the command that is waited for was written: they answer nothing.
    unasked: bool,
    quit: bool,
    failed: Option<Error>,

    // Per message.
    /// The filter has decided over the message, and sees no more of it.
    message_decided: bool,
    /// A command that is not sent again until another one was.
    skipped: Option<CommandKind>,
    /// The recipient that is waited for is one that the MTA itself rejected.
    rejected: bool,
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
            unasked: false,
            quit: false,
            failed: None,
            message_decided: false,
            skipped: None,
            rejected: false,
        }
    }

    /// Fails a filter that asks for protocol steps that were not offered, as Sendmail does. Unless set they are ignored,
    /// as Postfix does.
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
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
        if self.quit && self.outgoing.is_empty() {
            return Ok(Step::Close);
        }
        self.decoder.set_limit(self.agreed.agreement().max_payload());
        let frame = match self.decoder.peek() {
            Ok(Some(frame)) => frame,
            Ok(None) if self.decoder.is_ended() => return self.end_of_stream(),
            Ok(None) if self.outgoing.is_empty() => return Ok(Step::Read),
            Ok(None) => {
                // The rest of what began to come before this was written is no answer to it.
                self.unasked |= !self.decoder.is_empty();
                self.handed_out = true;
                return Ok(Step::Write(&self.outgoing));
            }
            Err(error) => return self.fail(error.into()),
        };
        let Some(command) = self.waiting.filter(|_| self.outgoing.is_empty() && !self.unasked) else {
            return self.fail(ResponseViolation::Unasked { letter: frame.letter }.into());
        };
        self.decoder.take(&frame);
        let packet = Packet { letter: frame.letter, payload: self.decoder.payload(&frame) };
        let heard = Response::decode(packet)
            .map_err(Error::from)
            .and_then(|response| Heard::of(command, response, self.agreed.agreement()));
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
            Ok(Heard::Decided(mut decision)) => {
                self.waiting = None;
                if core::mem::take(&mut self.rejected) && decision.scope == Scope::Recipient {
                    decision.scope = Scope::Command;
                }
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

    /// The macros that the filter asked for at a stage, without braces; `None` where it takes what it is given.
    pub fn macros_asked(&self, stage: MacroStage) -> Option<impl Iterator<Item = &[u8]>> {
        self.agreed.names_asked(stage).map(|names| names.iter().map(Vec::as_slice))
    }

    /// Whether the filter has decided over the whole SMTP session: it sees no more of it, and only QUIT is left.
    pub fn is_session_decided(&self) -> bool {
        self.dialogue.position() == Position::Decided
    }

    fn encode(&mut self, command: &Command<'_>) {
        if self.handed_out {
            self.outgoing.clear();
            self.handed_out = false;
        }
        command.encode(&mut self.outgoing);
    }

    /// A filter may close once it has decided over the whole SMTP session, or at our QUIT; else it left in the middle.
    fn end_of_stream<T>(&mut self) -> Result<Step<'_, T>, Error> {
        if self.quit || self.is_session_decided() {
            self.outgoing.clear();
            return Ok(Step::Close);
        }
        self.fail(ResponseViolation::Gone { waiting: self.waiting }.into())
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.failed = Some(error);
        Err(error)
    }
}
