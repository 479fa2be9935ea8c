//! Asks a running milter about a message, as a mail server would.

use std::process::ExitCode;

use clap::Parser;
use milter_examples::probe::{AFTER_HELP, Options, probe};

/// Asks a running milter about a message, as a mail server would.
///
/// Prints what was negotiated, what the filter was asked at each stage, what it answered and how long that took, and the
/// message as it would be delivered.
#[derive(Debug, Parser)]
#[command(name = "milter-probe", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    probe(&Arguments::parse().options)
}
