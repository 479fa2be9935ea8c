//! What a hook may return.

use super::stages::{Answered, MessageStage, Silenceable, Stage, stage};
use crate::response::SmtpReply;
use crate::verdict::{BodyVerdict, MessageVerdict, Verdict};
use alloc::boxed::Box;

/// An error of a hook.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// What became of a hook's answer. [`IntoAnswer`] makes it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing was said, as agreed.
    Silence,
    /// A verdict.
    Verdict(BodyVerdict),
    /// The hook failed.
    Failed(BoxError),
}

/// What a hook for the stage `S` may return.
///
/// `()` where the stage can be silent (then the MTA does not wait), a verdict that the stage takes, or a `Result` of
/// either; an `Err` gives the [failure verdict](crate::Milter::on_failure). From a silent hook it is kept for the next
/// stage of the message that is answered, its end at the latest; until then only an abort is told to the filter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer to the stage `{S}`",
    note = "a hook returns `()`, `Verdict`, `MessageVerdict`, `BodyVerdict`, or a `Result` of one of them"
)]
pub trait IntoAnswer<S> {
    /// Whether it never says anything: negotiated as "no reply".
    const SILENT: bool;
    /// Whether it can skip: then the ability is asked for.
    const SKIPS: bool;

    /// The answer.
    fn into_answer(self) -> Answer;
}

impl<S: Silenceable> IntoAnswer<S> for () {
    const SILENT: bool = true;
    const SKIPS: bool = false;

    fn into_answer(self) -> Answer {
        Answer::Silence
    }
}

impl<S: Answered> IntoAnswer<S> for Verdict {
    const SILENT: bool = false;
    const SKIPS: bool = false;

    fn into_answer(self) -> Answer {
        Answer::Verdict(self.into())
    }
}

/// A hook that always fails the command, or says so by a `Result`.
impl<S: Answered> IntoAnswer<S> for SmtpReply {
    const SILENT: bool = false;
    const SKIPS: bool = false;

    fn into_answer(self) -> Answer {
        Answer::Verdict(self.into())
    }
}

impl<S: MessageStage> IntoAnswer<S> for MessageVerdict {
    const SILENT: bool = false;
    const SKIPS: bool = false;

    fn into_answer(self) -> Answer {
        Answer::Verdict(self.into())
    }
}

impl IntoAnswer<stage::Body> for BodyVerdict {
    const SILENT: bool = false;
    const SKIPS: bool = true;

    fn into_answer(self) -> Answer {
        Answer::Verdict(self)
    }
}

impl<S: Stage, R: IntoAnswer<S>, E: Into<BoxError>> IntoAnswer<S> for Result<R, E> {
    const SILENT: bool = R::SILENT;
    const SKIPS: bool = R::SKIPS;

    fn into_answer(self) -> Answer {
        match self {
            Ok(answer) => answer.into_answer(),
            Err(error) => Answer::Failed(error.into()),
        }
    }
}
