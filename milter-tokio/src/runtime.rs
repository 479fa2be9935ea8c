//! tokio, as a server needs it.

use milter_server::{Io, Runtime, Signal, StdListener, acknowledge};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::time::Sleep;
use tokio_util::either::Either;

/// The runtime tokio.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tokio;

/// A connected socket, TCP or unix.
pub type ClientStream = Either<TcpStream, UnixStream>;

impl Runtime for Tokio {
    type Listener = Either<TcpListener, UnixListener>;
    type Stream = ClientStream;
    type Sleep = Sleep;
    type Signals = [SignalStream; 3];

    fn listen(listener: StdListener) -> io::Result<Self::Listener> {
        Ok(match listener {
            StdListener::Tcp(tcp) => Either::Left(TcpListener::from_std(tcp)?),
            StdListener::Unix(unix) => Either::Right(UnixListener::from_std(unix)?),
        })
    }

    async fn accept(listener: &Self::Listener) -> io::Result<ClientStream> {
        match listener {
            Either::Left(tcp) => Ok(undelayed(tcp.accept().await?.0)),
            Either::Right(unix) => Ok(Either::Right(unix.accept().await?.0)),
        }
    }

    async fn connect_tcp(host: &str, port: u16) -> io::Result<ClientStream> {
        Ok(undelayed(TcpStream::connect((host, port)).await?))
    }

    async fn connect_unix(path: &str) -> io::Result<ClientStream> {
        Ok(Either::Right(UnixStream::connect(path).await?))
    }

    fn acknowledge(stream: &ClientStream) {
        if let Either::Left(tcp) = stream {
            acknowledge(tcp);
        }
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        tokio::time::sleep(duration)
    }

    fn signals() -> io::Result<Self::Signals> {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let [terminate, interrupt, hang_up] = kinds.map(signal);
        Ok([terminate?, interrupt?, hang_up?])
    }

    async fn next_signal(signals: &mut Self::Signals) -> Signal {
        let [terminate, interrupt, hang_up] = signals;
        tokio::select! {
            _ = terminate.recv() => Signal::Terminate,
            _ = interrupt.recv() => Signal::Terminate,
            _ = hang_up.recv() => Signal::HangUp,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> for Tokio {
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        stream.poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
    }

    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        stream.poll_write(cx, octets)
    }

    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_flush(cx)
    }
}

/// Packets are small and awaited: without this each would wait for the acknowledgement of the last.
fn undelayed(stream: TcpStream) -> ClientStream {
    // It fails for one that has gone already, which the first read will tell.
    let _ = stream.set_nodelay(true);
    Either::Left(stream)
}
