//! Logs everything that an MTA tells a filter.

use std::process::ExitCode;

use clap::Parser;
use milter_examples::cli::{AFTER_HELP, Common};
use milter_examples::log_all::{Format, Log, milter};
use milter_examples::run::run;

/// Logs every event of every SMTP session on stdout, a line each, and changes nothing.
///
/// A line has the event, the number of the connection, that of the message on it, the macros and all data of the event.
#[derive(Debug, Parser)]
#[command(name = "log-all", version, after_help = AFTER_HELP)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// How to write an event
    #[arg(
        long,
        value_name = "FORMAT",
        env = "MILTER_LOG_FORMAT",
        default_value = "text",
        ignore_case = true
    )]
    log_format: Format,
}

fn main() -> ExitCode {
    let options = Options::parse();
    run(&options.common, milter(Log::stdout(options.log_format)))
}
