//! What the benchmarks are fed with, and the filters that they serve.

mod filters;
mod recording;

pub use filters::{replied, silent};
pub use recording::Recording;
