//! How a connection ends, or with QUIT_NC an SMTP session: each ending goes the same way.

use super::{Machine, SmtpSession};
use crate::command::CommandKind;
use crate::error::Error;
use crate::step::Next;
use alloc::boxed::Box;

/// How a connection ends, step by step: what is owed is written, an open message is aborted, the session is quit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) error: Option<Error>,
    /// A new SMTP session follows (QUIT_NC).
    pub(super) renew: bool,
}

impl Machine {
    /// The open message is aborted. The application is not told of one that it accepted already.
    pub(super) fn abort(&mut self) -> Option<Next> {
        if self.is_accepted() || !self.context.agreement().wants(CommandKind::Abort) {
            self.end_message();
            return None;
        }
        if !self.outbox.is_empty() {
            return Some(Next::Write);
        }
        self.pending = Some(CommandKind::Abort);
        Some(Next::Event)
    }

    /// The connection, or with QUIT_NC the SMTP session, is to end. The first reason counts.
    pub(in crate::session) fn end(&mut self, error: Option<Error>) {
        if self.ending.as_ref().is_none_or(|ending| ending.renew) {
            self.ending = Some(Box::new(Ending { error, renew: false }));
        }
    }

    /// The next step of an ending; `Read` when a new SMTP session has begun.
    pub(in crate::session) fn next_of_ending(&mut self) -> Next {
        let Some(renew) = self.ending.as_ref().map(|ending| ending.renew) else { return Next::Read };
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
            return Next::Event;
        }
        if !renew {
            return Next::Close;
        }
        self.ending = None;
        self.session = SmtpSession::default();
        self.smtp_session = self.smtp_session.saturating_add(1);
        self.dialogue.advance(CommandKind::QuitNewConnection);
        self.context.macros.end_session();
        self.context.message.end_session();
        Next::Read
    }

    /// The error for which the connection ends.
    pub(in crate::session) fn reason_to_end(&self) -> Option<Error> {
        self.ending.as_ref().and_then(|ending| ending.error)
    }
}
