//! Restarts a filter again and again while a Postfix of its own sends mail through it:
//!
//! ```text
//! cargo run --release -p milter-tests --bin restarts -- --messages 10000 --every 10 --runtime tokio --signal TERM
//! ```
//!
//! Run it as root, as all tests with Postfix. The exit status is 1 if a message was lost, repeated or not filtered, or, with
//! SIGTERM, broken off.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use milter_examples::cli::Common;
use milter_examples::run::run;
use milter_proto::{Actions, Application, Context, EndOfMessage, Mail, Milter, ModificationError, Verdict};
use milter_tests::{Adapter, MARK, Restarts, Signal, Transport};

/// Restarts a filter again and again while Postfix sends mail through it.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    /// How many messages to send at least
    #[arg(long, default_value_t = 10_000)]
    messages: usize,

    /// How many seconds the filter runs each time
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    every: f64,

    /// What the filter runs on: tokio, async-std or smol
    #[arg(long, default_value = "tokio", value_parser = adapter)]
    runtime: Adapter,

    /// How Postfix speaks to it
    #[arg(long, default_value = "unix")]
    socket: Socket,

    /// What ends it
    #[arg(long, default_value = "term", ignore_case = true)]
    signal: Ending,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Socket {
    Unix,
    Tcp,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ending {
    Term,
    Kill,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Is the filter that is restarted
    Filter(Common),
}

fn adapter(name: &str) -> Result<Adapter, String> {
    let known = Adapter::ALL.into_iter().find(|adapter| adapter.name() == name);
    known.ok_or_else(|| "expected tokio, async-std or smol".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    match &options.role {
        Some(Role::Filter(common)) => run(common, marking()),
        None => trial(&options).unwrap_or_else(|error| {
            eprintln!("restarts: {error}");
            ExitCode::FAILURE
        }),
    }
}

fn trial(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let signal = match options.signal {
        Ending::Term => Signal::SIGTERM,
        Ending::Kill => Signal::SIGKILL,
    };
    let restarts = Restarts {
        filter: std::env::current_exe()?,
        arguments: vec!["filter".to_owned()],
        adapter: options.runtime,
        transport: match options.socket {
            Socket::Unix => Transport::Unix,
            Socket::Tcp => Transport::Tcp,
        },
        signal,
        messages: options.messages,
        every: Duration::try_from_secs_f64(options.every)?,
    };
    let report = restarts.run();
    let (runtime, socket, ending) = (options.runtime, options.socket, options.signal);
    print!("{runtime}, {socket:?}, {ending:?} every {} s: {report}", options.every);
    Ok(if report.is_good(signal) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Answers MAIL, so that a message is in progress from there on, and says at its end what it saw there.
fn marking() -> impl Application {
    Milter::per_message(Seen::default)
        .actions(Actions::ADD_HEADERS)
        .on_mail(Seen::mail)
        .on_end_of_message(Seen::end_of_message)
}

#[derive(Default)]
struct Seen {
    sender: String,
}

impl Seen {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        self.sender = mail.sender().to_string_lossy().into_owned();
        Verdict::Continue
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.add_header(MARK, &*self.sender)?;
        Ok(Verdict::Continue)
    }
}
