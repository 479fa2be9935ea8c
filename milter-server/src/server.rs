//! The server: what is set before it serves, and how it serves and ends.

use crate::accept::{NEWCOMERS, accept};
use crate::converse::Settings;
use crate::deadlines::DeadlineThread;
use crate::handle::Handle;
use crate::listener::{ListenError, Listener, SocketAccess, StdListener};
use crate::observer::Observer;
use crate::runtime::Runtime;
use crate::scoped::Scoped;
use crate::supervise::supervise;
use async_lock::Semaphore;
use futures_lite::future::{or, poll_once};
use milter_proto::{Application, BoxError, Deadlines, Endpoint, Phase, connections_for};
use nix::sys::resource::{Resource, getrlimit};
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long connections that were told to close at once may take, before the server ends without them: a hook that
/// blocks its thread cannot be interrupted.
const CLOSING_TIME: Duration = Duration::from_millis(250);

/// A filter behind one or more sockets. Each adapter names it for its runtime.
///
/// Everything has a safe default: see [`deadlines`](Self::deadlines), [`max_connections`](Self::max_connections),
/// [`drain_timeout`](Self::drain_timeout) and [`SocketAccess`].
pub struct Server<M, R> {
    handle: Handle<M>,
    listeners: Vec<Listener>,
    settings: Settings,
    max_connections: usize,
    drain_timeout: Duration,
    reload: Option<Reload<M>>,
    runtime: PhantomData<fn() -> R>,
}

/// Makes the filter anew.
pub(crate) type Reload<M> = Box<dyn FnMut() -> Result<M, BoxError> + Send>;

impl<M: Application, R: Runtime> Server<M, R> {
    /// A server for this filter, which listens nowhere yet.
    pub fn new(milter: M) -> Self {
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(current, _)| current);
        Self {
            handle: Handle::new(milter),
            listeners: Vec::new(),
            settings: Settings::default(),
            max_connections: connections_for(usize::try_from(descriptors).unwrap_or(usize::MAX)),
            drain_timeout: Duration::from_secs(30),
            reload: None,
            runtime: PhantomData,
        }
    }

    /// Listens on a socket as well: see [`Endpoint`] for the syntax. It is bound at once, and served from
    /// [`run`](Self::run) or [`serve`](Self::serve) on.
    ///
    /// A host name is listened on at all of its addresses. The file of a unix socket that nobody listens on any more is
    /// replaced; a live one, or a file that is no socket, never. Of several processes that want the same path one wins, by
    /// a lock file beside it (`PATH.lock`); both files are removed at the end.
    pub fn listen(self, endpoint: impl AsRef<str>) -> Result<Self, ListenError> {
        self.listen_with(endpoint, &SocketAccess::default())
    }

    /// [`listen`](Self::listen), and who may connect if it is a unix socket.
    pub fn listen_with(
        mut self,
        endpoint: impl AsRef<str>,
        access: &SocketAccess,
    ) -> Result<Self, ListenError> {
        let endpoint: Endpoint = endpoint.as_ref().parse()?;
        self.listeners.extend(Listener::bind(&endpoint, access)?);
        Ok(self)
    }

    /// Listens on a socket that somebody else has bound, and whose path, if it has one, somebody else removes.
    pub fn listen_on(mut self, listener: impl Into<StdListener>) -> io::Result<Self> {
        self.listeners.push(Listener::bound(listener.into())?);
        Ok(self)
    }

    /// How long to wait for MTAs and for hooks: see [`Deadlines`], which are on by default.
    pub const fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.settings.deadlines = deadlines;
        self
    }

    /// How many connections are served at once, by default as many as there may be open descriptors, less some.
    ///
    /// At the limit a new connection takes the place of the oldest that has not negotiated, which no MTA delays; if all have,
    /// it waits until one ends.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long messages in progress may take after a shutdown began: 30 seconds unless set.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Who is told what happens: for metrics.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.settings.observer = Some(Arc::new(observer));
        self
    }

    /// How [`run`](Self::run) makes the filter anew at SIGHUP, such as after its configuration was read again. If that
    /// fails, the error is logged, and the filter stays as it is. Signals wait for it meanwhile, and on a runtime of one
    /// thread all connections: what takes long belongs on a thread of the program's own, and its result into
    /// [`Handle::reload`].
    pub fn on_reload<E: Into<BoxError>>(
        mut self,
        mut reload: impl FnMut() -> Result<M, E> + Send + 'static,
    ) -> Self {
        self.reload = Some(Box::new(move || reload().map_err(Into::into)));
        self
    }

    /// The controls, for programs that have their own signals.
    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// Where the server listens, with the ports that the system chose.
    pub fn endpoints(&self) -> io::Result<Vec<Endpoint>> {
        self.listeners.iter().map(Listener::endpoint).collect()
    }

    /// Serves until SIGTERM or SIGINT, then ends as [`serve`](Self::serve) does; a second signal ends at once. SIGHUP
    /// [reloads](Self::on_reload), and never ends anything. A service manager that wants to know (systemd's
    /// `Type=notify`) is told when the server is ready, reloads and stops.
    ///
    /// When it returns after a signal, connections may be left whose hooks block their threads: a program should then end,
    /// without waiting for its runtime.
    pub async fn run(mut self) -> io::Result<()> {
        let signals = R::signals()?;
        let (handle, reload) = (self.handle(), self.reload.take());
        let mut serving = pin!(self.serve(pending()));
        // The signals are caught and the sockets registered: only now somebody may be told.
        if let Some(ended) = poll_once(&mut serving).await {
            return ended;
        }
        or(serving, async { match supervise::<R, M>(signals, &handle, reload).await {} }).await
    }

    /// Serves until `shutdown` is ready, or its [`Handle`] ends it. No signal handler is installed.
    ///
    /// Then it stops listening at once, ends connections that have no message open, lets messages in progress be
    /// finished and answered, and closes what is left after the [timeout](Self::drain_timeout). A message of which the
    /// filter has heard nothing has not begun for it: Postfix sends commands that need no reply only together with one
    /// that does.
    ///
    /// What is closed where it is, at the timeout or by [`Handle::stop`], is not told to any hook: its values are dropped.
    ///
    /// Closing a connection is not free: Postfix applies `milter_default_action` to the rest of its SMTP session.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere"));
        }
        // A runtime without timers is better told of now than by the first hook that takes long.
        drop(R::sleep(Duration::ZERO));
        let registry = &self.handle.shared.registry;
        // Whoever drops this future wants an end as well.
        let closing = Closing(&self.handle);
        let _deadlines = DeadlineThread::start(registry)?;
        let settings = Arc::new(self.settings);
        let newcomers = Arc::new(Semaphore::new(NEWCOMERS));
        // All or none: what cannot be served is known before anybody is accepted.
        let mut listening = Vec::new();
        for listener in self.listeners {
            listening.push((listener.endpoint()?, R::listen(listener.socket)?, listener.path));
        }
        // Connections are accepted by tasks: this future may belong to a thread that is none of the runtime's, such as
        // `main`, which each connection would have to wake first.
        let mut accepting = Vec::new();
        for (endpoint, socket, path) in listening {
            tracing::info!("serving {endpoint}");
            let (handle, settings, newcomers) =
                (self.handle.clone(), Arc::clone(&settings), Arc::clone(&newcomers));
            let task =
                Scoped::spawn::<R>(accept::<R, M>(socket, handle, settings, self.max_connections, newcomers));
            accepting.push((task, path)); // in this order they go
        }
        let panic = poll_fn(|cx| {
            accepting.iter().for_each(|(task, _)| task.poll_panic(cx));
            Poll::Pending
        });
        or(panic, or(shutdown, registry.entered(Phase::Draining))).await;
        // From here on the addresses are free for the next instance.
        drop(accepting);
        registry.enter(Phase::Draining);
        let drained = registry.ended(|connections| connections == 0);
        let stopped = registry.entered(Phase::Closing);
        or(drained, or(stopped, R::sleep(self.drain_timeout))).await;
        let left = registry.count();
        if left > 0 {
            tracing::warn!("closing {left} connections whose messages took too long");
        }
        drop(closing);
        or(registry.ended(|connections| connections == 0), R::sleep(CLOSING_TIME)).await;
        Ok(())
    }
}

/// Closes all connections when it is dropped.
struct Closing<'a, M: Application>(&'a Handle<M>);

impl<M: Application> Drop for Closing<'_, M> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<M, R> fmt::Debug for Server<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners)
            .field("deadlines", &self.settings.deadlines)
            .field("max_connections", &self.max_connections)
            .field("drain_timeout", &self.drain_timeout)
            .finish_non_exhaustive()
    }
}
