//! A stream that notes what passes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use milter_vectors::Side;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Octets from the filter that are kept in any case.
const HEAD: usize = 256;

/// A stream to a filter that notes what passes.
#[derive(Debug)]
pub(super) struct Tap<S> {
    stream: S,
    log: Log,
}

/// What passed, also while it passes.
#[derive(Clone, Debug)]
pub(super) struct Log(Arc<Mutex<Passed>>);

#[derive(Debug, Default)]
struct Passed {
    head: Vec<u8>,
    is_recorded: bool,
    pieces: Vec<Piece>,
}

/// What one side sent in one go; nothing is the end of its stream.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) side: Side,
    pub(super) octets: Vec<u8>,
}

impl Tap<()> {
    /// A stream that is to come. Unless all is recorded, only the filter's first octets are kept.
    pub(super) fn new(is_recorded: bool) -> (Self, Log) {
        let log = Log(Arc::new(Mutex::new(Passed { is_recorded, ..Passed::default() })));
        (Self { stream: (), log: log.clone() }, log)
    }

    pub(super) fn over<S>(self, stream: S) -> Tap<S> {
        Tap { stream, log: self.log }
    }

    pub(super) fn log(&self) -> Log {
        self.log.clone()
    }
}

impl Log {
    /// The filter's first octets.
    pub(super) fn head(&self) -> Vec<u8> {
        self.passed().head.clone()
    }

    /// All that passed.
    pub(super) fn take(&self) -> Vec<Piece> {
        std::mem::take(&mut self.passed().pieces)
    }

    fn note(&self, side: Side, octets: &[u8]) {
        let mut passed = self.passed();
        if side == Side::Filter && passed.head.len() < HEAD {
            let count = octets.len().min(HEAD - passed.head.len());
            passed.head.extend_from_slice(&octets[..count]);
        }
        if passed.is_recorded {
            passed.pieces.push(Piece { side, octets: octets.to_vec() });
        }
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Ok(())) = polled {
            self.log.note(Side::Filter, &buffer.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, octets);
        if let Poll::Ready(Ok(count @ 1..)) = polled {
            self.log.note(Side::Mta, &octets[..count]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
