//! What the private mail servers have in common: a directory, a port, a log, a beginning and an end.

mod builder;
mod daemon;
mod software;

pub use builder::Builder;
pub use software::{Setup, Software};

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::poll::poll;
use daemon::{Daemon, NotStarted};

/// How often another port is tried when somebody took the free one before the server did.
const PORT_ATTEMPTS: usize = 10;

/// A mail server of its own: configuration, queue and log are in a temporary directory, and it listens on a free port
/// of 127.0.0.1 only. That of the system is not touched.
///
/// It stops when this value is dropped, or when the test process dies. A test that fails shows its log.
///
/// [`Postfix`](crate::Postfix) and [`Sendmail`](crate::Sendmail) are the two there are; a `Box<MailServer>` is either.
#[derive(Debug)]
pub struct MailServer<S: Setup + ?Sized = dyn Setup> {
    // Declared before the directory: the processes have to be gone first.
    daemon: Option<Daemon>,
    pub(crate) directory: TempDir,
    address: SocketAddrV4,
    pub(crate) setup: S,
}

impl<S: Setup> MailServer<S> {
    #[track_caller]
    fn start(setup: S) -> Self {
        let directory = setup.make_directory();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let mut server = Self { daemon: None, directory, address, setup };
        let name = server.software();
        for _ in 0..PORT_ATTEMPTS {
            server.address = free_port();
            match server.run() {
                Ok(()) => return server,
                Err(NotStarted::PortInUse) => {}
                Err(NotStarted::Failed) => panic!("{name:?} does not start:\n{}", server.log()),
            }
        }
        panic!("{name:?} found no free port in {PORT_ATTEMPTS} attempts:\n{}", server.log());
    }
}

impl<S: Setup + ?Sized> MailServer<S> {
    fn run(&mut self) -> Result<(), NotStarted> {
        let base = self.directory.path();
        self.setup.configure(base, self.address.into());
        let command = self.setup.command(base);
        self.daemon = Some(Daemon::start(command, base, &log_file(base), self.setup.ready(), self.address)?);
        Ok(())
    }

    /// Which of the two it is.
    pub fn software(&self) -> Software {
        self.setup.software()
    }

    /// Where it listens for SMTP.
    pub fn smtp_address(&self) -> SocketAddr {
        self.address.into()
    }

    /// Stops it and starts it again on the same port; queued mail is kept, connections are closed.
    ///
    /// # Panics
    ///
    /// If it does not start again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        // An outgoing connection of somebody else may hold the port for a moment.
        for _ in 0..PORT_ATTEMPTS {
            match self.run() {
                Ok(()) => return,
                Err(NotStarted::PortInUse) => thread::sleep(Duration::from_millis(200)),
                Err(NotStarted::Failed) => break,
            }
        }
        panic!("{:?} does not start again:\n{}", self.software(), self.log());
    }

    /// Stops it; its port answers no more. [`restart`](Self::restart) starts it again.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    /// The whole log up to now, over restarts too.
    pub fn log(&self) -> String {
        let bytes = fs::read(log_file(self.directory.path())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the log has a line that contains `part`, and gives the first such line.
    ///
    /// # Panics
    ///
    /// If there is none within `timeout`.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str, timeout: Duration) -> String {
        self.wait_for_log_lines(part, 1, timeout).remove(0)
    }

    /// Waits until the log has at least `count` lines that contain `part`, and gives all of them.
    ///
    /// # Panics
    ///
    /// If there are fewer within `timeout`.
    #[track_caller]
    pub fn wait_for_log_lines(&self, part: &str, count: usize, timeout: Duration) -> Vec<String> {
        let lines = || self.log().lines().filter(|line| line.contains(part)).map(str::to_owned).collect();
        let found = poll(timeout, || Some(lines()).filter(|lines: &Vec<String>| lines.len() >= count));
        found.unwrap_or_else(|| {
            panic!("fewer than {count} log lines with {part:?} within {timeout:?}:\n{}", self.log())
        })
    }

    /// Waits until at least `count` messages, from the start on, were delivered or thrown away and left the queue, and
    /// gives their number.
    ///
    /// # Panics
    ///
    /// If there are fewer within `timeout`.
    #[track_caller]
    pub fn wait_for_done(&self, count: usize, timeout: Duration) -> usize {
        self.wait_for_log_lines(self.setup.done(), count, timeout).len()
    }

    /// The queue ids of the messages that a milter quarantined.
    pub fn held(&self) -> Vec<String> {
        self.setup.held(self.directory.path())
    }
}

impl<S: Setup + ?Sized> Drop for MailServer<S> {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- log of {:?} at {}:\n{}", self.software(), self.address, self.log());
        }
    }
}

/// Where an instance logs to.
pub(crate) fn log_file(base: &Path) -> PathBuf {
    base.join("log")
}

/// A port that the kernel says is free. It may be taken by the time the server wants it, hence the retries.
fn free_port() -> SocketAddrV4 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    match listener.and_then(|listener| listener.local_addr()) {
        Ok(SocketAddr::V4(address)) => address,
        other => panic!("no free port on 127.0.0.1: {other:?}"),
    }
}
