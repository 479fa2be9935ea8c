//! What the private mail servers have in common: a directory, a port, a log, a beginning and an end.

mod daemon;

use std::fmt::Debug;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::poll::poll;
use daemon::{Daemon, NotStarted};

/// How often another port is tried when somebody took the free one before the server did.
const PORT_ATTEMPTS: usize = 10;

/// What makes a mail server this one and no other.
pub(crate) trait Software: Debug {
    /// What it is called in messages.
    const NAME: &'static str;
    /// What it writes into its log once all its sockets listen.
    const READY: &'static str;

    /// Makes the directory of one instance, with all directories in it.
    fn make_directory(&self) -> TempDir;

    /// Writes all files of an instance in the directory `base` that is to listen at `address`.
    fn configure(&self, base: &Path, address: SocketAddr);

    /// What starts the main process of that instance, in the foreground, leading a process group of its own, and
    /// logging to [`log_file`].
    fn command(&self, base: &Path) -> Command;
}

/// A mail server that runs on a free port of 127.0.0.1 until this value is dropped, or until the test process dies.
#[derive(Debug)]
pub(crate) struct MailServer<S: Software> {
    // Declared first: the processes have to be gone before their directory is.
    daemon: Option<Daemon>,
    software: S,
    directory: TempDir,
    address: SocketAddr,
}

impl<S: Software> MailServer<S> {
    #[track_caller]
    pub(crate) fn start(software: S) -> Self {
        let directory = software.make_directory();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self { daemon: None, software, directory, address };
        for _ in 0..PORT_ATTEMPTS {
            server.address = free_port();
            match server.run() {
                Ok(()) => return server,
                Err(NotStarted::PortInUse) => {}
                Err(NotStarted::Failed) => panic!("{} does not start:\n{}", S::NAME, server.log()),
            }
        }
        panic!("{} found no free port in {PORT_ATTEMPTS} attempts:\n{}", S::NAME, server.log());
    }

    fn run(&mut self) -> Result<(), NotStarted> {
        let base = self.directory.path();
        self.software.configure(base, self.address);
        self.daemon = Some(Daemon::start(self.software.command(base), base, &log_file(base), S::READY)?);
        Ok(())
    }

    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop();
        // An outgoing connection of somebody else may hold the port for a moment.
        for _ in 0..PORT_ATTEMPTS {
            match self.run() {
                Ok(()) => return,
                Err(NotStarted::PortInUse) => thread::sleep(Duration::from_millis(200)),
                Err(NotStarted::Failed) => break,
            }
        }
        panic!("{} does not start again:\n{}", S::NAME, self.log());
    }

    pub(crate) fn stop(&mut self) {
        self.daemon = None;
    }

    /// For changes, which the next [`restart`](Self::restart) puts into effect.
    pub(crate) fn software_mut(&mut self) -> &mut S {
        &mut self.software
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory of this instance.
    pub(crate) fn base(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(log_file(self.base())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, part: &str, timeout: Duration) -> String {
        let found = poll(timeout, || self.log().lines().find(|line| line.contains(part)).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no log line with {part:?} within {timeout:?}:\n{}", self.log()))
    }

    #[track_caller]
    pub(crate) fn wait_for_log_lines(&self, part: &str, count: usize, timeout: Duration) -> Vec<String> {
        let lines = || self.log().lines().filter(|line| line.contains(part)).map(str::to_owned).collect();
        let found = poll(timeout, || Some(lines()).filter(|lines: &Vec<String>| lines.len() >= count));
        found.unwrap_or_else(|| {
            panic!("fewer than {count} log lines with {part:?} within {timeout:?}:\n{}", self.log())
        })
    }
}

impl<S: Software> Drop for MailServer<S> {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- log of {} at {}:\n{}", S::NAME, self.address, self.log());
        }
    }
}

/// Where an instance logs to.
pub(crate) fn log_file(base: &Path) -> PathBuf {
    base.join("log")
}

/// A port that the kernel says is free. It may be taken by the time the server wants it, hence the retries.
fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port on 127.0.0.1: {error}"))
}
