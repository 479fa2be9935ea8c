//! Everything of a session but the receive buffer, so that an event can borrow that one and the context side by side.

mod answers;
mod ending;

use super::Happened;
use super::outbox::Outbox;
use crate::command::{Abort, Command, CommandKind, DefineMacros, EndOfMessage, Quit};
use crate::context::Context;
use crate::dialogue::{Dialogue, Order, Position};
use crate::error::{DecodeError, Error};
use crate::event::Event;
use crate::negotiation::{Agreement, Options, Wish};
use crate::packet::{Decoder, Frame};
use crate::response::Response;
use crate::step::{Next, Step};
use crate::verdict::{BodyVerdict, FailureVerdict};
use alloc::boxed::Box;
use ending::Ending;

#[derive(Debug)]
pub(super) struct Machine {
    // Per connection. What is needed only for a moment is boxed: most connections are idle most of the time.
    /// Until the negotiation.
    wish: Option<Box<Wish>>,
    outbox: Outbox,
    dialogue: Dialogue,
    pub(super) context: Context,
    pub(super) failure_verdict: FailureVerdict,
    /// The event that was handed out.
    pending: Option<CommandKind>,
    ending: Option<Box<Ending>>,
    pub(super) messages_over: u64,
    /// A call was not finished, and its failure verdict is still to be given: then the connection closes.
    abandoned: bool,

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
    /// It was accepted while modifications wait: they are sent with the verdict of every message.
    accepted: bool,
}

impl SmtpSession {
    /// Whether the rest of the SMTP session is swallowed.
    const fn is_decided(&self) -> bool {
        self.failed || self.accepted
    }
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

impl Machine {
    pub(super) fn new(wish: Wish, context: Context) -> Self {
        Self {
            wish: Some(Box::new(wish)),
            outbox: Outbox::default(),
            dialogue: Dialogue::new(),
            context,
            failure_verdict: FailureVerdict::default(),
            pending: None,
            ending: None,
            messages_over: 0,
            abandoned: false,
            smtp_session: 0,
            session: SmtpSession::default(),
            message: Message::default(),
        }
    }

    /// Acts on packets until something is needed from outside.
    pub(super) fn next(&mut self, decoder: &mut Decoder) -> Next {
        self.outbox.settle();
        if self.pending.is_some() {
            self.settle();
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
            if self.outbox.has_body() {
                return Next::Write; // before anything is put behind it
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
        let payload = decoder.payload(&frame);
        let order = self.dialogue.check(kind)?;
        match kind {
            CommandKind::Negotiate => {
                let agreement = self.negotiate(Options::decode_offer(payload)?)?;
                decoder.set_limit(agreement.max_payload());
                decoder.take(&frame);
                return Ok(None);
            }
            CommandKind::DefineMacros => {
                let define = DefineMacros::decode(payload)?;
                let stage = CommandKind::from_letter(define.stage()).ok();
                let aborts =
                    self.in_message() && matches!(stage, Some(CommandKind::Helo | CommandKind::Mail));
                // Where a command is switched off, its macros do its work: they begin what it would begin.
                let begun = stage.filter(|stage| self.context.agreement().is_switched_off(*stage));
                if aborts && begun.is_some() {
                    return Ok(self.abort());
                }
                // Interop: Sendmail sends no ABORT for a message whose MAIL takes no reply. Its abort is told
                // when the next command comes, and must still see its own macros.
                if aborts {
                    self.context.macros.define_later(&define);
                } else {
                    self.context.macros.define(&define);
                }
                if let Some(stage) = begun {
                    self.context.macros.begin(stage);
                }
                decoder.take(&frame);
                return Ok(None);
            }
            CommandKind::Quit | CommandKind::QuitNewConnection => {
                decoder.take(&frame);
                self.ending =
                    Some(Box::new(Ending { error: None, renew: kind == CommandKind::QuitNewConnection }));
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
        // A last piece of the body is told as a body chunk, where one would be told; then the end itself.
        let ends = kind == CommandKind::EndOfMessage;
        let told_as = if ends && !payload.is_empty() { CommandKind::Body } else { kind };
        if self.is_visible(told_as) {
            if !self.outbox.is_empty() {
                return Ok(Some(Next::Write));
            }
            if told_as != CommandKind::EndOfMessage {
                return Ok(Some(Next::Event));
            }
        }
        self.take_in(kind, payload)?;
        decoder.take(&frame);
        if ends {
            return Ok(self.end_of_message());
        }
        self.pending = Some(kind);
        self.conclude(&BodyVerdict::Continue);
        Ok(None)
    }

    fn negotiate(&mut self, offer: Options) -> Result<Agreement, Error> {
        let wish = self.wish.take().unwrap_or_default();
        let agreement = wish.agree(offer)?;
        if let Some(answer) = wish.answer(offer, &agreement) {
            self.outbox.push(Response::Negotiate(answer));
        }
        self.context.message.negotiated(agreement);
        self.dialogue.negotiated(agreement.is_switched_off(CommandKind::Mail));
        Ok(agreement)
    }

    /// Whether the application is shown a command now.
    fn is_visible(&self, kind: CommandKind) -> bool {
        let hidden = match kind {
            _ if self.abandoned => true,
            CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown => self.session.is_decided(),
            CommandKind::Body => self.is_decided() || self.message.body_skipped,
            _ => self.is_decided(),
        };
        !hidden && self.context.agreement().wants(kind)
    }

    /// Whether the rest of the message is swallowed.
    const fn is_decided(&self) -> bool {
        self.session.is_decided() || self.message.failed || self.message.accepted
    }

    /// A command is read and acted on; gives the event that it is.
    #[inline]
    pub(super) fn take_in<'a>(
        &mut self,
        kind: CommandKind,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, DecodeError> {
        let event = Event::of(Command::of(kind, payload)?);
        self.begin(kind);
        if let Some(Event::Header(header)) = event {
            self.context.message.count_header(header.name());
        }
        Ok(event)
    }

    /// Macros and scopes begin and end with a command.
    fn begin(&mut self, kind: CommandKind) {
        let was_in_message = self.in_message();
        self.dialogue.advance(kind);
        self.context.macros.begin(kind);
        if kind == CommandKind::Helo {
            if !self.session.accepted {
                self.context.message.begin_helo();
            }
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
            self.conclude(&BodyVerdict::Continue);
            return None;
        }
        Some(Next::Event)
    }

    /// A step that needs nothing of the receive buffer: the events that have no payload wait for their answer already.
    #[inline]
    pub(super) fn present(&mut self, next: Next) -> Result<Step<'_, Happened<'_>>, Error> {
        let event = match (next, self.pending) {
            (Next::Write, _) => return Ok(Step::Write(self.outbox.next())),
            (Next::Close, _) => return self.reason_to_end().map_or(Ok(Step::Close), Err),
            (Next::Event, Some(CommandKind::EndOfMessage)) => Event::EndOfMessage(EndOfMessage),
            (Next::Event, Some(CommandKind::Abort)) => Event::Abort(Abort),
            (Next::Event, Some(CommandKind::Quit)) => Event::Quit(Quit),
            (Next::Read | Next::Event, _) => return Ok(Step::Read),
        };
        Ok(Step::Event(Happened { event, context: &mut self.context }))
    }

    /// The event that was handed out and not answered yet.
    pub(super) const fn pending(&self) -> Option<CommandKind> {
        self.pending
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
