//! What is measured, and with what: see ../README.md.

mod baseline;
mod case;
mod codec;
mod counts;
mod filters;
mod naive;
mod recording;
mod seen;
mod session;
mod steps;
pub mod time;

pub use baseline::{Baseline, Change, tools};
pub use case::{Case, Group};
pub use counts::{COUNTED, CountAllocations, CountError, Counts, run_for_valgrind};
pub use filters::{looking_up, replied, silent};
pub use recording::Recording;
pub use seen::Seen;
pub use steps::{Row as StepsRow, table as steps_table};
