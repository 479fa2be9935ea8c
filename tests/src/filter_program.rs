//! A program that serves a filter, and the mail server that asks it.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::{MailServer, MilterSocket, Runnable, Signal, Sink, Software, runnable};

const TIMEOUT: Duration = Duration::from_secs(60);

/// The kind of socket that the mail server and the filter speak over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "never published; tests match it")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// A unix socket.
    Unix,
}

/// A program that serves a filter, as those of `milter-examples` do, and may be restarted.
#[derive(Debug)]
pub struct FilterProgram {
    process: Runnable,
    program: PathBuf,
    arguments: Vec<String>,
    /// Where it listens, as Postfix writes it.
    spec: String,
    /// Removed with this value.
    _socket: Option<MilterSocket>,
}

impl FilterProgram {
    /// Starts a program of `milter-examples`; it listens when this returns.
    ///
    /// # Panics
    ///
    /// If it does not listen soon.
    #[track_caller]
    pub fn start(transport: Transport, name: &str, arguments: &[&str]) -> Self {
        Self::start_program(transport, runnable(name), arguments)
    }

    /// [`start`](Self::start) for a program that takes the same options.
    ///
    /// # Panics
    ///
    /// If it does not listen soon.
    #[track_caller]
    pub fn start_program(transport: Transport, program: PathBuf, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let socket = matches!(transport, Transport::Unix).then(MilterSocket::new);
        let wanted = socket.as_ref().map_or_else(|| "inet:127.0.0.1:0".to_owned(), MilterSocket::spec);
        let (process, spec) = start(&program, &arguments, &wanted);
        Self { process, program, arguments, spec, _socket: socket }
    }

    /// The process.
    pub const fn process(&self) -> &Runnable {
        &self.process
    }

    /// Where it listens, as Postfix writes it.
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// Sends a signal that ends it, and waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end soon.
    #[track_caller]
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.process.signal(signal);
        self.process.wait(TIMEOUT)
    }

    /// Starts it again where it listened, after it has ended.
    ///
    /// # Panics
    ///
    /// If it does not listen there again.
    #[track_caller]
    pub fn restart(&mut self) {
        let (process, spec) = start(&self.program, &self.arguments, &self.spec);
        assert_eq!(spec, self.spec);
        self.process = process;
    }

    /// A mail server that asks this filter and delivers to `sink`.
    #[track_caller]
    pub fn behind(&self, software: Software, sink: &Sink) -> Box<MailServer> {
        software.start(&self.spec, sink)
    }
}

#[track_caller]
fn start(program: &PathBuf, arguments: &[String], wanted: &str) -> (Runnable, String) {
    const LISTENING: &str = "listening on ";
    let mut command = Command::new(program);
    // Postfix connects as a user of its own.
    command.args(arguments).args(["--listen", wanted, "--socket-mode", "666"]).env_clear();
    let process = Runnable::start(&mut command);
    let line = process.wait_for_line(LISTENING, TIMEOUT);
    let (_, spec) = line.split_once(LISTENING).unwrap_or_default();
    let spec = spec.to_owned();
    (process, spec)
}
