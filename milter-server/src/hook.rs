//! Running a hook: panics, deadlines, signs of life, and an MTA that goes away meanwhile.

use crate::buffers;
use crate::connection::Connection;
use crate::link::{Interruption, Wait};
use crate::runtime::{Io, Runtime};
use crate::spans::Spans;
use milter_proto::{
    Application, Call, CommandKind, Conversation, Deadlines, Failure, PROGRESS, Running, Waiting,
};
use pin_project_lite::pin_project;
use std::future::{Future, IntoFuture};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// How often an MTA is told that the end of a message takes time. Postfix waits 300 s for the first sign of life by
/// default, but some are configured to a second or two.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

pin_project! {
    /// Runs a hook until it is done or to be given up; then it is dropped unfinished.
    pub(crate) struct Hook<'a, 'b, R: Runtime, M: Application, S> {
        // None if it panicked before it was polled.
        #[pin]
        running: Option<Running<'a, M>>,
        stage: CommandKind,
        began: Option<Instant>,
        stream: &'a mut S,
        connection: &'a mut Connection<'b>,
        // Most hooks are ready at once, and need none.
        slow: Option<Box<Slow<R>>>,
    }
}

/// What became of a hook.
pub(crate) struct Finished<R: Runtime> {
    pub(crate) stage: CommandKind,
    /// How long it took, if somebody wants to know.
    pub(crate) time: Option<Duration>,
    pub(crate) unfinished: Option<Unfinished>,
    pub(crate) slow: Option<Box<Slow<R>>>,
}

/// Why a hook did not finish.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unfinished {
    /// It panicked; the panic hook has reported it.
    Panicked,
    /// It took too long.
    Late(Waiting),
    /// The MTA has gone.
    Gone(io::Error),
    /// The server closes its connections.
    Close,
}

impl Unfinished {
    /// As the operator reads it.
    fn explain(&self, deadlines: &Deadlines) -> String {
        let seconds = |waiting| deadlines.limit(waiting).unwrap_or_default().as_secs_f32();
        match self {
            Self::Panicked => ": it panicked".to_owned(),
            Self::Late(Waiting::PeerGone) => {
                format!(": the MTA had gone, and it took {} s more", seconds(Waiting::PeerGone))
            }
            Self::Late(waiting) => format!(" within {} s", seconds(*waiting)),
            Self::Gone(error) => format!(": the MTA has gone ({error})"),
            Self::Close => ": the server closes".to_owned(),
        }
    }
}

/// Tells the operator.
pub(crate) fn report(failure: &Failure, unfinished: Option<&Unfinished>, connection: &Connection<'_>) {
    let Failure { message_number, queue_id, .. } = failure;
    let why = unfinished.map(|unfinished| unfinished.explain(&connection.settings.deadlines));
    tracing::error!(
        connection = connection.watch.id(),
        message_number,
        queue_id = queue_id.as_deref().unwrap_or_default(),
        "{failure}{}",
        why.unwrap_or_default()
    );
}

impl<'a, 'b, R: Runtime, M: Application, S> Hook<'a, 'b, R, M, S> {
    /// Begins to run a hook. It may panic before it is polled, in the factory of a message's value for example.
    pub(crate) fn begin(call: Call<'a, M>, stream: &'a mut S, connection: &'a mut Connection<'b>) -> Self {
        let (stage, began) = (call.stage(), connection.settings.observer().map(|_| Instant::now()));
        Spans::enter(&mut connection.spans, stage, call.context());
        let running = catch_unwind(AssertUnwindSafe(|| call.into_future())).ok();
        Self { running, stage, began, stream, connection, slow: None }
    }
}

impl<R: Runtime + Io<S>, M: Application, S: Unpin> Future for Hook<'_, '_, R, M, S> {
    type Output = Finished<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished<R>> {
        let mut this = self.project();
        let polled = {
            let _entered = this.connection.spans.as_ref().map(|spans| spans.hook.enter());
            let running = this.running.as_mut().as_pin_mut();
            running.map(|running| catch_unwind(AssertUnwindSafe(|| running.poll(cx))))
        };
        let unfinished = match polled {
            Some(Ok(Poll::Ready(()))) => None,
            Some(Err(_)) | None => Some(Unfinished::Panicked),
            Some(Ok(Poll::Pending)) => {
                let slow = this.slow.get_or_insert_with(|| Box::new(Slow::new(*this.stage)));
                Some(ready!(slow.poll_unfinished(*this.stream, this.connection, cx)))
            }
        };
        let (stage, time) = (*this.stage, this.began.map(|began| began.elapsed()));
        Poll::Ready(Finished { stage, time, unfinished, slow: this.slow.take() })
    }
}

/// What is needed for a hook that waits.
pub(crate) struct Slow<R: Runtime> {
    pub(crate) ahead: Ahead,
    wait: Wait,
    tells_progress: bool,
    beat: Option<Pin<Box<R::Sleep>>>,
}

impl<R: Runtime> Slow<R> {
    fn new(stage: CommandKind) -> Self {
        let ends_message = stage == CommandKind::EndOfMessage;
        let waiting = if ends_message { Waiting::EndOfMessage } else { Waiting::Hook };
        // Abort and quit hooks run to their end: an MTA closes right after it has sent their commands. No other is run once
        // the stream is broken.
        let listens = !matches!(stage, CommandKind::Abort | CommandKind::Quit);
        Self {
            ahead: Ahead::new(listens),
            wait: Wait::new(waiting),
            tells_progress: ends_message,
            beat: None,
        }
    }

    fn poll_unfinished<S: Unpin>(
        &mut self,
        stream: &mut S,
        connection: &mut Connection<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Unfinished>
    where
        R: Io<S>,
    {
        let deadlines = &connection.settings.deadlines;
        let polled = self.ahead.poll::<R, S>(stream, cx);
        if let (Poll::Ready(Ok(())), Some(observer)) = (&polled, connection.settings.observer()) {
            observer.received(self.ahead.count);
        }
        match polled {
            Poll::Ready(Ok(())) if self.ahead.ended && deadlines.peer_gone.is_some() => {
                self.wait = Wait::new(Waiting::PeerGone);
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Unfinished::Gone(error)),
            _ => {}
        }
        if self.tells_progress {
            if let Err(error) = self.tell_progress(stream, connection, cx) {
                return Poll::Ready(Unfinished::Gone(error));
            }
        }
        Poll::Ready(match ready!(connection.watch.poll_interrupted(cx, &mut self.wait, deadlines)) {
            Interruption::Drain | Interruption::Close => Unfinished::Close,
            Interruption::Late(waiting) => Unfinished::Late(waiting),
        })
    }

    /// Tells the MTA at each beat that we are at work. What it has not taken yet it is not sent again.
    fn tell_progress<S: Unpin>(
        &mut self,
        stream: &mut S,
        connection: &mut Connection<'_>,
        cx: &mut Context<'_>,
    ) -> io::Result<()>
    where
        R: Io<S>,
    {
        loop {
            match self.beat.as_mut().map(|beat| beat.as_mut().poll(cx)) {
                Some(Poll::Pending) => break,
                Some(Poll::Ready(())) if connection.unsent.is_empty() => connection.unsent = PROGRESS,
                Some(Poll::Ready(())) | None => {}
            }
            self.beat = Some(Box::pin(R::sleep(PROGRESS_INTERVAL)));
        }
        while !connection.unsent.is_empty() {
            match R::poll_write(Pin::new(stream), cx, connection.unsent) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    connection.unsent = connection.unsent.get(count..).unwrap_or_default();
                    if let Some(observer) = connection.settings.observer() {
                        observer.sent(count);
                    }
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        match R::poll_flush(Pin::new(stream), cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }
}

/// What came while a hook was running: little, since an MTA waits for the answer.
#[derive(Debug)]
pub(crate) struct Ahead {
    octets: [u8; 64],
    count: usize,
    listens: bool,
    ended: bool,
}

impl Ahead {
    const fn new(listens: bool) -> Self {
        Self { octets: [0; 64], count: 0, listens, ended: false }
    }

    /// Looks whether the MTA is there, until something came. An error means that it is not.
    fn poll<R: Io<S>, S: Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.listens {
            return Poll::Pending;
        }
        let count = ready!(R::poll_read(Pin::new(stream), cx, &mut self.octets))?;
        // At most one small buffer is read ahead.
        self.listens = false;
        (self.count, self.ended) = (count, count == 0);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn hand_over<M: Application>(&self, conversation: &mut Conversation<M>) {
        let octets = self.octets.get(..self.count).unwrap_or_default();
        if self.ended || !octets.is_empty() {
            buffers::lend(conversation.decoder());
            conversation.receive(octets);
        }
    }
}
