//! What logs of a hook stand under: the message, and the stage.

use milter_proto::{Application, Call, CommandKind};
use tracing::{Span, debug_span, field};

/// The span of the message in progress.
#[derive(Debug)]
pub(crate) struct Spans {
    number: u64,
    knows_queue_id: bool,
    message: Span,
}

impl Default for Spans {
    fn default() -> Self {
        Self { number: 0, knows_queue_id: false, message: Span::none() }
    }
}

impl Spans {
    /// The span of a call: within that of its message, if it has one.
    pub(crate) fn of<M: Application>(&mut self, call: &Call<'_, M>) -> Span {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return Span::none();
        }
        let stage = call.stage();
        let context = call.context();
        if matches!(
            stage,
            CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown | CommandKind::Quit
        ) {
            return debug_span!("hook", stage = stage.name());
        }
        if self.number != context.message_number() {
            self.number = context.message_number();
            self.knows_queue_id = false;
            self.message = debug_span!("message", number = self.number, queue_id = field::Empty);
        }
        if !self.knows_queue_id {
            if let Some(queue_id) = context.macros.queue_id() {
                self.knows_queue_id = true;
                self.message.record("queue_id", field::display(queue_id.to_string_lossy()));
            }
        }
        debug_span!(parent: &self.message, "hook", stage = stage.name())
    }

    /// The message is over.
    pub(crate) fn end_message(&mut self) {
        if !self.message.is_none() {
            *self = Self::default();
        }
    }
}
