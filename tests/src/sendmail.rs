//! A private Sendmail.

mod builder;
mod configuration;
mod installation;

pub use builder::SendmailBuilder;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::mail_server::{MailServer, Software, log_file};
use configuration::Configuration;
use installation::Installation;

/// A Sendmail of its own: configuration, queue and log are in a temporary directory, and it listens on a free port
/// of 127.0.0.1 only. It runs from the build directory; nothing of it is installed on the system.
///
/// Mail is delivered before the client gets its answer to the final dot. What cannot be delivered stays in the queue:
/// nothing is tried twice.
///
/// It stops when this value is dropped, or when the test process dies. A test that fails shows its log.
#[derive(Debug)]
pub struct Sendmail {
    server: MailServer<Setup>,
}

impl Sendmail {
    /// Describes a Sendmail to start.
    pub fn builder() -> SendmailBuilder {
        SendmailBuilder::new()
    }

    #[track_caller]
    fn start(configuration: Configuration) -> Self {
        let installation = Installation::find();
        Self { server: MailServer::start(Setup { configuration, installation }) }
    }

    /// Where Sendmail listens for SMTP.
    pub fn smtp_address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops Sendmail and starts it again on the same port; queued mail is kept, connections are closed.
    ///
    /// # Panics
    ///
    /// If Sendmail does not start again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.server.restart();
    }

    /// Stops Sendmail; its port answers no more. [`restart`](Self::restart) starts it again.
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

    /// The queue ids of the messages that a milter quarantined.
    pub fn held(&self) -> Vec<String> {
        let queue = configuration::queue_directory(self.server.base());
        let entries =
            fs::read_dir(&queue).unwrap_or_else(|error| panic!("cannot read {}: {error}", queue.display()));
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        // The envelope of a quarantined message is in an "hf" file; it would be "qf" otherwise.
        names.filter_map(|name| name.strip_prefix("hf").map(str::to_owned)).collect()
    }
}

/// What the private Sendmail is made of.
#[derive(Debug)]
struct Setup {
    configuration: Configuration,
    installation: Installation,
}

impl Software for Setup {
    const NAME: &'static str = "Sendmail";
    // Logged after "starting daemon", once the sockets listen.
    const READY: &'static str = "started as: ";

    fn make_directory(&self) -> TempDir {
        configuration::make_directory()
    }

    fn configure(&self, base: &Path, address: SocketAddr) {
        self.configuration.write(base, address, &self.installation);
    }

    fn command(&self, base: &Path) -> Command {
        let mut daemon = Command::new(&self.installation.program);
        daemon
            .arg("-bD")
            .arg("-C")
            .arg(configuration::configuration_file(base))
            // What would go to syslog goes, with the time, to the debug log.
            .arg("-D")
            .arg(log_file(base))
            .arg("-d89.10")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            // Sendmail looks for its host's full name before it reads any configuration, and sleeps for a minute where
            // it finds none.
            .env("LD_PRELOAD", &self.installation.nss_wrapper)
            .env("NSS_WRAPPER_HOSTNAME", configuration::HOST_NAME)
            .env("NSS_WRAPPER_HOSTS", configuration::hosts_file(base))
            .current_dir(base)
            .process_group(0);
        daemon
    }
}
