//! A private Postfix.

mod configuration;
mod installation;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::directory::names_in;
use crate::mail_server::{Builder, MailServer, Setup, Software};
use configuration::Configuration;
use installation::Installation;

/// A Postfix of its own.
pub type Postfix = MailServer<PostfixSetup>;

/// Describes a [`Postfix`].
pub type PostfixBuilder = Builder<PostfixSetup>;

impl PostfixBuilder {
    /// Adds a milter for mail that does not come by SMTP.
    pub fn non_smtpd_milter(mut self, milter: impl AsRef<str>) -> Self {
        self.setup.configuration.append("non_smtpd_milters", milter.as_ref());
        self
    }

    /// Has smtpd see nothing but the queue directory, as on Debian.
    pub fn chrooted(mut self) -> Self {
        self.setup.configuration.chroot();
        self
    }

    /// Sets a line of main.cf, in place of the harness' own line of that name.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.setup.configuration.set(name, value);
        self
    }
}

impl Postfix {
    /// The queue directory, in which sockets with a relative path are.
    pub fn queue_directory(&self) -> PathBuf {
        configuration::queue_directory(self.directory.path())
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
            self.setup.configuration.set(name, value);
        }
        self.restart();
    }
}

/// What the private Postfix is made of.
#[derive(Debug)]
pub struct PostfixSetup {
    configuration: Configuration,
    installation: Installation,
}

impl Setup for PostfixSetup {
    #[track_caller]
    fn find() -> Self {
        Self { configuration: Configuration::new(), installation: Installation::find() }
    }

    fn software(&self) -> Software {
        Software::Postfix
    }

    fn ready(&self) -> &'static str {
        "daemon started"
    }

    fn done(&self) -> &'static str {
        ": removed"
    }

    fn add_milter(&mut self, milter: &str) {
        self.configuration.append("smtpd_milters", milter);
    }

    fn deliver_to(&mut self, sink: SocketAddr) {
        self.configuration.deliver_to(sink);
    }

    fn reject_recipient(&mut self, address: &str) {
        self.configuration.reject_recipient(address);
    }

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

    fn held(&self, base: &Path) -> Vec<String> {
        names_in(&configuration::queue_directory(base).join("hold"))
    }
}
