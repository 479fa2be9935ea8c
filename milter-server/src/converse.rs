//! The step loop over any stream.

use crate::buffers;
use crate::connection::Connection;
use crate::deadlines::watch_deadlines;
use crate::hook::Hook;
use crate::link::{Interruption, Watch};
use crate::observer::Observer;
use crate::registry::Registry;
use crate::runtime::{Io, Runtime};
use futures_lite::future::or;
use milter_proto::{Application, Conversation, Deadlines, Next, Step, Waiting};
use std::future::{Future, poll_fn};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

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
            let steps = poll_fn(|cx| {
                connection.poll_steps::<R, M, S>(&mut conversation, &mut stream, acknowledge, cx)
            });
            if let ControlFlow::Break(ended) = steps.await {
                break ended;
            }
            // An event that cannot be read is none: how that ends are the next steps.
            let Ok(Step::Event(call)) = conversation.present(Next::Event) else { continue };
            let finished = Hook::<R, M, S>::begin(call, &mut stream, &mut connection).await;
            let done = connection.conclude(finished, &mut conversation);
            if let ControlFlow::Break(ended) = connection.heed(done, &mut conversation) {
                break ended;
            }
        };
        buffers::reclaim(conversation.decoder());
        (ended, watch)
    }
}
