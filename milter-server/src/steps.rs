//! The steps between hooks: reading, writing, the end.

use crate::connection::Connection;
use crate::converse::ConverseError;
use crate::runtime::Io;
use milter_proto::{Application, Conversation, Next, Phase};
use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};

/// After so many steps without a wait other connections get their turn. Some runtimes have no budgets of their
/// own: there an MTA that writes as fast as we read would hold up all others.
const STEPS_IN_A_ROW: u8 = 128;

impl Connection<'_> {
    /// Takes steps until a hook is to be called, or all is over.
    pub(crate) fn poll_steps<R: Io<S>, M: Application, S: Unpin>(
        &mut self,
        conversation: &mut Conversation<M>,
        stream: &mut S,
        acknowledge: fn(&S),
        cx: &mut Context<'_>,
    ) -> Poll<ControlFlow<Result<(), ConverseError>>> {
        loop {
            let next = match self.unfinished {
                Some(next) => next,
                None => {
                    self.in_a_row = self.in_a_row.wrapping_add(1) % STEPS_IN_A_ROW;
                    if self.in_a_row == 0 {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    let next = conversation.advance();
                    let over = conversation.session().messages_over();
                    if over != self.messages {
                        self.count_messages(over);
                    }
                    match next {
                        Next::Read if self.begin_reading(conversation) => {
                            if std::mem::take(&mut self.is_silent) && conversation.decoder().is_empty() {
                                acknowledge(stream);
                            }
                        }
                        Next::Read if self.watch.phase() == Phase::Closing => {
                            return Poll::Ready(ControlFlow::Break(Ok(())));
                        }
                        Next::Read => {
                            conversation.finish();
                            continue;
                        }
                        Next::Write if self.begin_writing() => {}
                        Next::Write => return Poll::Ready(ControlFlow::Break(Ok(()))),
                        Next::Event => return Poll::Ready(ControlFlow::Continue(())),
                        Next::Close => {
                            let over = conversation.present(next).map(drop);
                            return Poll::Ready(ControlFlow::Break(self.result(over)));
                        }
                    }
                    self.unfinished = Some(next);
                    next
                }
            };
            let done = if next == Next::Write {
                ready!(self.poll_write::<R, M, S>(stream, conversation, cx))
            } else {
                ready!(self.poll_read::<R, M, S>(stream, conversation, cx))
            };
            self.unfinished = None;
            if let ControlFlow::Break(over) = self.heed(done, conversation) {
                return Poll::Ready(ControlFlow::Break(over));
            }
        }
    }
}
