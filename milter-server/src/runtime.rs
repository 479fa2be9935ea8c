//! What a runtime gives: the seam under the server.

use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a server needs of an asynchronous runtime. `milter-tokio`, `milter-async-std` and `milter-smol` are nothing but
/// implementations of it; to serve filters on another runtime, write one more.
pub trait Runtime: Io<Self::Stream> + Sized + Send + Sync + 'static {
    /// A listening socket, TCP or unix.
    type Listener: Send + Sync + 'static;
    /// A connected socket, TCP or unix.
    type Stream: Unpin + Send + 'static;
    /// A future that is ready after some time.
    type Sleep: Future<Output = ()> + Send;
    /// The signals that a server knows.
    type Signals: Send;

    /// Registers a bound socket, which is nonblocking.
    fn listen(listener: crate::StdListener) -> io::Result<Self::Listener>;

    /// Accepts a connection; Nagle's algorithm is off for TCP.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Connects over TCP; Nagle's algorithm is off.
    fn connect_tcp(host: &str, port: u16) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Connects to a unix socket.
    fn connect_unix(path: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Acknowledges what came over TCP at once, by [`acknowledge()`]: an MTA that gets no answer may be held up by Nagle's
    /// algorithm until its system has heard of it.
    fn acknowledge(stream: &Self::Stream);

    /// Runs a task that nobody waits for.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);

    /// Ready after this time.
    fn sleep(duration: Duration) -> Self::Sleep;

    /// Catches SIGTERM, SIGINT and SIGHUP from now on.
    fn signals() -> io::Result<Self::Signals>;

    /// Waits for the next signal.
    fn next_signal(signals: &mut Self::Signals) -> impl Future<Output = Signal> + Send;
}

/// Has the system acknowledge at once what came over a TCP connection, for [`Runtime::acknowledge`]. Does nothing where
/// systems cannot be told.
pub fn acknowledge(stream: &impl AsFd) {
    // It only gains time: without it, the acknowledgement comes some 40 ms later.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

/// A runtime that can read and write an `S`.
#[diagnostic::on_unimplemented(
    message = "`{S}` is no stream of this runtime",
    note = "it needs the runtime's traits for reading and writing, and `Unpin`"
)]
pub trait Io<S> {
    /// Reads into the front of the buffer. Zero octets are the end of the stream.
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some of the octets.
    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>>;

    /// Sees to it that what was written leaves: for streams that keep some of it, such as TLS.
    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A signal that means something to a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // an adapter makes them
pub enum Signal {
    /// SIGTERM or SIGINT.
    Terminate,
    /// SIGHUP.
    HangUp,
}
