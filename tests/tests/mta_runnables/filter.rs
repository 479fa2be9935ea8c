//! A program under test, and the mail server that asks it.

use std::process::Command;

use milter_tests::{MailServer, MilterSocket, Runnable, Sink, Software, runnable};

use super::TIMEOUT;

/// The kind of socket that the mail server and the filter speak over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    Tcp,
    Unix,
}

/// A program that serves a filter.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) process: Runnable,
    name: &'static str,
    arguments: Vec<String>,
    /// Where it listens, as Postfix writes it.
    spec: String,
    socket: Option<MilterSocket>,
}

impl Filter {
    /// Starts a program; it listens when this returns.
    pub(crate) fn start(transport: Transport, name: &'static str, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let socket = matches!(transport, Transport::Unix).then(MilterSocket::new);
        let wanted = socket.as_ref().map_or_else(|| "inet:127.0.0.1:0".to_owned(), MilterSocket::spec);
        let (process, spec) = start(name, &arguments, &wanted, socket.as_ref());
        Self { process, name, arguments, spec, socket }
    }

    /// Starts it again where it listened.
    pub(crate) fn restart(&mut self) {
        let (process, spec) = start(self.name, &self.arguments, &self.spec, self.socket.as_ref());
        assert_eq!(spec, self.spec);
        self.process = process;
    }

    /// A mail server that asks this filter and delivers to `sink`.
    pub(crate) fn behind(&self, software: Software, sink: &Sink) -> Box<MailServer> {
        software.start(&self.spec, sink)
    }
}

fn start(
    name: &'static str,
    arguments: &[String],
    wanted: &str,
    socket: Option<&MilterSocket>,
) -> (Runnable, String) {
    const LISTENING: &str = "listening on ";
    let mut command = Command::new(runnable(name));
    let process = Runnable::start(command.args(["--listen", wanted]).args(arguments).env_clear());
    let line = process.wait_for_line(LISTENING, TIMEOUT);
    if let Some(socket) = socket {
        socket.allow_everybody(TIMEOUT);
    }
    let (_, spec) = line.split_once(LISTENING).unwrap();
    (process, spec.to_owned())
}
