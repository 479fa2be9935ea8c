//! A private Postfix.

mod builder;
mod configuration;
mod installation;
mod master;

pub use builder::PostfixBuilder;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::poll::poll;
use configuration::Configuration;
use installation::Installation;
use master::{Master, NotStarted};

/// How often another port is tried when somebody took the free one before Postfix did.
const PORT_ATTEMPTS: usize = 10;

/// A Postfix of its own: configuration, queue, data and log are in a temporary directory, and it listens on a
/// free port of 127.0.0.1 only. The Postfix of the system is not touched.
///
/// It stops when this value is dropped, or when the test process dies. A test that fails shows its log.
#[derive(Debug)]
pub struct Postfix {
    // Declared first: Postfix has to be gone before its directory is.
    master: Option<Master>,
    configuration: Configuration,
    installation: Installation,
    directory: TempDir,
    address: SocketAddr,
}

impl Postfix {
    /// Describes a Postfix to start.
    pub fn builder() -> PostfixBuilder {
        PostfixBuilder::new()
    }

    #[track_caller]
    fn start(configuration: Configuration) -> Self {
        let installation = Installation::find();
        let directory = installation.make_directories();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut postfix = Self { master: None, configuration, installation, directory, address };
        for _ in 0..PORT_ATTEMPTS {
            postfix.address = free_port();
            match postfix.run() {
                Ok(()) => return postfix,
                Err(NotStarted::PortInUse) => {}
                Err(NotStarted::Failed) => panic!("Postfix does not start:\n{}", postfix.log()),
            }
        }
        panic!("Postfix found no free port in {PORT_ATTEMPTS} attempts:\n{}", postfix.log());
    }

    fn run(&mut self) -> Result<(), NotStarted> {
        self.configuration.write(self.directory.path(), self.address);
        self.master = Some(Master::start(&self.installation, self.directory.path())?);
        Ok(())
    }

    /// Where Postfix listens for SMTP.
    pub fn smtp_address(&self) -> SocketAddr {
        self.address
    }

    /// Changes lines of main.cf and restarts Postfix on the same port; queued mail is kept, connections are closed.
    ///
    /// This is not `postfix reload`, after which an smtpd with the old configuration may serve one more client.
    ///
    /// # Panics
    ///
    /// If Postfix does not start again.
    #[track_caller]
    pub fn reconfigure(&mut self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.configuration.set(name, value);
        }
        self.restart();
    }

    /// Stops Postfix and starts it again on the same port; queued mail is kept, connections are closed.
    ///
    /// # Panics
    ///
    /// If Postfix does not start again.
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
        panic!("Postfix does not start again:\n{}", self.log());
    }

    /// Stops Postfix; its port answers no more. [`restart`](Self::restart) starts it again.
    pub fn stop(&mut self) {
        self.master = None;
    }

    /// The whole log up to now, over restarts too.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the log has a line that contains `part`, and gives the first such line.
    ///
    /// # Panics
    ///
    /// If there is none within `timeout`.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str, timeout: Duration) -> String {
        let found = poll(timeout, || self.log().lines().find(|line| line.contains(part)).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no log line with {part:?} within {timeout:?}:\n{}", self.log()))
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

    /// The queue ids of the messages on hold, where a milter's quarantine puts them.
    pub fn held(&self) -> Vec<String> {
        let hold = configuration::queue_directory(self.directory.path()).join("hold");
        let entries =
            fs::read_dir(&hold).unwrap_or_else(|error| panic!("cannot read {}: {error}", hold.display()));
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn log_path(&self) -> PathBuf {
        configuration::log_file(self.directory.path())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- log of Postfix at {}:\n{}", self.address, self.log());
        }
    }
}

/// A port that the kernel says is free. It may be taken by the time Postfix wants it, hence the retries.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port on 127.0.0.1: {error}"))
}
