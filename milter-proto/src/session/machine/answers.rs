//! What an answer does: the one reply that is due, what it decides, and failures that wait for a stage with a reply.

use super::{Machine, Message};
use crate::command::CommandKind;
use crate::negotiation::Protocol;
use crate::response::Response;
use crate::verdict::{BodyVerdict, FailureVerdict};

impl Machine {
    /// Answers the pending event, if there is one; `Err` if that takes no such answer.
    #[inline]
    pub(in crate::session) fn answer(&mut self, verdict: &BodyVerdict) -> Result<(), CommandKind> {
        let Some(command) = self.pending else { return Ok(()) };
        let takes = match verdict {
            BodyVerdict::Skip => command == CommandKind::Body,
            BodyVerdict::Discard => {
                !matches!(command, CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown)
            }
            _ => true,
        };
        if !takes {
            return Err(command);
        }
        // At every MTA the same: also where one waits for the reply, who was to be silent is.
        let counts = self.context.agreement().is_answered(command);
        self.conclude(if counts { verdict } else { &BodyVerdict::Continue });
        Ok(())
    }

    /// The pending event, if there is one, was not answered: none was due, or it failed.
    pub(in crate::session) fn settle(&mut self) {
        match self.pending {
            Some(unanswered) if self.context.agreement().is_answered(unanswered) => self.fail(),
            Some(_) => self.conclude(&BodyVerdict::Continue),
            None => {}
        }
    }

    /// The pending event failed.
    pub(in crate::session) fn fail(&mut self) {
        let Some(command) = self.pending else { return };
        if matches!(command, CommandKind::Abort | CommandKind::Quit) {
            return self.conclude(&BodyVerdict::Continue);
        }
        if self.failure_verdict == FailureVerdict::Close {
            self.pending = None;
            return self.end(None);
        }
        // The last piece of a body takes the reply of the end of the message. A failure over an unknown command
        // concerns that one, where it can be told.
        let agreement = self.context.agreement();
        let told_here = command == CommandKind::Unknown && agreement.expects_reply(command);
        if agreement.is_answered(command) || self.message.end_is_due || told_here {
            return self.conclude(self.failure());
        }
        // Remembered until a stage that takes a reply.
        match command {
            CommandKind::Connect | CommandKind::Helo => self.session.failed = true,
            CommandKind::Unknown if !self.in_message() => self.session.failed = true,
            _ => self.message.failed = true,
        }
        self.conclude(&BodyVerdict::Continue);
    }

    /// The pending event was not even finished.
    pub(in crate::session) fn abandon(&mut self) {
        self.fail();
        if self.session.failed || self.message.failed {
            self.abandoned = true;
        } else {
            self.end(None);
        }
    }

    fn failure(&self) -> &'static BodyVerdict {
        match self.failure_verdict {
            FailureVerdict::Reject => &BodyVerdict::Reject,
            FailureVerdict::TempFail | FailureVerdict::Close => &BodyVerdict::TempFail,
        }
    }

    /// The pending event is over, with this verdict: gives the one reply that is due, if any.
    #[inline]
    pub(super) fn conclude(&mut self, verdict: &BodyVerdict) {
        let Some(command) = self.pending.take() else { return };
        if command == CommandKind::Abort {
            return self.end_message();
        }
        let last_piece = command == CommandKind::Body && self.message.end_is_due;
        if last_piece {
            // The one reply to the end of the message: a final verdict here, otherwise that of its own event.
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
    fn reply(&mut self, command: CommandKind, verdict: &BodyVerdict) {
        let failed = command != CommandKind::Unknown && (self.session.failed || self.message.failed);
        let verdict = match verdict {
            _ if failed => self.failure(),
            // Pending modifications are not lost by an early accept.
            BodyVerdict::Accept if self.holds_back(command) => {
                let in_message = self.in_message();
                self.message.accepted = in_message;
                self.session.accepted |= !in_message;
                &BodyVerdict::Continue
            }
            BodyVerdict::Continue if command == CommandKind::EndOfMessage && self.is_accepted() => {
                &BodyVerdict::Accept
            }
            // No MTA knows what to accept there.
            BodyVerdict::Accept if command == CommandKind::Unknown => &BodyVerdict::Continue,
            verdict => verdict,
        };
        let response = match verdict {
            BodyVerdict::Continue => Response::Continue,
            BodyVerdict::Accept => Response::Accept,
            BodyVerdict::Skip => {
                self.message.body_skipped = true;
                let can_skip = self.context.agreement().options().protocol.contains(Protocol::SKIP);
                if can_skip { Response::Skip } else { Response::Continue }
            }
            BodyVerdict::Reject => Response::Reject,
            BodyVerdict::TempFail => Response::TempFail,
            BodyVerdict::Discard => Response::Discard,
            BodyVerdict::Reply(reply) => Response::Reply(reply.view()),
        };
        // With the end of the message every modification, in one go.
        let modifies = command == CommandKind::EndOfMessage
            && matches!(verdict, BodyVerdict::Continue | BodyVerdict::Accept);
        let body = if modifies { self.context.message.send(self.outbox.bytes()) } else { None };
        match body {
            Some(body) => self.outbox.push_body(body, &response),
            None => self.outbox.push(response),
        }
        self.decide(command, verdict);
    }

    /// Whether modifications wait for the end of the message.
    fn holds_back(&self, command: CommandKind) -> bool {
        !matches!(command, CommandKind::EndOfMessage | CommandKind::Unknown)
            && !self.context.message.is_empty()
    }

    /// Whether the message, or the SMTP session, was accepted before the end of the message.
    pub(super) const fn is_accepted(&self) -> bool {
        self.session.accepted || self.message.accepted
    }

    /// What a verdict decides.
    fn decide(&mut self, command: CommandKind, verdict: &BodyVerdict) {
        let goes_on = matches!(verdict, BodyVerdict::Continue | BodyVerdict::Skip);
        match command {
            CommandKind::EndOfMessage => self.end_message(),
            _ if goes_on => {}
            CommandKind::Connect | CommandKind::Helo => {
                self.dialogue.decide();
                self.end_if_abandoned();
            }
            CommandKind::Unknown => {}
            // A rejected recipient is no rejected message.
            CommandKind::Rcpt if !matches!(verdict, BodyVerdict::Accept | BodyVerdict::Discard) => {}
            _ => self.end_message(),
        }
    }

    pub(super) fn end_message(&mut self) {
        self.messages_over = self.messages_over.saturating_add(1);
        self.message = Message::default();
        self.dialogue.end_message();
        self.context.macros.end_message();
        self.context.message.end_message();
        self.end_if_abandoned();
    }

    /// The failure verdict of a call that was not finished was given, or its message was aborted.
    fn end_if_abandoned(&mut self) {
        if self.abandoned {
            self.end(None);
        }
    }
}
