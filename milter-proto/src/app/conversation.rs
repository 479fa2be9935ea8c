//! A connection of an MTA with an application: the session's events become calls of hooks.

use super::answer::{Answer, BoxError};
use super::application::Application;
use super::hook::Hooks;
use super::state::State;
use crate::command::CommandKind;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::packet::Decoder;
use crate::session::{Happened, Session};
use crate::step::{Next, Step};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::task::{self, Poll};

/// A connection of an MTA with an application. A driver takes its steps:
///
/// ```
/// # use milter_proto::{Application, Conversation, Step, Error};
/// # async fn read() -> Vec<u8> { Vec::new() }
/// # async fn write(_: &[u8]) {}
/// # async fn drive(milter: impl Application) -> Result<(), Error> {
/// let mut conversation = Conversation::new(milter, 1);
/// loop {
///     match conversation.step()? {
///         Step::Read => conversation.receive(&read().await), // nothing is owed: may wait as long as it likes
///         Step::Write(bytes) => write(bytes).await,          // all of it
///         Step::Event(call) => call.await,                   // the only user code
///         Step::Close => return Ok(()),
///     }
/// }
/// # }
/// ```
pub struct Conversation<M: Application> {
    session: Session,
    milter: M,
    state: M::State,
    smtp_session: u64,
    messages_over: u64,
    outcome: Option<Answer>,
    failure: Option<Box<Failure>>,
}

impl<M: Application> Conversation<M> {
    /// A new connection; the number is for hooks and logs ([`Context::connection_id`]).
    pub fn new(milter: M, connection: u64) -> Self {
        let mut session = Session::with_id(milter.wish(), connection);
        session.set_failure_verdict(milter.settings().failure);
        if milter.settings().track_headers {
            session.track_headers();
        }
        if let Some(octets) = milter.settings().max_modifications {
            session.set_max_modifications(octets);
        }
        let state = milter.state();
        Self { session, milter, state, smtp_session: 0, messages_over: 0, outcome: None, failure: None }
    }

    /// Takes bytes in. Empty input is the end of the stream.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.session.receive(bytes);
    }

    /// The receive buffer, for drivers that read straight into it.
    pub const fn decoder(&mut self) -> &mut Decoder {
        self.session.decoder()
    }

    /// What is needed next. An error comes after every reply that was owed was written, and is final.
    ///
    /// A call that was dropped unfinished counts as failed, and the connection closes after the failure verdict.
    pub fn step(&mut self) -> Result<Step<'_, Call<'_, M>>, Error> {
        let next = self.advance();
        self.present(next)
    }

    /// The first half of a [`step`](Self::step): what is needed next. It borrows nothing, for drivers that go from step to
    /// step in a function that cannot hold a borrow.
    pub fn advance(&mut self) -> Next {
        self.settle();
        let next = self.session.advance();
        self.end_values();
        next
    }

    /// The second half of a [`step`](Self::step), at once after the first: what belongs to it. What is to be written may be
    /// asked for again until it is.
    pub fn present(&mut self, next: Next) -> Result<Step<'_, Call<'_, M>>, Error> {
        match self.session.present(next)? {
            Step::Read => Ok(Step::Read),
            Step::Write(bytes) => Ok(Step::Write(bytes)),
            Step::Close => Ok(Step::Close),
            Step::Event(Happened { event, context }) => {
                let (state, hooks, outcome) = (&mut self.state, self.milter.hooks(), &mut self.outcome);
                Ok(Step::Event(Call { state, hooks, event, context, outcome }))
            }
        }
    }

    /// The failure of the last call, if it failed, for the operator: known as soon as the call was awaited or dropped.
    pub fn take_failure(&mut self) -> Option<Failure> {
        self.settle();
        self.failure.take().map(|failure| *failure)
    }

    /// What the last call answered, until the next step is taken. `None` also if it did not finish.
    pub const fn answer(&self) -> Option<&Answer> {
        self.outcome.as_ref()
    }

    /// Ends the conversation as the end of the stream would: an open message is aborted.
    pub fn finish(&mut self) {
        self.session.finish();
    }

    /// The session under the hooks.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Applies what became of the last call.
    #[inline]
    fn settle(&mut self) {
        if let Some(stage) = self.session.pending() {
            self.conclude(stage);
        }
    }

    fn conclude(&mut self, stage: CommandKind) {
        match self.outcome.take() {
            // The types have seen to it that the stage takes the verdict.
            Some(Answer::Verdict(verdict)) => self.session.answer_rightly(&verdict),
            Some(Answer::Silence) => {}
            Some(Answer::Failed(error)) => {
                self.failure = Some(Failure::new(stage, self.session.context(), Some(error)));
                self.session.fail();
            }
            None => {
                self.failure = Some(Failure::new(stage, self.session.context(), None));
                self.session.abandon();
            }
        }
        self.session.settle();
    }

    /// Drops the values of messages and SMTP sessions that are over, before a hook is called for the next ones.
    fn end_values(&mut self) {
        if self.session.messages_over() != self.messages_over {
            self.messages_over = self.session.messages_over();
            self.state.end_message();
        }
        if self.session.smtp_session() != self.smtp_session {
            self.smtp_session = self.session.smtp_session();
            self.state = self.milter.state();
        }
    }
}

impl<M: Application> fmt::Debug for Conversation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("session", &self.session).finish_non_exhaustive()
    }
}

/// One hook to be awaited: `call.await`. If it, or the future that it becomes, is dropped before it is done, it counts as
/// failed: one rule for a panic, a deadline and a peer that has gone.
// Plain references on purpose: with a destructor in it, no driver could match on a step.
#[must_use = "a call that is dropped counts as failed"]
pub struct Call<'a, M: Application> {
    state: &'a mut M::State,
    hooks: &'a M::Hooks,
    event: Event<'a>,
    context: &'a mut Context,
    outcome: &'a mut Option<Answer>,
}

impl<M: Application> Call<'_, M> {
    /// Which stage it is.
    pub const fn stage(&self) -> CommandKind {
        self.event.kind()
    }

    /// What the hook may look up.
    pub const fn context(&self) -> &Context {
        self.context
    }

    /// Whether the MTA waits for the end of the message: only then it may be told that we are at work.
    pub const fn takes_progress(&self) -> bool {
        matches!(self.event, Event::EndOfMessage(_))
    }
}

impl<'a, M: Application> IntoFuture for Call<'a, M> {
    type Output = ();
    type IntoFuture = Running<'a, M>;

    fn into_future(self) -> Running<'a, M> {
        Running { hook: self.hooks.dispatch(self.state, self.event, self.context), outcome: self.outcome }
    }
}

impl<M: Application> fmt::Debug for Call<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("event", &self.event).finish_non_exhaustive()
    }
}

pin_project_lite::pin_project! {
    /// A hook that runs.
    #[must_use = "a hook does nothing unless it is awaited"]
    pub struct Running<'a, M: Application> {
        #[pin]
        hook: <M::Hooks as Hooks<M::State>>::Dispatch<'a>,
        outcome: &'a mut Option<Answer>,
    }
}

impl<M: Application> Future for Running<'_, M> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.project();
        this.hook.poll(cx).map(|answer| **this.outcome = Some(answer))
    }
}

impl<M: Application> fmt::Debug for Running<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

/// A hook failed: the MTA was, or will be, given the failure verdict.
#[derive(Debug, thiserror::Error)]
#[error("the hook for {} {}", stage.name(), Reason(error.as_deref()))]
#[non_exhaustive]
pub struct Failure {
    /// The stage.
    pub stage: CommandKind,
    /// Which message of the connection it was, counted from 1; 0 before the first.
    pub message_number: u64,
    /// The queue id of the message, if the MTA had told it by then.
    pub queue_id: Option<String>,
    /// What the hook returned; `None` if it did not finish (it panicked, or took too long, or the MTA has gone).
    pub error: Option<BoxError>,
}

impl Failure {
    fn new(stage: CommandKind, context: &Context, error: Option<BoxError>) -> Box<Self> {
        let queue_id = context.macros.queue_id().map(|id| id.to_string_lossy().into_owned());
        Box::new(Self { stage, message_number: context.message_number(), queue_id, error })
    }
}

struct Reason<'a>(Option<&'a (dyn core::error::Error + Send + Sync)>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(error) => write!(f, "failed: {error}"),
            None => f.write_str("did not finish"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Milter;
    use crate::command::Mail;
    use crate::testing::now;
    use crate::verdict::{BodyVerdict, Verdict};
    use alloc::format;

    const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";

    /// Has been offered everything, and awaits commands.
    fn rejecting_mail() -> Conversation<impl Application> {
        let milter = Milter::per_message(|| ())
            .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Reject);
        let mut conversation = Conversation::new(milter, 7);
        conversation.receive(OFFER);
        assert!(matches!(conversation.step(), Ok(Step::Write(_))));
        conversation
    }

    #[test]
    fn what_a_call_answered_is_known_until_the_next_step() {
        let mut conversation = rejecting_mail();
        conversation.receive(b"\0\0\0\x05M<a>\0");
        let Ok(Step::Event(call)) = conversation.step() else { panic!("MAIL is no event") };
        assert_eq!((call.stage(), call.takes_progress()), (CommandKind::Mail, false));
        assert_eq!(call.context().connection_id(), 7);
        now(call);
        assert!(matches!(conversation.answer(), Some(Answer::Verdict(BodyVerdict::Reject))));
        assert!(matches!(conversation.step(), Ok(Step::Write(b"\0\0\0\x01r"))));
        assert!(conversation.answer().is_none());
    }

    #[test]
    fn a_silent_hook_has_not_failed_however_often_that_is_asked() {
        let silent = Milter::per_message(|| ()).on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| {});
        let mut conversation = Conversation::new(silent, 7);
        conversation.receive(OFFER);
        assert!(matches!(conversation.step(), Ok(Step::Write(_))));
        conversation.receive(b"\0\0\0\x05M<a>\0");
        let Ok(Step::Event(call)) = conversation.step() else { panic!("MAIL is no event") };
        now(call);
        assert!(conversation.take_failure().is_none());
        assert!(conversation.take_failure().is_none());
        assert!(matches!(conversation.step(), Ok(Step::Read)));
    }

    #[test]
    fn a_log_shows_the_session_and_the_event_of_a_call() {
        let mut conversation = rejecting_mail();
        assert!(format!("{conversation:?}").starts_with("Conversation { session: Session { "));
        conversation.receive(b"\0\0\0\x05M<a>\0");
        let Ok(Step::Event(call)) = conversation.step() else { panic!("MAIL is no event") };
        assert!(format!("{call:?}").starts_with("Call { event: Mail("));
        assert_eq!(format!("{:?}", call.into_future()), "Running");
    }

    #[test]
    fn a_conversation_that_is_finished_closes() {
        let mut conversation = rejecting_mail();
        assert!(matches!(conversation.step(), Ok(Step::Read)));
        conversation.finish();
        assert!(matches!(conversation.step(), Ok(Step::Close)));
    }
}
