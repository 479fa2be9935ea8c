//! What would become of a message with a filter at an MTA's side: asked as an MTA would ask, shown stage by stage.
//!
//! A [`Plan`] says what the MTA is given: a message, its envelope, the SMTP client. [`run`] asks a filter over any stream,
//! [`run_in_memory`] one in this process; both end in a [`Report`], whatever happens on the way.
//!
//! What the MTA itself would do with a message is done only as far as filters see it: line ends become CR LF, and its
//! own `Received` stands on top, because insertions by index count it.

mod attempt;
mod client;
mod diff;
mod exchange;
mod input;
mod macros;
mod modification;
mod plan;
mod report;
mod text;
mod words;

pub use attempt::{run, run_in_memory};
pub use client::{ParseClientError, SmtpClient};
pub use diff::Diff;
pub use input::{InputError, MAX_OCTETS, read};
pub use modification::{Kept, Made};
pub use plan::{Plan, envelope_address, helo_name};
pub use report::{Answer, Failure, Flags, MessageAfter, MessageBefore, Negotiation, Report, Stage, Verdict};
pub use text::AsText;
