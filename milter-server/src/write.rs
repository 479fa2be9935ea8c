//! Writing what is owed.

use crate::connection::Connection;
use crate::converse::Ended;
use crate::link::Wait;
use crate::runtime::Io;
use milter_proto::Waiting;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Writes all of it, after what is left of a sign of life.
pub(crate) struct Write<'a, 'b, R, S> {
    octets: &'a [u8],
    stream: &'a mut S,
    connection: &'a mut Connection<'b>,
    wait: Wait,
    runtime: PhantomData<fn() -> R>,
}

impl<'a, 'b, R, S> Write<'a, 'b, R, S> {
    pub(crate) const fn new(octets: &'a [u8], stream: &'a mut S, connection: &'a mut Connection<'b>) -> Self {
        Self { octets, stream, connection, wait: Wait::new(Waiting::Write), runtime: PhantomData }
    }
}

impl<R: Io<S>, S: Unpin> Future for Write<'_, '_, R, S> {
    type Output = Result<(), Ended>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let Self { octets, stream, connection, wait, .. } = self.get_mut();
        loop {
            let is_unsent = !connection.unsent.is_empty();
            let left = if is_unsent { connection.unsent } else { *octets };
            if left.is_empty() {
                match R::poll_flush(Pin::new(&mut **stream), cx) {
                    Poll::Ready(flushed) => return Poll::Ready(flushed.map_err(Ended::Broken)),
                    Poll::Pending => break,
                }
            }
            match R::poll_write(Pin::new(&mut **stream), cx, left) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(Ended::Broken(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(count)) => {
                    if is_unsent {
                        connection.unsent = connection.unsent.get(count..).unwrap_or_default();
                    } else {
                        *octets = octets.get(count..).unwrap_or_default();
                    }
                    wait.restart();
                    if let Some(observer) = connection.settings.observer() {
                        observer.sent(count);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Ended::Broken(error))),
                Poll::Pending => break,
            }
        }
        let interrupted = connection.watch.poll_interrupted(cx, wait, &connection.settings.deadlines);
        Poll::Ready(Err(ready!(interrupted).into()))
    }
}
