//! A runtime whose tasks are shuttle's, and whose connections are those that a model makes.

use crate::clock;
use crate::runtime::{Io, Runtime, Signal};
use crate::sync::{Event, Mutex};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub(super) struct Modelled;

/// A connection, by what its MTA has sent. It sends nothing more, and takes all that it is sent.
pub(super) struct Stream(VecDeque<u8>);

impl Stream {
    /// Of an MTA that offers nothing.
    pub(super) fn silent() -> Self {
        Self(VecDeque::new())
    }

    /// Of an MTA that has made its offer.
    pub(super) fn offering() -> Self {
        let offer = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";
        Self(offer.iter().copied().collect())
    }
}

shuttle::lazy_static! {
    static ref ARRIVING: Mutex<VecDeque<io::Result<Stream>>> = Mutex::new(VecDeque::new());
    static ref ARRIVED: Event = Event::new();
}

/// Brings a connection to whichever socket comes first.
pub(super) fn arrive(stream: Stream) {
    accepted(Ok(stream));
}

/// Has accept fail, once, by this error of the system.
pub(super) fn fail_to_accept(error: i32) {
    accepted(Err(io::Error::from_raw_os_error(error)));
}

fn accepted(result: io::Result<Stream>) {
    ARRIVING.lock().expect("no panic").push_back(result);
    ARRIVED.notify(usize::MAX);
}

impl Runtime for Modelled {
    type Listener = ();
    type Stream = Stream;
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;
    type Signals = ();

    fn listen(_listener: crate::StdListener) -> io::Result<()> {
        Ok(())
    }

    async fn accept((): &()) -> io::Result<Stream> {
        loop {
            let arrived = ARRIVED.listen();
            if let Some(accepted) = ARRIVING.lock().expect("no panic").pop_front() {
                return accepted;
            }
            arrived.await;
        }
    }

    async fn connect_tcp(_host: &str, _port: u16) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect_unix(_path: &str) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn acknowledge(_stream: &Stream) {}

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        drop(shuttle::future::spawn(task));
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Box::pin(clock::sleep(duration))
    }

    fn signals() -> io::Result<()> {
        Ok(())
    }

    fn next_signal((): &mut ()) -> impl Future<Output = Signal> + Send {
        pending()
    }
}

impl Io<Stream> for Modelled {
    fn poll_read(
        mut stream: Pin<&mut Stream>,
        _cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = buffer.len().min(stream.0.len());
        buffer.iter_mut().zip(stream.0.drain(..count)).for_each(|(place, octet)| *place = octet);
        if count == 0 { Poll::Pending } else { Poll::Ready(Ok(count)) }
    }

    fn poll_write(_: Pin<&mut Stream>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(_: Pin<&mut Stream>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
