//! A filter that runs in the test process.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use milter_tokio::{Application, Server};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// How long messages in progress may take once a test is over.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A filter that is served on a socket, on a thread with a tokio runtime of its own. It stops when this
/// value is dropped.
#[derive(Debug)]
pub struct Served {
    spec: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a filter; it listens when this returns.
///
/// # Panics
///
/// If it cannot be served.
#[track_caller]
pub fn serve(milter: impl Application) -> Served {
    serve_on(milter, "inet:127.0.0.1:0")
}

/// Serves a filter on a socket of one's own, such as a [`MilterSocket`](crate::MilterSocket); it listens when this
/// returns.
///
/// # Panics
///
/// If it cannot be served.
#[track_caller]
pub fn serve_on(milter: impl Application, spec: &str) -> Served {
    let server = Server::new(milter)
        .drain_timeout(DRAIN_TIMEOUT)
        .listen(spec)
        .unwrap_or_else(|error| panic!("{error}"));
    let endpoints =
        server.endpoints().unwrap_or_else(|error| panic!("the filter cannot tell its port: {error}"));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no tokio runtime: {error}"));
    let (stop, stopped) = oneshot::channel();
    let thread = thread::spawn(move || {
        let served = runtime.block_on(server.serve(async {
            // Stopped or dropped, it is over.
            let _ = stopped.await;
        }));
        served.unwrap_or_else(|error| panic!("the filter is not served: {error}"));
    });
    Served { spec: endpoints[0].to_string(), stop: Some(stop), thread: Some(thread) }
}

impl Served {
    /// Where the filter listens, as Postfix writes it: `inet:127.0.0.1:port`.
    pub fn spec(&self) -> &str {
        &self.spec
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        // A panic within a panic would end the whole test process.
        assert!(ended.is_ok() || thread::panicking(), "the filter at {} was not served", self.spec);
    }
}
