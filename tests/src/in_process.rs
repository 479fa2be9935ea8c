//! A filter that runs in the test process, on any of the runtimes.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use milter_server::{Handle, Observer, Runtime, Server, SocketAccess};
use milter_tokio::{Application, Deadlines};
use tokio::runtime::Builder;

/// An adapter of this workspace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "never published; tests match it")]
pub enum Adapter {
    /// `milter-tokio`.
    Tokio,
    /// `milter-async-std`.
    AsyncStd,
    /// `milter-smol`.
    Smol,
}

impl Adapter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tokio, Self::AsyncStd, Self::Smol];

    /// Its name, as `--runtime` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        }
    }

    /// Serves a filter on a socket; it listens when this returns.
    ///
    /// # Panics
    ///
    /// If it cannot be served.
    #[track_caller]
    pub fn serve(self, milter: impl Application, spec: &str) -> Served {
        self.serve_with(milter, &[spec], Settings::default())
    }

    /// [`serve`](Self::serve) on several sockets, by a server with settings of its own.
    ///
    /// # Panics
    ///
    /// If it cannot be served.
    #[track_caller]
    pub fn serve_with<M: Application>(self, milter: M, specs: &[&str], setup: Settings) -> Served {
        self.serve_reloadable(milter, specs, setup).0
    }

    /// [`serve_with`](Self::serve_with), and the controls that give it another filter.
    ///
    /// # Panics
    ///
    /// If it cannot be served.
    #[track_caller]
    pub fn serve_reloadable<M: Application>(
        self,
        milter: M,
        specs: &[&str],
        setup: Settings,
    ) -> (Served, Handle<M>) {
        match self {
            Self::Tokio => Served::start::<M, milter_tokio::Tokio>(milter, specs, setup, |serving| {
                let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
                let runtime = runtime.unwrap_or_else(|error| panic!("no tokio runtime: {error}"));
                runtime.block_on(serving);
                // A hook that blocks its thread is not waited for.
                runtime.shutdown_background();
            }),
            Self::AsyncStd => {
                Served::start::<M, milter_async_std::AsyncStd>(milter, specs, setup, |serving| {
                    async_std::task::block_on(serving);
                })
            }
            Self::Smol => Served::start::<M, milter_smol::Smol>(milter, specs, setup, |serving| {
                smol::block_on(serving);
            }),
        }
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a test sets at a server, whatever the runtime. By default nothing but a short drain.
#[allow(clippy::exhaustive_structs, reason = "never published; tests build it")]
pub struct Settings {
    /// [`Server::deadlines`].
    pub deadlines: Deadlines,
    /// [`Server::drain_timeout`]: one second.
    pub drain_timeout: Duration,
    /// [`Server::max_connections`].
    pub max_connections: Option<usize>,
    /// [`Server::observer`].
    pub observer: Option<Arc<dyn Observer>>,
    /// [`Server::listen_with`].
    pub access: SocketAccess,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            drain_timeout: Duration::from_secs(1),
            max_connections: None,
            observer: None,
            access: SocketAccess::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}

/// A filter that is served on a socket, on threads of its own. It stops when this value is dropped.
pub struct Served {
    specs: Vec<String>,
    controls: Box<dyn Controls>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a filter on tokio; it listens when this returns.
///
/// # Panics
///
/// If it cannot be served.
#[track_caller]
pub fn serve(milter: impl Application) -> Served {
    serve_on(milter, "inet:127.0.0.1:0")
}

/// Serves a filter on tokio and on a socket of one's own, such as a [`MilterSocket`](crate::MilterSocket); it listens when
/// this returns.
///
/// # Panics
///
/// If it cannot be served.
#[track_caller]
pub fn serve_on(milter: impl Application, spec: &str) -> Served {
    Adapter::Tokio.serve(milter, spec)
}

impl Served {
    #[track_caller]
    fn start<M: Application, R: Runtime>(
        milter: M,
        specs: &[&str],
        setup: Settings,
        block_on: fn(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>),
    ) -> (Self, Handle<M>) {
        let mut server =
            Server::<M, R>::new(milter).drain_timeout(setup.drain_timeout).deadlines(setup.deadlines);
        if let Some(connections) = setup.max_connections {
            server = server.max_connections(connections);
        }
        if let Some(observer) = setup.observer {
            server = server.observer(observer);
        }
        for spec in specs {
            server = server.listen_with(spec, &setup.access).unwrap_or_else(|error| panic!("{error}"));
        }
        let endpoints =
            server.endpoints().unwrap_or_else(|error| panic!("the filter cannot tell its port: {error}"));
        let handle = server.handle();
        let thread = thread::spawn(move || {
            block_on(Box::pin(async {
                let served = server.serve(std::future::pending()).await;
                served.unwrap_or_else(|error| panic!("the filter is not served: {error}"));
            }));
        });
        let specs = endpoints.iter().map(ToString::to_string).collect();
        (Self { specs, controls: Box::new(handle.clone()), thread: Some(thread) }, handle)
    }

    /// Where the filter listens, as Postfix writes it: `inet:127.0.0.1:port`.
    pub fn spec(&self) -> &str {
        &self.specs[0]
    }

    /// All sockets that it listens on.
    pub fn specs(&self) -> &[String] {
        &self.specs
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.controls.connections()
    }

    /// Ends it in good order, without waiting.
    pub fn drain(&self) {
        self.controls.drain();
    }

    /// Ends it at once, without waiting.
    pub fn stop(&self) {
        self.controls.stop();
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it was not served.
    pub fn wait(&mut self) {
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        // A panic within a panic would end the whole test process.
        assert!(ended.is_ok() || thread::panicking(), "the filter at {:?} was not served", self.specs);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.drain();
        self.wait();
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("specs", &self.specs).finish_non_exhaustive()
    }
}

/// A server's handle, whatever its filter.
trait Controls: Send + Sync {
    fn drain(&self);
    fn stop(&self);
    fn connections(&self) -> usize;
}

impl<M: Application> Controls for Handle<M> {
    fn drain(&self) {
        self.drain();
    }

    fn stop(&self) {
        self.stop();
    }

    fn connections(&self) -> usize {
        self.connections()
    }
}
