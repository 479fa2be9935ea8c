//! The step loop over any stream.

use crate::buffers;
use crate::deadlines::watch_deadlines;
use crate::hook::{self, Finished, Hook, Unfinished};
use crate::link::{Interruption, Wait, Watch};
use crate::observer::Observer;
use crate::registry::Registry;
use crate::runtime::{Io, Runtime};
use crate::spans::Spans;
use crate::write::Write;
use futures_lite::future::or;
use milter_proto::{Application, Conversation, Deadlines, Phase, Step, Waiting};
use pin_project_lite::pin_project;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// After so many reads that did not have to wait other connections get their turn. Some runtimes have no budgets of their
/// own: there an MTA that writes as fast as we read would hold up all others.
const READS_IN_A_ROW: u8 = 8;

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
    /// The MTA took too long: see [`Deadlines`].
    #[error("waited {} s for {waiting}", limit.as_secs_f32())]
    Timeout {
        /// What for.
        waiting: Waiting,
        /// How long.
        limit: Duration,
    },
    /// The application panicked outside of a hook, in a factory or in a destructor: hooks are told nothing more.
    #[error("the application panicked")]
    Panicked,
}

/// What is the same for all connections of a server.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) deadlines: Deadlines,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Settings {
    /// Who is told, if somebody is.
    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }
}

/// Serves one connection of an MTA over any stream, to its end.
pub async fn converse<R, M, S>(
    stream: S,
    milter: M,
    connection: u64,
    deadlines: Deadlines,
) -> Result<(), ConverseError>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    let registry = Arc::new(Registry::new());
    let watch = Watch::new(Arc::clone(&registry), registry.begin_as(connection));
    let settings = Arc::new(Settings { deadlines, observer: None });
    let conversing = drive::<R, M, S>(stream, milter, watch, settings, |_| {});
    or(conversing, async { match watch_deadlines::<R>(&registry).await {} }).await.0
}

/// What ends a conversation from outside.
pub(crate) enum Ended {
    /// At once: nothing more is done.
    Closed,
    /// The stream is of no use any more; the hooks are told.
    Broken(io::Error),
    /// So is it if the MTA is too slow.
    Late(Waiting),
}

impl From<Interruption> for Ended {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Drain | Interruption::Close => Self::Closed,
            Interruption::Late(waiting) => Self::Late(waiting),
        }
    }
}

/// [`converse`], watched by a server, which counts the connection as long as it has not dropped the watch.
// Not an `async fn`: those hold each argument twice, and this is what an idle connection consists of. For the same reason
// what is awaited in it are plain futures.
#[allow(clippy::manual_async_fn)]
pub(crate) fn drive<R, M, S>(
    mut stream: S,
    milter: M,
    watch: Watch,
    settings: Arc<Settings>,
    acknowledge: fn(&S),
) -> impl Future<Output = (Result<(), ConverseError>, Watch)>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    async move {
        let mut conversation = Conversation::new(milter, watch.id());
        let mut connection = Connection::new(&watch, &settings);
        let ended = loop {
            let taken = Taking::<R, M, S>::begin(&mut conversation, &mut stream, &mut connection).await;
            let done = match taken {
                Taken::Read if connection.begin_reading(&mut conversation) => {
                    if std::mem::take(&mut connection.is_silent) && conversation.decoder().is_empty() {
                        acknowledge(&stream);
                    }
                    poll_fn(|cx| connection.poll_read::<R, M, S>(&mut stream, &mut conversation, cx)).await
                }
                Taken::Read => {
                    conversation.finish();
                    Ok(())
                }
                Taken::Written(done) => {
                    connection.is_silent = false;
                    done
                }
                Taken::Called(finished) => connection.conclude(finished, &mut conversation),
                Taken::Over(over) => {
                    connection.count_messages(conversation.session().messages_over());
                    break connection.result(over);
                }
            };
            connection.count_messages(conversation.session().messages_over());
            match done {
                Ok(()) => {}
                Err(Ended::Closed) => break Ok(()),
                Err(broken) => {
                    connection.broken = Some(broken);
                    conversation.finish();
                }
            }
        };
        (ended, watch)
    }
}

pin_project! {
    /// A step that is being taken, other than one to read: that needs the conversation itself.
    #[project = TakingProjection]
    enum Taking<'a, 'b, R: Runtime, M: Application, S> {
        Done { taken: Option<Taken<R>> },
        Writes { write: Write<'a, 'b, R, S> },
        Calls { #[pin] hook: Hook<'a, 'b, R, M, S> },
    }
}

/// What became of a step.
enum Taken<R: Runtime> {
    /// Nothing is owed: octets are needed.
    Read,
    Written(Result<(), Ended>),
    Called(Finished<R>),
    Over(Result<(), milter_proto::Error>),
}

impl<'a, 'b, R, M, S> Taking<'a, 'b, R, M, S>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    fn begin(
        conversation: &'a mut Conversation<M>,
        stream: &'a mut S,
        connection: &'a mut Connection<'b>,
    ) -> Self {
        match conversation.step() {
            Ok(Step::Read) => Self::Done { taken: Some(Taken::Read) },
            // Nobody reads what is owed to a connection that is gone.
            Ok(Step::Write(_)) if connection.is_broken() => {
                Self::Done { taken: Some(Taken::Written(Ok(()))) }
            }
            Ok(Step::Write(octets)) => {
                // What is written first answers the offer: who has read it is not to be shed.
                if connection.wait.waiting == Waiting::FirstPacket {
                    connection.watch.negotiated();
                }
                Self::Writes { write: Write::new(octets, stream, connection) }
            }
            Ok(Step::Event(call)) => {
                Spans::enter(&mut connection.spans, &call);
                Self::Calls { hook: Hook::new(call, stream, connection) }
            }
            Ok(Step::Close) => Self::Done { taken: Some(Taken::Over(Ok(()))) },
            Err(error) => Self::Done { taken: Some(Taken::Over(Err(error))) },
        }
    }
}

impl<R, M, S> Future for Taking<'_, '_, R, M, S>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    type Output = Taken<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Taken<R>> {
        match self.project() {
            TakingProjection::Done { taken } => taken.take().map_or(Poll::Pending, Poll::Ready),
            TakingProjection::Writes { write } => Pin::new(write).poll(cx).map(Taken::Written),
            TakingProjection::Calls { hook } => hook.poll(cx).map(Taken::Called),
        }
    }
}

/// What a connection knows beside its conversation.
pub(crate) struct Connection<'a> {
    pub(crate) watch: &'a Watch,
    pub(crate) settings: &'a Settings,
    pub(crate) spans: Option<Box<Spans>>,
    /// Octets of a sign of life that the MTA has not taken yet.
    pub(crate) unsent: &'static [u8],
    /// Why the stream is of no use any more.
    broken: Option<Ended>,
    messages: u64,
    /// Nothing was written since octets came.
    is_silent: bool,
    /// What is being read, which may take several reads, and after how many packets.
    wait: Wait,
    packets: u64,
    /// Reads that did not have to wait.
    in_a_row: u8,
}

impl<'a> Connection<'a> {
    const fn new(watch: &'a Watch, settings: &'a Settings) -> Self {
        Self {
            watch,
            settings,
            spans: None,
            unsent: b"",
            broken: None,
            messages: 0,
            is_silent: false,
            wait: Wait::new(Waiting::FirstPacket),
            packets: 0,
            in_a_row: 0,
        }
    }

    pub(crate) const fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Reads straight into the receive buffer, which is held only while there is something to read.
    fn poll_read<R: Io<S>, M: Application, S: Unpin>(
        &mut self,
        stream: &mut S,
        conversation: &mut Conversation<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        let decoder = conversation.decoder();
        if self.in_a_row == READS_IN_A_ROW {
            self.in_a_row = 0;
            buffers::reclaim(decoder);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.in_a_row += 1;
        buffers::lend(decoder);
        match R::poll_read(Pin::new(stream), cx, decoder.spare()) {
            Poll::Ready(Ok(count)) => {
                decoder.filled(count);
                self.is_silent = true;
                if let Some(observer) = self.settings.observer() {
                    observer.received(count);
                }
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => {
                buffers::reclaim(decoder);
                return Poll::Ready(Err(Ended::Broken(error)));
            }
            Poll::Pending => {
                self.in_a_row = 0;
                buffers::reclaim(decoder);
            }
        }
        let interrupted = self.watch.poll_interrupted(cx, &mut self.wait, &self.settings.deadlines);
        Poll::Ready(match ready!(interrupted) {
            Interruption::Drain => {
                conversation.finish();
                Ok(())
            }
            other => Err(other.into()),
        })
    }

    /// Before a read. The time for the first packet, and for one that has begun, goes on from read to read. `false` if the
    /// server drains and nothing is in progress here: a connection that is never quiet is ended at this place.
    fn begin_reading<M: Application>(&mut self, conversation: &mut Conversation<M>) -> bool {
        let negotiated = conversation.session().agreement().is_some();
        let drains = !conversation.session().in_message();
        let decoder = conversation.decoder();
        let waiting = match decoder.is_empty() {
            _ if !negotiated => Waiting::FirstPacket,
            true => Waiting::Command,
            false => Waiting::Packet,
        };
        if waiting != self.wait.waiting || self.packets != decoder.packets_taken() {
            if self.wait.waiting == Waiting::FirstPacket {
                self.watch.negotiated();
            }
            self.wait = Wait::new(waiting);
            self.packets = decoder.packets_taken();
        }
        self.wait.drains = drains;
        !drains || self.watch.phase() == Phase::Serving
    }

    /// A hook is done, or was given up.
    fn conclude<R: Runtime, M: Application>(
        &self,
        finished: Finished<R>,
        conversation: &mut Conversation<M>,
    ) -> Result<(), Ended> {
        let outcome = finished.unfinished.as_ref().map(Err).or_else(|| conversation.answer().map(Ok));
        if let (Some(observer), Some(time), Some(outcome)) =
            (self.settings.observer(), finished.time, outcome)
        {
            observer.hook(finished.stage, outcome, time);
        }
        let Finished { unfinished, slow, .. } = finished;
        if let Some(failure) = conversation.take_failure() {
            hook::report(&failure, unfinished.as_ref(), self);
        }
        if let Some(slow) = slow {
            slow.ahead.hand_over(conversation);
        }
        match unfinished {
            Some(Unfinished::Close) => Err(Ended::Closed),
            Some(Unfinished::Gone(error)) => Err(Ended::Broken(error)),
            // A call that did not finish counts as failed: the failure verdict follows, then the end.
            Some(Unfinished::Panicked | Unfinished::Late(_)) | None => Ok(()),
        }
    }

    fn count_messages(&mut self, over: u64) {
        while self.messages != over {
            self.messages = self.messages.wrapping_add(1);
            self.spans = None;
            if let Some(observer) = self.settings.observer() {
                observer.message(self.watch.id());
            }
        }
    }

    /// What the conversation came to.
    fn result(self, over: Result<(), milter_proto::Error>) -> Result<(), ConverseError> {
        match self.broken {
            None | Some(Ended::Closed) => Ok(over?),
            Some(Ended::Broken(error)) => Err(error.into()),
            Some(Ended::Late(waiting)) => {
                let limit = self.settings.deadlines.limit(waiting).unwrap_or_default();
                Err(ConverseError::Timeout { waiting, limit })
            }
        }
    }
}
