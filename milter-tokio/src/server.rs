//! The server: accept, one task for each connection, and an end in good order.

use crate::converse::{ConverseError, converse_until_drained};
use crate::listener::{ListenError, Listener};
use crate::phase::{Draining, Phase, through};
use crate::signal::Signals;
use milter_proto::{Application, Endpoint};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// A filter behind one or more sockets.
///
/// ```no_run
/// # use milter_tokio::*;
/// # async fn example(milter: impl Application) -> Result<(), Box<dyn std::error::Error>> {
/// Server::new(milter)
///     .listen("inet:127.0.0.1:9000")?
///     .listen("unix:/run/filter/milter.sock")?
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server<M> {
    milter: Arc<M>,
    listeners: Vec<Listener>,
    max_connections: usize,
    drain_timeout: Duration,
}

/// How long the server waits after an error of accept, such as too many open descriptors.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(20);
/// Descriptors that are left to the program when the connection limit is derived from the process's own limit.
const DESCRIPTORS_LEFT: u64 = 64;

impl<M: Application> Server<M> {
    /// A server for this filter, which listens nowhere yet.
    pub fn new(milter: M) -> Self {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let connections = descriptors.unwrap_or(u64::MAX).saturating_sub(DESCRIPTORS_LEFT).max(1);
        Self {
            milter: Arc::new(milter),
            listeners: Vec::new(),
            max_connections: usize::try_from(connections).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
            drain_timeout: Duration::from_secs(30),
        }
    }

    /// Listens on a socket as well: see [`Endpoint`] for the syntax. It is bound at once, and served from
    /// [`run`](Self::run) or [`serve`](Self::serve) on.
    ///
    /// The file of a unix socket that nobody listens on any more is replaced, and removed at the end.
    pub fn listen(mut self, endpoint: impl AsRef<str>) -> Result<Self, ListenError> {
        self.listeners.push(Listener::bind(endpoint.as_ref())?);
        Ok(self)
    }

    /// How many connections are served at once; more have to wait. By default as many as there may be open
    /// descriptors, but for a few.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How long messages in progress may take after a shutdown began: 30 seconds unless set.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Where the server listens, with the ports that the system chose.
    pub fn endpoints(&self) -> io::Result<Vec<Endpoint>> {
        self.listeners.iter().map(Listener::endpoint).collect()
    }

    /// Serves until SIGTERM or SIGINT, then ends as [`serve`](Self::serve) does; a second signal ends at once. SIGHUP
    /// changes nothing.
    pub async fn run(self) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let (stop, stopped) = oneshot::channel();
        let mut serving = pin!(self.serve(async {
            // An error means that `stop` was dropped, which happens after the end of serving only.
            let _ = stopped.await;
        }));
        tokio::select! {
            served = &mut serving => return served,
            () = signals.terminated() => tracing::info!("shutting down: finishing messages in progress"),
        }
        let _ = stop.send(());
        tokio::select! {
            served = &mut serving => served,
            () = signals.terminated() => Ok(()),
        }
    }

    /// Serves until `shutdown` is ready. No signal handler is installed.
    ///
    /// Then it stops listening at once, ends connections that have no message open, lets messages in progress be
    /// finished and answered, and closes what is left after the [timeout](Self::drain_timeout). A message of which the
    /// filter has heard nothing has not begun for it: Postfix sends commands that need no reply only together with one
    /// that does.
    ///
    /// Closing a connection is not free: Postfix applies `milter_default_action` to the rest of its SMTP session.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let (phase, phases) = watch::channel(Phase::Serving);
        let connections = Connections {
            milter: self.milter,
            permits: Arc::new(Semaphore::new(self.max_connections)),
            next_id: Arc::default(),
            tasks: TaskTracker::new(),
            phases,
        };
        let mut accepting = JoinSet::new();
        for listener in &self.listeners {
            tracing::info!("serving {}", listener.endpoint()?);
        }
        for listener in self.listeners {
            let connections = connections.clone();
            match listener {
                Listener::Tcp(tcp) => {
                    let listener = TcpListener::from_std(tcp)?;
                    accepting.spawn(async move { connections.accept_tcp(&listener).await });
                }
                Listener::Unix(unix, path) => {
                    let listener = UnixListener::from_std(unix)?;
                    accepting.spawn(async move {
                        let _own = path; // removed when this task ends
                        connections.accept_unix(&listener).await;
                    });
                }
            }
        }
        shutdown.await;
        accepting.shutdown().await;
        phase.send_replace(Phase::Draining);
        connections.tasks.close();
        if tokio::time::timeout(self.drain_timeout, connections.tasks.wait()).await.is_err() {
            tracing::warn!("closing {} connections whose messages took too long", connections.tasks.len());
            phase.send_replace(Phase::Closing);
            connections.tasks.wait().await;
        }
        Ok(())
    }
}

/// What every connection of a server shares.
struct Connections<M> {
    milter: Arc<M>,
    permits: Arc<Semaphore>,
    next_id: Arc<AtomicU64>,
    tasks: TaskTracker,
    phases: watch::Receiver<Phase>,
}

impl<M> Clone for Connections<M> {
    fn clone(&self) -> Self {
        Self {
            milter: Arc::clone(&self.milter),
            permits: Arc::clone(&self.permits),
            next_id: Arc::clone(&self.next_id),
            tasks: self.tasks.clone(),
            phases: self.phases.clone(),
        }
    }
}

impl<M: Application> Connections<M> {
    async fn accept_tcp(&self, listener: &TcpListener) {
        loop {
            let permit = self.permit().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Replies are small and awaited: without this each would wait for the acknowledgement of the last.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!("cannot set TCP_NODELAY: {error}");
                    }
                    self.spawn(stream, permit);
                }
                Err(error) => back_off(&error).await,
            }
        }
    }

    async fn accept_unix(&self, listener: &UnixListener) {
        loop {
            let permit = self.permit().await;
            match listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, permit),
                Err(error) => back_off(&error).await,
            }
        }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    fn spawn(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let connection = self.next_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let (milter, phases) = (Arc::clone(&self.milter), self.phases.clone());
        let span = tracing::info_span!("connection", id = connection);
        let task = async move {
            let _permit = permit;
            let draining = Draining::default();
            let conversation = pin!(converse_until_drained(stream, milter, connection, &draining));
            match through(phases, &draining, conversation).await {
                None | Some(Ok(())) => {}
                Some(Err(ConverseError::Io(error))) => tracing::info!("the connection failed: {error}"),
                Some(Err(error)) => tracing::warn!("closing the connection: {error}"),
            }
        };
        self.tasks.spawn(task.instrument(span));
    }
}

async fn back_off(error: &io::Error) {
    tracing::warn!("cannot accept a connection: {error}");
    tokio::time::sleep(ACCEPT_BACK_OFF).await;
}
