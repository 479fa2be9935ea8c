//! Our library and libmilter live the same mutated sessions, and the differences are counted by their reasons:
//! `cargo run --release -p milter-tests --bin differential -- --sessions 100000 --seed 1`.
//!
//! Fails if there is a difference that is not listed in `tests/src/differential/listed.rs`.

use std::process::ExitCode;

use clap::Parser;
use milter_tests::differential;

/// Our library and libmilter live the same mutated sessions; differences are counted by their reasons.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many sessions
    #[arg(long, default_value = "100000")]
    sessions: u64,
    /// What the sessions follow from
    #[arg(long, default_value = "1")]
    seed: u64,
    /// The number of the first session
    #[arg(long, default_value = "0")]
    first: u64,
}

fn main() -> ExitCode {
    let Arguments { sessions, seed, first } = Arguments::parse();
    let report = differential::run(seed, first..first.saturating_add(sessions));
    print!("{report}");
    if report.unlisted().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
