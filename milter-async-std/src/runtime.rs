//! async-std, as a server needs it.

use async_signal::{Signal as ReceivedSignal, Signals};
use async_std::io::{Read as AsyncRead, Write as AsyncWrite};
use async_std::net::{TcpListener, TcpStream};
use async_std::os::unix::net::{UnixListener, UnixStream};
use async_std::stream::StreamExt;
use futures_util::future::Either;
use milter_server::{Io, Runtime, Signal, StdListener, acknowledge};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The runtime async-std.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AsyncStd;

/// A connected socket, TCP or unix.
pub type ClientStream = Either<TcpStream, UnixStream>;

impl Runtime for AsyncStd {
    type Listener = Either<TcpListener, UnixListener>;
    type Stream = ClientStream;
    type Sleep = Sleep;
    type Signals = Signals;

    fn listen(listener: StdListener) -> io::Result<Self::Listener> {
        Ok(match listener {
            StdListener::Tcp(tcp) => Either::Left(tcp.into()),
            StdListener::Unix(unix) => Either::Right(unix.into()),
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
        async_std::task::spawn(task);
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Sleep(async_io::Timer::after(duration))
    }

    fn signals() -> io::Result<Self::Signals> {
        Signals::new([ReceivedSignal::Term, ReceivedSignal::Int, ReceivedSignal::Hup])
    }

    async fn next_signal(signals: &mut Self::Signals) -> Signal {
        match signals.next().await {
            Some(Ok(ReceivedSignal::Hup)) => Signal::HangUp,
            // Without signals nobody could end the program in good order any more: then it ends now.
            Some(Ok(_) | Err(_)) | None => Signal::Terminate,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io<S> for AsyncStd {
    fn poll_read(stream: Pin<&mut S>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        stream.poll_read(cx, buffer)
    }

    fn poll_write(stream: Pin<&mut S>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        stream.poll_write(cx, octets)
    }

    fn poll_flush(stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream.poll_flush(cx)
    }
}

/// A timer of which only the end counts.
#[derive(Debug)]
pub struct Sleep(async_io::Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}

/// Packets are small and awaited: without this each would wait for the acknowledgement of the last.
fn undelayed(stream: TcpStream) -> ClientStream {
    // It fails for one that has gone already, which the first read will tell.
    let _ = stream.set_nodelay(true);
    Either::Left(stream)
}
