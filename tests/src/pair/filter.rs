//! The filter's side: with hooks, or a session whose events are answered by hand.

use milter_proto::{
    Application, BodyVerdict, Context, Conversation, Error, Event, PROGRESS, Session, Step, Wish,
};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{self, Poll, Waker};

/// A filter's side that a [`Pair`](super::Pair) can drive.
pub trait Filter {
    /// Takes octets in; none are the end of the stream.
    fn receive(&mut self, bytes: &[u8]);

    /// Goes on until it must read, and appends what it writes. Whether it has closed the connection.
    ///
    /// # Errors
    ///
    /// With which the connection ends.
    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error>;
}

impl<M: Application> Filter for Conversation<M> {
    fn receive(&mut self, bytes: &[u8]) {
        Self::receive(self, bytes);
    }

    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error> {
        loop {
            match self.step()? {
                Step::Read => return Ok(false),
                Step::Write(bytes) => out.extend_from_slice(bytes),
                Step::Close => return Ok(true),
                Step::Event(call) => {
                    if call.takes_progress() {
                        out.extend(PROGRESS.repeat(progress));
                    }
                    let stage = call.stage();
                    let mut hook = pin!(call.into_future());
                    match hook.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
                        Poll::Ready(()) => {}
                        Poll::Pending => panic!("the hook for {stage} waits for something"),
                    }
                }
            }
        }
    }
}

/// A session without hooks, and what answers its events; `None` is silence.
pub struct Played<P> {
    session: Session,
    player: P,
}

impl<P: FnMut(Event<'_>, &mut Context) -> Option<BodyVerdict>> Filter for Played<P> {
    fn receive(&mut self, bytes: &[u8]) {
        self.session.receive(bytes);
    }

    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error> {
        loop {
            let verdict = match self.session.step()? {
                Step::Read => return Ok(false),
                Step::Write(bytes) => {
                    out.extend_from_slice(bytes);
                    continue;
                }
                Step::Close => return Ok(true),
                Step::Event(happened) => {
                    if matches!(happened.event, Event::EndOfMessage(_)) {
                        out.extend(PROGRESS.repeat(progress));
                    }
                    (self.player)(happened.event, happened.context)
                }
            };
            if let Some(verdict) = verdict {
                self.session.answer(verdict).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

impl<P: FnMut(Event<'_>, &mut Context) -> Option<BodyVerdict>> Played<P> {
    /// A session that wants this, and what answers.
    pub fn new(wish: Wish, player: P) -> Self {
        Self { session: Session::new(wish), player }
    }
}

impl<P> Played<P> {
    /// The session.
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

impl<P> fmt::Debug for Played<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").field("session", &self.session).finish_non_exhaustive()
    }
}
