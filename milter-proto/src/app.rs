//! Applications: filters as declared hooks.
//!
//! The declaration is the hook: its presence switches a stage on, its return type says whether the MTA waits for an
//! answer. So what is negotiated and what the filter does cannot disagree.

mod answer;
mod application;
mod conversation;
mod hook;
mod milter;
mod stages;
mod state;

pub use answer::{Answer, BoxError, IntoAnswer};
pub use application::Application;
pub use conversation::{Call, Conversation, Failure, Running};
pub use hook::{BoxHooks, ConnectionHooks, Hook, Hooks, NoHooks, On, With, Without};
pub use milter::Milter;
pub use stages::{Answered, ConnectionStage, MessageStage, RequestsMacros, Silenceable, Stage, stage};
pub use state::{ConnectionAndMessage, PerConnection, PerMessage, State};
