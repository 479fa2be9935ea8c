//! The step loop over any stream.

use crate::buffers;
use crate::hook::{self, Ahead, Unfinished};
use crate::link::{Interruption, Wait, Watch};
use crate::observer::Observer;
use crate::registry::Registry;
use crate::runtime::{Io, Runtime};
use crate::spans::Spans;
use futures_lite::future::or;
use milter_proto::{Application, Conversation, Deadlines, Phase, Step, Waiting};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

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
}

/// What is the same for all connections of a server.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) deadlines: Deadlines,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// Serves one connection of an MTA over any stream, to its end, with the default [`Deadlines`].
pub async fn converse<R, M, S>(stream: S, milter: M, connection: u64) -> Result<(), ConverseError>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    let registry = Registry::new();
    let link = registry.begin_as(connection);
    let watch = Watch { registry: &registry, link: &link };
    let settings = Settings::default();
    let conversing = drive::<R, M, S>(stream, milter, watch, &settings);
    or(conversing, async { match registry.watch_deadlines::<R>().await {} }).await
}

/// What ends a conversation from outside.
enum Ended {
    /// At once: nothing more is done.
    Closed,
    /// The stream is of no use any more; the hooks are told.
    Broken(ConverseError),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// [`converse`], watched by a server.
pub(crate) async fn drive<R, M, S>(
    mut stream: S,
    milter: M,
    watch: Watch<'_>,
    settings: &Settings,
) -> Result<(), ConverseError>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    let mut conversation = Conversation::new(milter, watch.link.id);
    let observer = settings.observer.as_deref();
    let mut spans = Spans::default();
    let mut reading = Reading::new();
    let mut unsent: &'static [u8] = b"";
    let mut broken = None;
    let mut messages = 0;
    loop {
        let done = match conversation.step() {
            Ok(Step::Read) => {
                reading.begin(&mut conversation, watch, &settings.deadlines);
                read::<R, M, S>(&mut stream, &mut conversation, watch, &mut reading.wait, observer).await
            }
            // Nobody reads what is owed to a connection that is gone.
            Ok(Step::Write(_)) if broken.is_some() => Ok(()),
            Ok(Step::Write(octets)) => {
                let limit = settings.deadlines.write;
                match write::<R, S>(&mut stream, &mut unsent, watch, limit, observer).await {
                    Ok(()) => write::<R, S>(&mut stream, &mut &*octets, watch, limit, observer).await,
                    failed => failed,
                }
            }
            Ok(Step::Event(call)) => {
                let stage = call.stage();
                let span = spans.of(&call);
                let began = observer.map(|_| Instant::now());
                let mut ahead = Ahead::new(broken.is_none(), stage);
                let ran = hook::run::<R, M, S>(
                    call,
                    span,
                    &mut stream,
                    &mut ahead,
                    &mut unsent,
                    watch,
                    &settings.deadlines,
                );
                let unfinished = ran.await.err();
                if let (Some(observer), Some(began)) = (observer, began) {
                    observer.hook(stage, conversation.answer(), began.elapsed());
                }
                if let Some(failure) = conversation.take_failure() {
                    hook::report(&failure, unfinished.as_ref(), watch.link.id);
                }
                ahead.hand_over(&mut conversation);
                match unfinished {
                    Some(Unfinished::Close) => Err(Ended::Closed),
                    Some(Unfinished::Gone(error)) => Err(error.into()),
                    // A call that did not finish counts as failed: the failure verdict follows, then the end.
                    Some(Unfinished::Panicked | Unfinished::Late(..)) | None => Ok(()),
                }
            }
            Ok(Step::Close) => return broken.map_or(Ok(()), Err),
            Err(error) => return Err(error.into()),
        };
        while messages != conversation.session().messages_over() {
            messages += 1;
            spans.end_message();
            if let Some(observer) = observer {
                observer.message(watch.link.id);
            }
        }
        match done {
            Ok(()) => {}
            Err(Ended::Closed) => return Ok(()),
            Err(Ended::Broken(error)) => {
                broken = Some(error);
                conversation.finish();
            }
        }
    }
}

/// What is being read, which may take several reads.
struct Reading {
    wait: Wait,
    packets: u64,
}

impl Reading {
    const fn new() -> Self {
        Self { wait: Wait::new(Waiting::FirstPacket, None), packets: u64::MAX }
    }

    /// The time for the first packet, and for one that has begun, goes on from read to read.
    fn begin<M: Application>(
        &mut self,
        conversation: &mut Conversation<M>,
        watch: Watch<'_>,
        deadlines: &Deadlines,
    ) {
        let negotiated = conversation.session().agreement().is_some();
        let drains = !conversation.session().in_message();
        let decoder = conversation.decoder();
        let waiting = match decoder.is_empty() {
            _ if !negotiated => Waiting::FirstPacket,
            true => Waiting::Command,
            false => Waiting::Packet,
        };
        if negotiated && self.wait.waiting == Waiting::FirstPacket {
            watch.negotiated();
        }
        if waiting != self.wait.waiting || self.packets != decoder.packets_taken() {
            self.wait = Wait::new(waiting, deadlines.limit(waiting));
            self.packets = decoder.packets_taken();
        }
        self.wait.set_drains(drains);
    }
}

/// Reads straight into the receive buffer, which is held only while there is something to read.
async fn read<R: Io<S>, M: Application, S: Unpin>(
    stream: &mut S,
    conversation: &mut Conversation<M>,
    watch: Watch<'_>,
    wait: &mut Wait,
    observer: Option<&dyn Observer>,
) -> Result<(), Ended> {
    // A connection that is never quiet is ended here.
    if watch.link.phase() != Phase::Serving && wait.drains() {
        conversation.finish();
        return Ok(());
    }
    poll_fn(|cx| {
        let decoder = conversation.decoder();
        buffers::lend(decoder);
        match R::poll_read(Pin::new(&mut *stream), cx, decoder.spare()) {
            Poll::Ready(Ok(count)) => {
                decoder.filled(count);
                if let Some(observer) = observer {
                    observer.received(count);
                }
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => {
                buffers::reclaim(decoder);
                return Poll::Ready(Err(error.into()));
            }
            Poll::Pending => buffers::reclaim(decoder),
        }
        Poll::Ready(match ready!(watch.poll_interrupted(cx, wait)) {
            Interruption::Drain => {
                conversation.finish();
                Ok(())
            }
            Interruption::Close => Err(Ended::Closed),
            Interruption::Late(waiting, limit) => {
                Err(Ended::Broken(ConverseError::Timeout { waiting, limit }))
            }
        })
    })
    .await
}

/// Writes all of it.
async fn write<R: Io<S>, S: Unpin>(
    stream: &mut S,
    left: &mut &[u8],
    watch: Watch<'_>,
    limit: Option<Duration>,
    observer: Option<&dyn Observer>,
) -> Result<(), Ended> {
    if left.is_empty() {
        return Ok(());
    }
    let mut wait = Wait::new(Waiting::Write, limit);
    poll_fn(|cx| {
        loop {
            let polled = if left.is_empty() {
                R::poll_flush(Pin::new(&mut *stream), cx).map_ok(|()| None)
            } else {
                R::poll_write(Pin::new(&mut *stream), cx, left).map_ok(Some)
            };
            match polled {
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(Some(0))) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                Poll::Ready(Ok(Some(count))) => {
                    *left = left.get(count..).unwrap_or_default();
                    wait.restart();
                    if let Some(observer) = observer {
                        observer.sent(count);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        Poll::Ready(Err(match ready!(watch.poll_interrupted(cx, &mut wait)) {
            Interruption::Drain | Interruption::Close => Ended::Closed,
            Interruption::Late(waiting, limit) => Ended::Broken(ConverseError::Timeout { waiting, limit }),
        }))
    })
    .await
}
