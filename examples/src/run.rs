//! Serves a filter until a signal ends it, or tries it on a message.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use milter_proto::Application;
use milter_tokio::Timeouts;
use tokio::runtime::Builder;

use crate::cli::{Common, Output};
use crate::trial::{Plan, Report, run_in_memory};

/// Serves a filter as the options say, until SIGTERM or SIGINT, or tries it on a message.
pub fn run(options: &Common, milter: impl Application) -> ExitCode {
    log_to_stderr(options);
    let done = match options.trial().plan() {
        None => serve(options, milter).map(|()| ExitCode::SUCCESS),
        Some(Ok(plan)) => try_on(&plan, milter).and_then(|report| {
            print(&report, options.trial().output(), false)?;
            Ok(report.verdict.exit_code())
        }),
        Some(Err(error)) => Err(error.into()),
    };
    done.unwrap_or_else(fail)
}

/// Prints what came out of a trial.
pub fn print(report: &Report, output: Output, is_timed: bool) -> io::Result<()> {
    let text = match output {
        Output::Json => report.to_json()? + "\n",
        Output::Text if is_timed => report.to_timed_text().to_string(),
        Output::Text => report.to_text().to_string(),
    };
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough: `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Says on stderr why the program cannot do its work.
pub fn fail(error: impl Display) -> ExitCode {
    // If nobody reads stderr, the exit status says it alone.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

fn log_to_stderr(options: &Common) {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(options.log_level())
        .with_target(false)
        .with_ansi(false)
        // What it would say about a broken stderr it would say there, and panic.
        .log_internal_errors(false)
        .finish();
    // Fails only if somebody else has begun to log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn try_on(plan: &Plan, milter: impl Application) -> Result<Report, Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run_in_memory(plan, milter, Timeouts::default()));
    // A hook that blocks its thread is not waited for.
    runtime.shutdown_background();
    Ok(report)
}

fn serve(options: &Common, milter: impl Application) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut server = milter_tokio::Server::new(milter);
        for endpoint in options.endpoints() {
            server = server.listen(endpoint.to_string())?;
        }
        let endpoints = server.endpoints()?;
        // The server first: whoever reads that we listen may send a signal at once, which has to be caught by then.
        let (served, ()) = tokio::join!(biased; server.run(), async {
            for endpoint in endpoints {
                tracing::info!("listening on {endpoint}");
            }
        });
        Ok(served?)
    })
}
