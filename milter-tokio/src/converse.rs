//! The step loop over any stream.

use crate::buffers;
use crate::phase::Draining;
use milter_proto::{Application, Call, Conversation, Failure, PROGRESS, Step};
use std::future::{Future, IntoFuture, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, interval_at};

/// How often an MTA is told that the end of a message takes time. Postfix waits 300 s for the first sign of life by
/// default, but some are configured to a second or two.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Why a conversation ended before its time. Its hooks have been told by then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConverseError {
    /// The stream failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The MTA broke the protocol, or does not fit.
    #[error(transparent)]
    Protocol(#[from] milter_proto::Error),
}

/// Serves one connection of an MTA over any stream, to its end.
///
/// While the hook for the end of a message waits, the MTA is told every second that it is being worked on. A hook that
/// panics gives the failure verdict, and then the connection closes. Failures of hooks are logged with `tracing`: a
/// program without a subscriber sees none of them.
///
/// The number is for hooks and logs: see [`Context::connection_id`](crate::Context::connection_id).
pub async fn converse<M, S>(stream: S, milter: M, connection: u64) -> Result<(), ConverseError>
where
    M: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    converse_until_drained(stream, milter, connection, &Draining::default()).await
}

/// [`converse`], but once it is to drain the conversation ends as soon as no message is open.
pub(crate) async fn converse_until_drained<M, S>(
    mut stream: S,
    milter: M,
    connection: u64,
    draining: &Draining,
) -> Result<(), ConverseError>
where
    M: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut conversation = Conversation::new(milter, connection);
    let mut broken = None;
    loop {
        match conversation.step() {
            Ok(Step::Read) => {
                let read = poll_fn(|cx| {
                    if draining.is_set() && !conversation.session().in_message() {
                        conversation.finish();
                        return Poll::Ready(Ok(()));
                    }
                    poll_read(Pin::new(&mut stream), &mut conversation, cx)
                });
                if let Err(error) = read.await {
                    broken = Some(error);
                    conversation.finish();
                }
            }
            Ok(Step::Write(bytes)) => {
                // Nobody reads what is owed to a connection that is gone.
                if broken.is_none() {
                    if let Err(error) = stream.write_all(bytes).await {
                        broken = Some(error);
                        conversation.finish();
                    }
                }
            }
            Ok(Step::Event(call)) => {
                let unbroken = broken.is_none();
                // A call that panicked counts as failed: the failure verdict follows, then the end.
                if let Err(error) = run(call, &mut stream, unbroken).await {
                    broken = Some(error);
                    conversation.finish();
                }
                if let Some(failure) = conversation.take_failure() {
                    report(&failure, connection);
                }
            }
            Ok(Step::Close) => return broken.map_or(Ok(()), |error| Err(error.into())),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Runs a hook. One that panics is dropped unfinished; an error is one of the stream.
async fn run<M: Application>(
    call: Call<'_, M>,
    stream: &mut (impl AsyncWrite + Unpin),
    unbroken: bool,
) -> io::Result<()> {
    let takes_progress = call.takes_progress() && unbroken;
    let mut running = pin!(call.into_future());
    let mut hook = pin!(poll_fn(move |cx| {
        // The panic was reported by the panic hook, the failure of the call will be.
        catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))).unwrap_or(Poll::Ready(()))
    }));
    if !takes_progress {
        hook.await;
        return Ok(());
    }
    // Most hooks are ready at once: those cost no timer.
    if poll_fn(|cx| Poll::Ready(hook.as_mut().poll(cx))).await.is_ready() {
        return Ok(());
    }
    let mut beats = interval_at(Instant::now() + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
    loop {
        tokio::select! {
            biased;
            () = &mut hook => return Ok(()),
            _ = beats.tick() => stream.write_all(PROGRESS).await?,
        }
    }
}

/// Reads straight into the receive buffer, which is held only while there is something to read.
fn poll_read<M: Application>(
    stream: Pin<&mut impl AsyncRead>,
    conversation: &mut Conversation<M>,
    cx: &mut std::task::Context<'_>,
) -> Poll<io::Result<()>> {
    let decoder = conversation.decoder();
    buffers::lend(decoder);
    let mut buffer = ReadBuf::new(decoder.spare());
    let polled = stream.poll_read(cx, &mut buffer);
    let count = buffer.filled().len();
    match polled {
        Poll::Ready(Ok(())) => decoder.filled(count),
        Poll::Ready(Err(_)) | Poll::Pending => buffers::reclaim(decoder),
    }
    polled
}

fn report(failure: &Failure, connection: u64) {
    let Failure { message_number, queue_id, .. } = failure;
    let queue_id = queue_id.as_deref().unwrap_or_default();
    tracing::error!(connection, message_number, queue_id, "{failure}");
}
