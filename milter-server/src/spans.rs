//! What logs of a hook stand under: the message, and the stage.

use milter_proto::{CommandKind, Context};
use tracing::{Span, debug_span, field};

/// The spans of a connection whose subscriber wants them.
#[derive(Debug)]
pub(crate) struct Spans {
    message: Option<(u64, Span)>,
    knows_queue_id: bool,
    /// The hook that runs.
    pub(crate) hook: Span,
}

impl Spans {
    /// Opens the span of a call: within that of its message, if it has one.
    #[inline]
    pub(crate) fn enter(spans: &mut Option<Box<Self>>, stage: CommandKind, context: &Context) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            Self::open(spans, stage, context);
        }
    }

    fn open(spans: &mut Option<Box<Self>>, stage: CommandKind, context: &Context) {
        let new = || Box::new(Self { message: None, knows_queue_id: false, hook: Span::none() });
        spans.get_or_insert_with(new).open_hook(stage, context);
    }

    fn open_hook(&mut self, stage: CommandKind, context: &Context) {
        if matches!(
            stage,
            CommandKind::Connect | CommandKind::Helo | CommandKind::Unknown | CommandKind::Quit
        ) {
            self.hook = debug_span!("hook", stage = stage.name());
            return;
        }
        let number = context.message_number();
        if self.message.as_ref().is_none_or(|(current, _)| *current != number) {
            self.message = Some((number, debug_span!("message", number, queue_id = field::Empty)));
            self.knows_queue_id = false;
        }
        let Some((_, message)) = &self.message else { return };
        if !self.knows_queue_id {
            if let Some(queue_id) = context.macros.queue_id() {
                self.knows_queue_id = true;
                // As a text, which is printed escaped: whoever reaches the socket chooses it.
                message.record("queue_id", &*queue_id.to_string_lossy());
            }
        }
        self.hook = debug_span!(parent: message, "hook", stage = stage.name());
    }
}
