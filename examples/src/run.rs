//! Serves a filter until a signal ends it, or tries it on a message.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::task::Poll;

use milter_proto::{Application, BoxError};
use milter_tokio::Timeouts;
use tokio::runtime::Builder;

use crate::cli::{Common, Output, Runtime};
use crate::metrics::Metrics;
use crate::trial::{Plan, Report, run_in_memory};

/// Serves a filter as the options say, until SIGTERM or SIGINT, or tries it on a message.
pub fn run(options: &Common, milter: impl Application) -> ExitCode {
    log_to_stderr(options);
    conclude(options, milter, None)
}

/// [`run`] for a filter with something to read, which is read again at SIGHUP.
pub fn run_reloading<M, E>(
    options: &Common,
    mut build: impl FnMut() -> Result<M, E> + Send + 'static,
) -> ExitCode
where
    M: Application,
    E: Into<BoxError>,
{
    log_to_stderr(options);
    let mut build = move || build().map_err(Into::into);
    match build() {
        Ok(milter) => conclude(options, milter, Some(Box::new(build))),
        Err(error) => fail(error),
    }
}

/// Makes the filter anew.
type Build<M> = Box<dyn FnMut() -> Result<M, BoxError> + Send>;

fn conclude<M: Application>(options: &Common, milter: M, build: Option<Build<M>>) -> ExitCode {
    let done = match options.trial().plan() {
        None => serve_on_runtime(options, milter, build).map(|()| ExitCode::SUCCESS),
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

fn serve_on_runtime<M: Application>(
    options: &Common,
    milter: M,
    build: Option<Build<M>>,
) -> Result<(), Box<dyn Error>> {
    match options.runtime() {
        Runtime::Tokio => {
            let runtime = Builder::new_multi_thread().enable_all().build()?;
            let served = runtime.block_on(serve::<milter_tokio::Tokio, M>(options, milter, build));
            // A hook that blocks its thread is not waited for.
            runtime.shutdown_background();
            served
        }
        Runtime::AsyncStd => {
            async_std::task::block_on(serve::<milter_async_std::AsyncStd, M>(options, milter, build))
        }
        Runtime::Smol => smol::block_on(serve::<milter_smol::Smol, M>(options, milter, build)),
    }
}

async fn serve<R: milter_server::Runtime, M: Application>(
    options: &Common,
    milter: M,
    build: Option<Build<M>>,
) -> Result<(), Box<dyn Error>> {
    let mut server = milter_server::Server::<M, R>::new(milter).drain_timeout(options.drain_timeout());
    if let Some(build) = build {
        server = server.on_reload(build);
    }
    if let Some(connections) = options.max_connections() {
        server = server.max_connections(connections);
    }
    if let Some((host, port)) = options.metrics_listen() {
        let (metrics, address) = Metrics::listen(host, port)
            .map_err(|error| format!("cannot show metrics on {host}:{port}: {error}"))?;
        tracing::info!("metrics at http://{address}/metrics");
        server = server.observer(metrics);
    }
    for endpoint in options.endpoints() {
        server = server.listen_with(endpoint.to_string(), &options.socket_access())?;
    }
    let endpoints = server.endpoints()?;
    let mut serving = pin!(server.run());
    // The server first: whoever reads that we listen may send a signal at once, which has to be caught by then.
    if let Poll::Ready(ended) = poll_fn(|cx| Poll::Ready(serving.as_mut().poll(cx))).await {
        return Ok(ended?);
    }
    for endpoint in endpoints {
        tracing::info!("listening on {endpoint}");
    }
    Ok(serving.await?)
}
