//! Writing what is owed.

use crate::connection::Connection;
use crate::converse::Ended;
use crate::link::Wait;
use crate::runtime::Io;
use milter_proto::{Application, Conversation, Next, Step, Waiting};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How far a write has got.
pub(crate) struct Writing {
    count: usize,
    wait: Wait,
}

impl Writing {
    pub(crate) const fn new() -> Self {
        Self { count: 0, wait: Wait::new(Waiting::Write) }
    }
}

impl Connection<'_> {
    /// Writes all of what is owed, after what is left of a sign of life.
    pub(crate) fn poll_write<R: Io<S>, M: Application, S: Unpin>(
        &mut self,
        stream: &mut S,
        conversation: &mut Conversation<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        let Ok(Step::Write(owed)) = conversation.present(Next::Write) else { return Poll::Ready(Ok(())) };
        // Nobody reads what is owed to a connection that is gone.
        if self.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Writing { count: written, wait } = &mut self.writing;
        loop {
            let is_unsent = !self.unsent.is_empty();
            let left = if is_unsent { self.unsent } else { owed.get(*written..).unwrap_or_default() };
            if left.is_empty() {
                match R::poll_flush(Pin::new(stream), cx) {
                    Poll::Ready(flushed) => {
                        self.is_silent = false;
                        return Poll::Ready(flushed.map_err(Ended::Broken));
                    }
                    Poll::Pending => break,
                }
            }
            match R::poll_write(Pin::new(stream), cx, left) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(Ended::Broken(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(count)) => {
                    if is_unsent {
                        self.unsent = self.unsent.get(count..).unwrap_or_default();
                    } else {
                        *written = written.saturating_add(count);
                    }
                    wait.restart();
                    if let Some(observer) = self.settings.observer() {
                        observer.sent(count);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Ended::Broken(error))),
                Poll::Pending => break,
            }
        }
        let interrupted = self.watch.poll_interrupted(cx, wait, &self.settings.deadlines);
        Poll::Ready(Err(ready!(interrupted).into()))
    }
}
