//! Milters to run as they are, and to start from.
//!
//! Each filter is a module that knows neither a socket nor a runtime, and is tested without them; the program of its
//! name reads its options ([`cli`]) and has it served ([`run`](mod@run)).

pub mod append_header;
pub mod block_sender;
pub mod change_body;
pub mod cli;
pub mod log_all;
pub mod metrics;
pub mod octets;
pub mod probe;
pub mod run;
pub mod trial;
