//! Serves a filter until a signal ends it.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use milter_proto::Application;

use crate::cli::Common;

/// Serves a filter as the options say, until SIGTERM or SIGINT.
pub fn run(options: &Common, milter: impl Application) -> ExitCode {
    log_to_stderr(options);
    match on_tokio(options, milter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error),
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

fn on_tokio(options: &Common, milter: impl Application) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
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
