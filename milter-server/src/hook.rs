//! Running a hook: panics, deadlines, signs of life, and an MTA that goes away meanwhile.

use crate::buffers;
use crate::link::{Interruption, Wait, Watch};
use crate::runtime::{Io, Runtime};
use milter_proto::{Application, Call, CommandKind, Conversation, Deadlines, Failure, PROGRESS, Waiting};
use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tracing::Span;

/// How often an MTA is told that the end of a message takes time. Postfix waits 300 s for the first sign of life by
/// default, but some are configured to a second or two.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Why a hook did not finish.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// It panicked; the panic hook has reported it.
    Panicked,
    /// It took too long.
    Late(Waiting, Duration),
    /// The MTA has gone.
    Gone(io::Error),
    /// The server closes its connections.
    Close,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked => f.write_str(": it panicked"),
            Self::Late(Waiting::PeerGone, limit) => {
                write!(f, ": the MTA had gone, and it took {} s more", limit.as_secs_f32())
            }
            Self::Late(_, limit) => write!(f, " within {} s", limit.as_secs_f32()),
            Self::Gone(error) => write!(f, ": the MTA has gone ({error})"),
            Self::Close => f.write_str(": the server closes"),
        }
    }
}

/// Tells the operator.
pub(crate) fn report(failure: &Failure, unfinished: Option<&Unfinished>, connection: u64) {
    let Failure { message_number, queue_id, .. } = failure;
    let queue_id = queue_id.as_deref().unwrap_or_default();
    match unfinished {
        None => tracing::error!(connection, message_number, queue_id, "{failure}"),
        Some(why) => tracing::error!(connection, message_number, queue_id, "{failure}{why}"),
    }
}

/// What came while a hook was running: little, since an MTA waits for the answer.
#[derive(Debug)]
pub(crate) struct Ahead {
    octets: [u8; 64],
    count: usize,
    listens: bool,
    ended: bool,
}

impl Ahead {
    /// Abort and quit hooks run to their end: an MTA closes right after it has sent their commands.
    pub(crate) const fn new(connected: bool, stage: CommandKind) -> Self {
        let listens = connected && !matches!(stage, CommandKind::Abort | CommandKind::Quit);
        Self { octets: [0; 64], count: 0, listens, ended: false }
    }

    /// Looks once whether the MTA is there. An error means that it is not.
    fn poll<R: Io<S>, S: Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.listens {
            return Poll::Pending;
        }
        let count = ready!(R::poll_read(Pin::new(stream), cx, &mut self.octets))?;
        // One look is all: at most one small buffer is read ahead.
        self.listens = false;
        (self.count, self.ended) = (count, count == 0);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn hand_over<M: Application>(&self, conversation: &mut Conversation<M>) {
        let octets = self.octets.get(..self.count).unwrap_or_default();
        if self.ended || !octets.is_empty() {
            buffers::lend(conversation.decoder());
            conversation.receive(octets);
        }
    }
}

/// Runs a hook until it is done or to be given up; then it is dropped unfinished.
pub(crate) async fn run<R, M, S>(
    call: Call<'_, M>,
    span: Span,
    stream: &mut S,
    ahead: &mut Ahead,
    unsent: &mut &'static [u8],
    watch: Watch<'_>,
    deadlines: &Deadlines,
) -> Result<(), Unfinished>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    let tells_progress = call.takes_progress() && ahead.listens;
    let waiting = if call.takes_progress() { Waiting::EndOfMessage } else { Waiting::Hook };
    let mut wait = Wait::new(waiting, deadlines.limit(waiting));
    let mut beat = pin!(None::<R::Sleep>);
    let mut running = pin!(call.into_future());
    poll_fn(|cx| {
        let entered = span.enter();
        match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => return Poll::Ready(Ok(())),
            Ok(Poll::Pending) => {}
            Err(_) => return Poll::Ready(Err(Unfinished::Panicked)),
        }
        drop(entered);
        // Most hooks are ready at once: what follows costs those nothing.
        match ahead.poll::<R, S>(stream, cx) {
            Poll::Ready(Ok(())) if ahead.ended && deadlines.peer_gone.is_some() => {
                wait = Wait::new(Waiting::PeerGone, deadlines.peer_gone);
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(Unfinished::Gone(error))),
            _ => {}
        }
        if tells_progress {
            loop {
                if !unsent.is_empty() {
                    match R::poll_write(Pin::new(&mut *stream), cx, unsent) {
                        Poll::Ready(Ok(count)) => *unsent = unsent.get(count..).unwrap_or_default(),
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(Unfinished::Gone(error))),
                        Poll::Pending => break,
                    }
                }
                match beat.as_mut().as_pin_mut().map(|beat| beat.poll(cx)) {
                    Some(Poll::Pending) => break,
                    // What an MTA has not read yet it is not sent again.
                    Some(Poll::Ready(())) if unsent.is_empty() => *unsent = PROGRESS,
                    Some(Poll::Ready(())) | None => {}
                }
                beat.set(Some(R::sleep(PROGRESS_INTERVAL)));
            }
        }
        Poll::Ready(Err(match ready!(watch.poll_interrupted(cx, &mut wait)) {
            Interruption::Drain | Interruption::Close => Unfinished::Close,
            Interruption::Late(waiting, limit) => Unfinished::Late(waiting, limit),
        }))
    })
    .await
}
