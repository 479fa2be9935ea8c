//! Hooks, and the list of them that a milter is.
//!
//! A list is a type: `On<Body, F, R, On<Mail, …, NoHooks>>`. Dispatch goes down the list until a hook claims the event;
//! the future is an enum of the hooks' futures, so that nothing is boxed.

use super::answer::{Answer, IntoAnswer};
use super::stages::{ConnectionStage, Stage, stage};
use super::state::State;
use crate::context::Context;
use crate::event::Event;
use crate::stages::Stages;
use alloc::boxed::Box;
use core::fmt;
use core::future::{Future, Ready, ready};
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{self, Poll};

/// A hook: `async fn(&mut Value, Command<'_>, &mut Context) -> Answer`, as a method by its path, a free function or an
/// async closure; an `Option` of a hook; or [`With`] data.
///
/// Calling one allocates nothing. What a hook holds while it awaits is room that every connection has: a large buffer
/// belongs into a `Vec` or a `Box`.
#[diagnostic::on_unimplemented(
    message = "this is no hook for the stage `{S}`",
    label = "expected `async fn(&mut {A}, command, &mut Context) -> answer` whose future is `Send`"
)]
pub trait Hook<'a, A: 'a, S: Stage>: Send + Sync + 'static {
    /// What it returns.
    type Output: IntoAnswer<S>;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Whether it is there at all: `false` is negotiated as if it had not been declared.
    fn is_on(&self) -> bool {
        true
    }

    /// Calls it; `None` if it is not there.
    fn call(&'a self, app: &'a mut A, command: S::Command<'a>, cx: &'a mut Context) -> Option<Self::Future>;
}

impl<'a, A: 'a, S: Stage, F, Fut, R> Hook<'a, A, S> for F
where
    F: Fn(&'a mut A, S::Command<'a>, &'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'a,
    R: IntoAnswer<S>,
{
    type Output = R;
    type Future = Fut;

    fn call(&'a self, app: &'a mut A, command: S::Command<'a>, cx: &'a mut Context) -> Option<Fut> {
        Some(self(app, command, cx))
    }
}

/// Presence that is known at run time: `.on_body(config.scan.then_some(Filter::body))`.
impl<'a, A: 'a, S: Stage, H: Hook<'a, A, S>> Hook<'a, A, S> for Option<H> {
    type Output = H::Output;
    type Future = H::Future;

    fn is_on(&self) -> bool {
        self.as_ref().is_some_and(H::is_on)
    }

    fn call(&'a self, app: &'a mut A, command: S::Command<'a>, cx: &'a mut Context) -> Option<H::Future> {
        self.as_ref().and_then(|hook| hook.call(app, command, cx))
    }
}

/// A hook with data of its own, since an async closure that is a hook cannot capture:
/// `With(db, async |db: &Arc<Db>, app: &mut App, mail: Mail<'_>, cx: &mut Context| …)`.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)] // a pair
pub struct With<D, F>(pub D, pub F);

impl<'a, A: 'a, S: Stage, D, F, Fut, R> Hook<'a, A, S> for With<D, F>
where
    D: Send + Sync + 'static,
    F: Fn(&'a D, &'a mut A, S::Command<'a>, &'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'a,
    R: IntoAnswer<S>,
{
    type Output = R;
    type Future = Fut;

    fn call(&'a self, app: &'a mut A, command: S::Command<'a>, cx: &'a mut Context) -> Option<Fut> {
        let Self(data, hook) = self;
        Some(hook(data, app, command, cx))
    }
}

/// A list of hooks.
pub trait Hooks<St: State>: Send + Sync + 'static {
    /// What the hooks become while one of them runs.
    type Dispatch<'a>: Future<Output = Answer> + Send;

    /// Tells which stages have a hook, which of these are silent, and which can skip.
    #[doc(hidden)]
    fn declare(&self, declaration: &mut Declaration);

    /// Calls the hook for an event.
    #[doc(hidden)]
    fn dispatch<'a>(&'a self, state: &'a mut St, event: Event<'a>, cx: &'a mut Context)
    -> Self::Dispatch<'a>;
}

/// What a list of hooks declares.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Declaration {
    pub(super) answered: Stages,
    pub(super) silent: Stages,
    pub(super) skips: bool,
}

/// No hook.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoHooks;

impl<St: State> Hooks<St> for NoHooks {
    type Dispatch<'a> = Ready<Answer>;

    fn declare(&self, _: &mut Declaration) {}

    fn dispatch<'a>(&'a self, _: &'a mut St, _: Event<'a>, _: &'a mut Context) -> Ready<Answer> {
        ready(Answer::Silence)
    }
}

/// A hook before the rest of the list.
pub struct On<S, H, R, Rest> {
    pub(super) hook: H,
    pub(super) rest: Rest,
    pub(super) stage: PhantomData<fn(S) -> R>,
}

impl<St, S, H, R, Rest> Hooks<St> for On<S, H, R, Rest>
where
    St: State,
    S: Stage,
    H: for<'a> Hook<'a, S::Scope<St>, S, Output = R>,
    R: IntoAnswer<S> + 'static,
    Rest: Hooks<St>,
{
    type Dispatch<'a> = Dispatch<S, <H as Hook<'a, S::Scope<St>, S>>::Future, Rest::Dispatch<'a>>;

    fn declare(&self, declaration: &mut Declaration) {
        if self.hook.is_on() {
            let stages = if R::SILENT { &mut declaration.silent } else { &mut declaration.answered };
            stages.insert(Stages::of(S::COMMAND));
            declaration.skips |= R::SKIPS;
        }
        self.rest.declare(declaration);
    }

    fn dispatch<'a>(
        &'a self,
        state: &'a mut St,
        event: Event<'a>,
        cx: &'a mut Context,
    ) -> Self::Dispatch<'a> {
        let stage = PhantomData;
        match S::claim(event) {
            Some(command) => match self.hook.call(S::scope(state), command, cx) {
                Some(hook) => Dispatch::Here { hook, stage },
                None => Dispatch::Off,
            },
            None => Dispatch::Rest { rest: self.rest.dispatch(state, event, cx) },
        }
    }
}

impl<S, H, R, Rest: fmt::Debug> fmt::Debug for On<S, H, R, Rest> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "On<{}> {:?}", core::any::type_name::<S>(), self.rest)
    }
}

pin_project_lite::pin_project! {
    /// The future of one hook of a list: the event is claimed at once, so nothing is carried along.
    #[project = DispatchProjection]
    #[allow(missing_docs)]
    #[derive(Debug)]
    #[must_use = "a hook does nothing unless it is awaited"]
    pub enum Dispatch<S, H, Rest> {
        Here { #[pin] hook: H, stage: PhantomData<fn(S)> },
        Rest { #[pin] rest: Rest },
        Off,
    }
}

impl<S, H, Rest> Future for Dispatch<S, H, Rest>
where
    S: Stage,
    H: Future<Output: IntoAnswer<S>>,
    Rest: Future<Output = Answer>,
{
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Answer> {
        match self.project() {
            DispatchProjection::Here { hook, .. } => hook.poll(cx).map(IntoAnswer::into_answer),
            DispatchProjection::Rest { rest } => rest.poll(cx),
            DispatchProjection::Off => Poll::Ready(Answer::Silence),
        }
    }
}

/// A list of hooks whose type is erased, for programs whose set of hooks is data. A call costs a box.
pub struct BoxHooks<St>(Box<dyn DynHooks<St>>);

impl<St: State> BoxHooks<St> {
    pub(super) fn new(hooks: impl Hooks<St>) -> Self {
        Self(Box::new(hooks))
    }
}

impl<St: State> Hooks<St> for BoxHooks<St> {
    type Dispatch<'a> = BoxFuture<'a>;

    fn declare(&self, declaration: &mut Declaration) {
        self.0.dyn_declare(declaration);
    }

    fn dispatch<'a>(&'a self, state: &'a mut St, event: Event<'a>, cx: &'a mut Context) -> BoxFuture<'a> {
        self.0.dyn_dispatch(state, event, cx)
    }
}

impl<St> fmt::Debug for BoxHooks<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxHooks")
    }
}

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

trait DynHooks<St>: Send + Sync {
    fn dyn_declare(&self, declaration: &mut Declaration);
    fn dyn_dispatch<'a>(&'a self, state: &'a mut St, event: Event<'a>, cx: &'a mut Context) -> BoxFuture<'a>;
}

impl<St: State, H: Hooks<St>> DynHooks<St> for H {
    fn dyn_declare(&self, declaration: &mut Declaration) {
        self.declare(declaration);
    }

    fn dyn_dispatch<'a>(&'a self, state: &'a mut St, event: Event<'a>, cx: &'a mut Context) -> BoxFuture<'a> {
        Box::pin(self.dispatch(state, event, cx))
    }
}

/// A list that has no hook for the stage `S` yet: what makes a second hook for a stage an error that `cargo check` sees.
pub trait Without<S> {}

impl<S> Without<S> for NoHooks {}
impl<S, St> Without<S> for BoxHooks<St> {}
impl<S, T: Differs<S>, H, R, Rest: Without<S>> Without<S> for On<T, H, R, Rest> {}

/// A list of hooks that are all outside of messages: what [`Milter::message`](super::Milter::message) may come after.
#[diagnostic::on_unimplemented(
    message = "`.message(…)` comes after hooks that may be for messages",
    note = "declare the hooks for the stages of a message, and call `.boxed()`, after `.message(…)`"
)]
pub trait ConnectionHooks {}

impl ConnectionHooks for NoHooks {}
impl<S: ConnectionStage, H, R, Rest: ConnectionHooks> ConnectionHooks for On<S, H, R, Rest> {}

/// Two stages that are not the same one.
#[diagnostic::on_unimplemented(
    message = "a second hook for the stage `{S}`",
    label = "this stage has a hook already"
)]
pub trait Differs<S> {}

macro_rules! differ {
    ($($S:ident)*) => { differ!(@ [$($S)*] [$($S)*]); };
    (@ [] $all:tt) => {};
    (@ [$A:ident $($rest:ident)*] $all:tt) => {
        $(
            impl Differs<stage::$A> for stage::$rest {}
            impl Differs<stage::$rest> for stage::$A {}
        )*
        differ!(@ [$($rest)*] $all);
    };
}

differ! { Connect Helo Mail Rcpt Data Header EndOfHeaders Body EndOfMessage Abort Quit Unknown }

#[cfg(test)]
mod tests {
    use crate::app::{Application, Milter};
    use crate::command::{Data, Mail};
    use crate::context::Context;
    use alloc::format;

    #[test]
    fn a_list_of_hooks_is_shown_by_its_stages_unless_they_were_erased() {
        let milter = Milter::per_message(|| ())
            .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| {})
            .on_data(async |_: &mut (), _: Data, _: &mut Context| {});
        let shown = format!("{:?}", milter.hooks());
        assert!(shown.contains("::Data> On<") && shown.ends_with("::Mail> NoHooks"), "{shown}");
        assert_eq!(format!("{:?}", milter.boxed().hooks()), "BoxHooks");
    }
}
