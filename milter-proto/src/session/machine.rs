//! Everything of a session but the receive buffer, so that an event can borrow that one and the context side by side.

use super::outbox::Outbox;
use super::{Happened, WrongAnswer};
use crate::command::{Abort, Command, CommandKind, EndOfMessage, Quit};
use crate::context::Context;
use crate::dialogue::{Dialogue, Order, Position};
use crate::error::Error;
use crate::event::Event;
use crate::negotiation::{Agreement, Options, Protocol, Wish};
use crate::packet::{Decoder, Frame, Packet};
use crate::response::{Response, SmtpReply};
use crate::step::Step;
use crate::verdict::{BodyVerdict, FailureVerdict};

#[derive(Debug)]
pub(super) struct Machine {
    // Per connection.
    wish: Wish,
    outbox: Outbox,
    dialogue: Dialogue,
    pub(super) context: Context,
    pub(super) failure_verdict: FailureVerdict,
    /// The event that was handed out.
    pending: Option<CommandKind>,
    ending: Option<Ending>,

    // Per SMTP session; replaced as a whole at QUIT_NC.
    pub(super) smtp_session: u64,
    session: SmtpSession,

    // Per message; replaced as a whole at its end.
    message: Message,
}

#[derive(Debug, Default)]
struct SmtpSession {
    /// The quit event was told.
    quit: bool,
    /// A stage of the session that takes no reply failed: every reply is the failure verdict.
    failed: bool,
}

#[derive(Debug, Default)]
struct Message {
    /// A stage that takes no reply failed: the next reply of the message is the failure verdict.
    failed: bool,
    /// It was accepted while modifications wait: they are sent with the verdict at the end.
    accepted: bool,
    /// The rest of the body is not wanted.
    body_skipped: bool,
    /// The end of the message came with body octets, which were told: the end itself was not.
    end_is_due: bool,
}

/// How a connection ends, step by step: what is owed is written, an open message is aborted, the session is quit.
#[derive(Clone, Copy, Debug)]
struct Ending {
    error: Option<Error>,
    /// A new SMTP session follows (QUIT_NC).
    renew: bool,
}

/// What comes next, without borrowing anything.
#[derive(Debug)]
pub(super) enum Next {
    Read,
    Write,
    /// An event whose packet was taken and is to be decoded.
    Command(Frame, CommandKind),
    /// An event without payload.
    Event(Event<'static>),
    Close(Option<Error>),
}

impl Machine {
    pub(super) fn new(wish: Wish, context: Context) -> Self {
        Self {
            wish,
            outbox: Outbox::default(),
            dialogue: Dialogue::new(),
            context,
            failure_verdict: FailureVerdict::default(),
            pending: None,
            ending: None,
            smtp_session: 0,
            session: SmtpSession::default(),
            message: Message::default(),
        }
    }

    /// Acts on packets until something is needed from outside.
    pub(super) fn next(&mut self, decoder: &mut Decoder) -> Next {
        if let Some(unanswered) = self.pending {
            if self.context.agreement().is_answered(unanswered) {
                self.fail();
            } else {
                self.conclude(BodyVerdict::Continue);
            }
        }
        loop {
            if self.ending.is_some() {
                match self.next_of_ending() {
                    Next::Read => {} // a new SMTP session follows
                    next => return next,
                }
            }
            if core::mem::take(&mut self.message.end_is_due) {
                match self.end_of_message() {
                    Some(next) => return next,
                    None => continue,
                }
            }
            let frame = match decoder.peek() {
                Ok(Some(frame)) => frame,
                Ok(None) if !self.outbox.is_empty() => return Next::Write,
                Ok(None) if decoder.is_ended() => {
                    self.end(None);
                    continue;
                }
                Ok(None) => return Next::Read,
                Err(error) => {
                    self.end(Some(error.into()));
                    continue;
                }
            };
            match self.act(decoder, frame) {
                Ok(Some(next)) => return next,
                Ok(None) => {}
                Err(error) => self.end(Some(error)),
            }
        }
    }

    /// Acts on one packet. What an event needs first is done first, and the packet stays where it is.
    fn act(&mut self, decoder: &mut Decoder, frame: Frame) -> Result<Option<Next>, Error> {
        let kind = CommandKind::from_letter(frame.letter)?;
        let packet = Packet { letter: frame.letter, payload: decoder.payload(&frame) };
        let order = self.dialogue.check(kind)?;
        match kind {
            CommandKind::Negotiate => {
                if let Command::Negotiate(offer) = Command::decode(packet)? {
                    let agreement = self.negotiate(offer)?;
                    decoder.set_limit(agreement.max_payload());
                }
                decoder.take(&frame);
                return Ok(None);
            }
            CommandKind::DefineMacros => {
                if let Command::DefineMacros(define) = Command::decode(packet)? {
                    // Where a command is switched off, its macros do its work: they begin what it would begin.
                    let stage = CommandKind::from_letter(define.stage()).ok();
                    let stage = stage.filter(|stage| self.context.agreement().is_switched_off(*stage));
                    if stage == Some(CommandKind::Mail) && self.in_message() {
                        return Ok(self.abort());
                    }
                    self.context.macros.define(&define);
                    if let Some(stage) = stage {
                        self.context.macros.begin(stage);
                    }
                }
                decoder.take(&frame);
                return Ok(None);
            }
            CommandKind::Quit | CommandKind::QuitNewConnection => {
                decoder.take(&frame);
                self.ending = Some(Ending { error: None, renew: kind == CommandKind::QuitNewConnection });
                return Ok(None);
            }
            _ if order == Order::AfterAbort => return Ok(self.abort()),
            CommandKind::Abort => {
                decoder.take(&frame);
                self.begin(kind);
                return Ok(None);
            }
            _ => {}
        }
        if self.is_visible(kind, packet.payload) {
            if !self.outbox.is_empty() {
                return Ok(Some(Next::Write));
            }
            decoder.take(&frame);
            if kind == CommandKind::EndOfMessage && packet_is_empty(decoder, &frame) {
                self.begin(kind);
                return Ok(self.end_of_message());
            }
            return Ok(Some(Next::Command(frame, kind)));
        }
        let command = Command::decode(packet)?;
        self.begin(kind);
        if let Command::Header(header) = command {
            self.context.message.count_header(header.name());
        }
        decoder.take(&frame);
        if kind == CommandKind::EndOfMessage {
            return Ok(self.end_of_message());
        }
        self.pending = Some(kind);
        self.conclude(BodyVerdict::Continue);
        Ok(None)
    }

    fn negotiate(&mut self, offer: Options) -> Result<Agreement, Error> {
        let agreement = self.wish.agree(offer)?;
        if let Some(answer) = self.wish.answer(offer, &agreement) {
            self.outbox.push(Response::Negotiate(answer));
        }
        self.context.message.negotiated(agreement);
        self.dialogue.negotiated(agreement.is_switched_off(CommandKind::Mail));
        Ok(agreement)
    }

    /// Whether the application is shown a command now.
    fn is_visible(&self, kind: CommandKind, payload: &[u8]) -> bool {
        let hidden = match kind {
            CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown => self.session.failed,
            CommandKind::Body => self.is_decided() || self.message.body_skipped,
            _ => self.is_decided(),
        };
        let agreement = self.context.agreement();
        // A last piece of the body is shown as a body chunk.
        let last_piece = kind == CommandKind::EndOfMessage
            && !payload.is_empty()
            && agreement.wants(CommandKind::Body)
            && !self.message.body_skipped;
        !hidden && (agreement.wants(kind) || last_piece)
    }

    /// Whether the rest of the message is swallowed.
    const fn is_decided(&self) -> bool {
        self.session.failed || self.message.failed || self.message.accepted
    }

    /// A command is acted on: macros and scopes begin and end with it.
    pub(super) fn begin(&mut self, kind: CommandKind) {
        let was_in_message = self.in_message();
        self.dialogue.advance(kind);
        self.context.macros.begin(kind);
        if kind == CommandKind::Helo {
            self.context.message.begin_helo();
        } else if self.in_message() && !was_in_message {
            self.context.message_number = self.context.message_number.saturating_add(1);
            self.context.message.begin_message();
        }
    }

    /// An event is handed out.
    pub(super) fn wait_for(&mut self, event: CommandKind) {
        self.pending = Some(event);
        if event == CommandKind::Body
            && self.dialogue.position() == Position::Message(CommandKind::EndOfMessage)
        {
            self.message.end_is_due = true;
        }
    }

    /// The end of the message itself: told, or answered at once.
    fn end_of_message(&mut self) -> Option<Next> {
        let hidden = self.is_decided() || !self.context.agreement().wants(CommandKind::EndOfMessage);
        if !hidden && !self.outbox.is_empty() {
            self.message.end_is_due = true;
            return Some(Next::Write);
        }
        self.pending = Some(CommandKind::EndOfMessage);
        if hidden {
            self.conclude(BodyVerdict::Continue);
            return None;
        }
        Some(Next::Event(Event::EndOfMessage(EndOfMessage)))
    }

    /// The open message is aborted.
    fn abort(&mut self) -> Option<Next> {
        if !self.context.agreement().wants(CommandKind::Abort) {
            self.end_message();
            return None;
        }
        if !self.outbox.is_empty() {
            return Some(Next::Write);
        }
        self.pending = Some(CommandKind::Abort);
        Some(Next::Event(Event::Abort(Abort)))
    }

    /// The connection, or with QUIT_NC the SMTP session, is to end. The first reason counts.
    pub(super) fn end(&mut self, error: Option<Error>) {
        if self.ending.is_none_or(|ending| ending.renew) {
            self.ending = Some(Ending { error, renew: false });
        }
    }

    /// The next step of an ending; `Read` when a new SMTP session has begun.
    pub(super) fn next_of_ending(&mut self) -> Next {
        let Some(Ending { error, renew }) = self.ending else { return Next::Read };
        if !self.outbox.is_empty() {
            return Next::Write;
        }
        let aborted = if self.in_message() { self.abort() } else { None };
        if let Some(next) = aborted {
            return next;
        }
        let quit_is_due = self.agreement().is_some() && !core::mem::replace(&mut self.session.quit, true);
        if quit_is_due && self.context.agreement().wants(CommandKind::Quit) {
            self.pending = Some(CommandKind::Quit);
            return Next::Event(Event::Quit(Quit));
        }
        if !renew {
            return Next::Close(error);
        }
        self.ending = None;
        self.session = SmtpSession::default();
        self.smtp_session = self.smtp_session.saturating_add(1);
        self.dialogue.advance(CommandKind::QuitNewConnection);
        self.context.macros.end_session();
        self.context.message.end_session();
        Next::Read
    }

    /// A step that needs nothing of the receive buffer.
    pub(super) fn present(&mut self, next: Next) -> Result<Step<'_, Happened<'_>>, Error> {
        match next {
            Next::Read | Next::Command(..) => Ok(Step::Read),
            Next::Write => Ok(Step::Write(self.outbox.next())),
            Next::Event(event) => Ok(Step::Event(Happened { event, context: &mut self.context })),
            Next::Close(None) => Ok(Step::Close),
            Next::Close(Some(error)) => Err(error),
        }
    }

    pub(super) fn answer(&mut self, verdict: BodyVerdict) -> Result<(), WrongAnswer> {
        let Some(command) = self.pending else { return Ok(()) };
        let takes = match verdict {
            BodyVerdict::Skip => command == CommandKind::Body,
            BodyVerdict::Discard => {
                !matches!(command, CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown)
            }
            _ => true,
        };
        if !takes {
            return Err(WrongAnswer { command, verdict });
        }
        self.conclude(verdict);
        Ok(())
    }

    /// The pending event failed.
    pub(super) fn fail(&mut self) {
        let Some(command) = self.pending else { return };
        if matches!(command, CommandKind::Abort | CommandKind::Quit) {
            return self.conclude(BodyVerdict::Continue);
        }
        if self.failure_verdict == FailureVerdict::Close {
            self.pending = None;
            return self.end(None);
        }
        if self.context.agreement().is_answered(command) && !self.message.end_is_due {
            return self.conclude(self.failure());
        }
        // Remembered until a stage that takes a reply.
        match command {
            CommandKind::Connect | CommandKind::Helo => self.session.failed = true,
            CommandKind::Unknown if !self.in_message() => self.session.failed = true,
            _ => self.message.failed = true,
        }
        self.conclude(BodyVerdict::Continue);
    }

    const fn failure(&self) -> BodyVerdict {
        match self.failure_verdict {
            FailureVerdict::Reject => BodyVerdict::Reject,
            FailureVerdict::TempFail | FailureVerdict::Close => BodyVerdict::TempFail,
        }
    }

    /// The pending event is over, with this verdict: gives the one reply that is due, if any.
    fn conclude(&mut self, verdict: BodyVerdict) {
        let Some(command) = self.pending.take() else { return };
        match command {
            CommandKind::Abort => return self.end_message(),
            CommandKind::Quit => return,
            _ => {}
        }
        let last_piece = command == CommandKind::Body && self.message.end_is_due;
        if last_piece {
            // The one reply to the end of the message: a final verdict here, otherwise that of its own event.
            self.message.body_skipped |= verdict == BodyVerdict::Skip;
            if matches!(verdict, BodyVerdict::Continue | BodyVerdict::Skip) {
                return;
            }
            self.message.end_is_due = false;
            return self.reply(CommandKind::EndOfMessage, verdict);
        }
        if self.context.agreement().expects_reply(command) {
            self.reply(command, verdict);
        }
    }

    /// The one place where a verdict is written.
    fn reply(&mut self, command: CommandKind, verdict: BodyVerdict) {
        let failed = match command {
            CommandKind::Connect | CommandKind::Helo => self.session.failed,
            CommandKind::Unknown => false,
            _ => self.session.failed || self.message.failed,
        };
        let verdict = match verdict {
            _ if failed => self.failure(),
            // Pending modifications are not lost by an early accept.
            BodyVerdict::Accept if self.holds_back(command) => {
                self.message.accepted = true;
                BodyVerdict::Continue
            }
            BodyVerdict::Continue if command == CommandKind::EndOfMessage && self.message.accepted => {
                BodyVerdict::Accept
            }
            // No MTA knows what to accept there.
            BodyVerdict::Accept if command == CommandKind::Unknown => BodyVerdict::Continue,
            verdict => verdict,
        };
        match &verdict {
            BodyVerdict::Continue => self.accept(command, Response::Continue),
            BodyVerdict::Accept => self.accept(command, Response::Accept),
            BodyVerdict::Skip => {
                self.message.body_skipped = true;
                let can_skip = self.context.agreement().options().protocol.contains(Protocol::SKIP);
                self.outbox.push(if can_skip { Response::Skip } else { Response::Continue });
            }
            BodyVerdict::Reject => self.outbox.push(Response::Reject),
            BodyVerdict::TempFail => self.outbox.push(Response::TempFail),
            BodyVerdict::Discard => self.outbox.push(Response::Discard),
            BodyVerdict::Reply(reply) => self.outbox.push(Response::Reply(SmtpReply::view(reply))),
        }
        self.decide(command, &verdict);
    }

    /// Whether modifications wait for the end of the message.
    fn holds_back(&self, command: CommandKind) -> bool {
        self.in_message()
            && !matches!(command, CommandKind::EndOfMessage | CommandKind::Unknown)
            && !self.context.message.is_empty()
    }

    /// Continue or accept: at the end of the message with every modification, in one go.
    fn accept(&mut self, command: CommandKind, response: Response<'_>) {
        if command != CommandKind::EndOfMessage {
            return self.outbox.push(response);
        }
        match self.context.message.send(self.outbox.bytes()) {
            Some(body) => self.outbox.push_body(body, &response),
            None => self.outbox.push(response),
        }
    }

    /// What a verdict decides.
    fn decide(&mut self, command: CommandKind, verdict: &BodyVerdict) {
        let goes_on = matches!(verdict, BodyVerdict::Continue | BodyVerdict::Skip);
        match command {
            CommandKind::EndOfMessage => self.end_message(),
            _ if goes_on => {}
            CommandKind::Connect | CommandKind::Helo => self.dialogue.decide(),
            CommandKind::Unknown => {}
            // A rejected recipient is no rejected message.
            CommandKind::Rcpt if !matches!(verdict, BodyVerdict::Accept | BodyVerdict::Discard) => {}
            _ => self.end_message(),
        }
    }

    fn end_message(&mut self) {
        self.message = Message::default();
        self.dialogue.end_message();
        self.context.macros.end_message();
        self.context.message.end_message();
    }

    pub(super) fn agreement(&self) -> Option<&Agreement> {
        (self.dialogue.position() != Position::Start).then(|| self.context.agreement())
    }

    pub(super) fn may_come(&self, kind: CommandKind) -> bool {
        self.dialogue.check(kind).is_ok()
    }

    pub(super) const fn in_message(&self) -> bool {
        self.dialogue.in_message()
    }
}

fn packet_is_empty(decoder: &Decoder, frame: &Frame) -> bool {
    decoder.payload(frame).is_empty()
}
