//! Asks a running filter as an MTA would: once, many times, or as a recorded session did.

mod guess;
mod load;
mod options;
mod record;
mod replay;
mod tap;

pub use options::Options;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use milter_tokio::open;
use tokio::runtime::Builder;

use crate::cli::Output;
use crate::run::{fail, print};
use crate::trial::{Plan, Report, read, run};
use options::Target;
use tap::Tap;

/// What `--help` says at its end.
pub const AFTER_HELP: &str = "\
Exit status: 0 if the message would be accepted (modified, discarded and put on hold as well), 3 if it would be rejected, \
4 if it would fail temporarily, 5 if the filter cannot be reached, is no milter, breaks the protocol or does not answer in \
time, 1 if the message or another file cannot be read or written, 2 for wrong options. With --replay: 0 if the filter \
answers as recorded, 6 if it does not. With --repeat: that of the worst.";

/// Does what the options say.
pub fn probe(options: &Options) -> ExitCode {
    let done = match options.replay() {
        Some(session) => replay::replay(options, session),
        None => read(options.message()).map_err(Into::into).and_then(|message| {
            let plan = options.plan(message);
            if options.is_load() { load::load(options, &plan) } else { once(options, &plan) }
        }),
    };
    done.unwrap_or_else(fail)
}

fn once(options: &Options, plan: &Plan) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (tap, log) = Tap::new(options.record().is_some());
    let report = runtime.block_on(ask(&options.target(), plan, tap, |connected| {
        if options.output() == Output::Text {
            // If nobody reads stdout, the exit status says it alone.
            let _ = writeln!(io::stdout(), "connected: {} in {connected:.3} ms", options.endpoint());
        }
    }));
    if let Some(file) = options.record() {
        let session = record::session(&log.take(), options);
        write(file, &session)?;
    }
    print(&report, options.output(), true)?;
    Ok(report.verdict.exit_code())
}

/// Connects and tries the filter; an error is explained by what came.
async fn ask(target: &Target, plan: &Plan, tap: Tap<()>, connected: impl FnOnce(f64)) -> Report {
    let begun = Instant::now();
    match open(&target.endpoint, target.timeouts.connect).await {
        Ok(stream) => {
            connected(begun.elapsed().as_secs_f64() * 1000.0);
            let log = tap.log();
            let mut report = run(tap.over(stream), plan, target.offer, target.timeouts).await;
            if let Some(failure) = report.failure.as_mut().filter(|failure| failure.stage == "negotiation") {
                if let Some(guess) = guess::guess(&log.head()) {
                    failure.error = format!("this is no milter, but looks like {guess} ({})", failure.error);
                }
            }
            report
        }
        Err(error) => Report::unreachable(plan, error),
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
