//! A private Postfix.

mod builder;
mod configuration;
mod installation;

pub use builder::PostfixBuilder;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::mail_server::{MailServer, Software};
use configuration::Configuration;
use installation::Installation;

/// A Postfix of its own: configuration, queue, data and log are in a temporary directory, and it listens on a
/// free port of 127.0.0.1 only. The Postfix of the system is not touched.
///
/// It stops when this value is dropped, or when the test process dies. A test that fails shows its log.
#[derive(Debug)]
pub struct Postfix {
    server: MailServer<Setup>,
}

impl Postfix {
    /// Describes a Postfix to start.
    pub fn builder() -> PostfixBuilder {
        PostfixBuilder::new()
    }

    #[track_caller]
    fn start(configuration: Configuration) -> Self {
        let installation = Installation::find();
        Self { server: MailServer::start(Setup { configuration, installation }) }
    }

    /// Where Postfix listens for SMTP.
    pub fn smtp_address(&self) -> SocketAddr {
        self.server.address()
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
            self.server.software_mut().configuration.set(name, value);
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
        self.server.restart();
    }

    /// Stops Postfix; its port answers no more. [`restart`](Self::restart) starts it again.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// The whole log up to now, over restarts too.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Waits until the log has a line that contains `part`, and gives the first such line.
    ///
    /// # Panics
    ///
    /// If there is none within `timeout`.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str, timeout: Duration) -> String {
        self.server.wait_for_log(part, timeout)
    }

    /// Waits until the log has at least `count` lines that contain `part`, and gives all of them.
    ///
    /// # Panics
    ///
    /// If there are fewer within `timeout`.
    #[track_caller]
    pub fn wait_for_log_lines(&self, part: &str, count: usize, timeout: Duration) -> Vec<String> {
        self.server.wait_for_log_lines(part, count, timeout)
    }

    /// The queue ids of the messages on hold, where a milter's quarantine puts them.
    pub fn held(&self) -> Vec<String> {
        let hold = configuration::queue_directory(self.server.base()).join("hold");
        let entries =
            fs::read_dir(&hold).unwrap_or_else(|error| panic!("cannot read {}: {error}", hold.display()));
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// What the private Postfix is made of.
#[derive(Debug)]
struct Setup {
    configuration: Configuration,
    installation: Installation,
}

impl Software for Setup {
    const NAME: &'static str = "Postfix";
    const READY: &'static str = "daemon started";

    fn make_directory(&self) -> TempDir {
        self.installation.make_directories()
    }

    fn configure(&self, base: &Path, address: SocketAddr) {
        self.configuration.write(base, address);
    }

    /// Starts master itself. Not by `postfix start`, which spends a second on checks of a whole installation, and after
    /// which master would not be a child of this process: its end could not be waited for.
    fn command(&self, base: &Path) -> Command {
        let queue = configuration::queue_directory(base);
        // Master makes itself the leader of a session, and so of a process group.
        let mut master = Command::new(&self.installation.master);
        master
            .arg("-c")
            .arg(configuration::configuration_directory(base))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            // What postfix(1) would say: without these master logs to syslog until its own log service runs.
            .env("POSTLOG_SERVICE", queue.join("public/postlog"))
            .env("POSTLOG_HOSTNAME", "mta")
            .current_dir(queue);
        master
    }
}
