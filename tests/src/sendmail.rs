//! A private Sendmail.

mod configuration;
mod installation;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::directory::names_in;
use crate::mail_server::{Builder, MailServer, Setup, Software, log_file};
use configuration::Configuration;
use installation::Installation;

/// A Sendmail of its own. It runs from the build directory; nothing of it is installed on the system.
///
/// Mail is delivered before the client gets its answer to the final dot. What cannot be delivered stays in the queue:
/// nothing is tried twice.
pub type Sendmail = MailServer<SendmailSetup>;

/// Describes a [`Sendmail`].
pub type SendmailBuilder = Builder<SendmailSetup>;

impl SendmailBuilder {
    /// Sets the time-outs of all milters, as in `T=`: `C:30s;S:30s;R:30s;E:5m` unless set (connect, send, receive, the
    /// whole end of message).
    pub fn milter_timeouts(mut self, timeouts: &str) -> Self {
        self.setup.configuration.set_milter_timeouts(timeouts);
        self
    }

    /// Adds lines of sendmail.mc.
    pub fn lines(mut self, lines: &str) -> Self {
        self.setup.configuration.add_lines(lines);
        self
    }

    /// Defines an m4 macro of the configuration, such as `confMAX_MESSAGE_SIZE`, in place of the harness' own definition.
    ///
    /// # Panics
    ///
    /// If the value has an m4 quote (`` ` `` or `'`).
    #[track_caller]
    pub fn define(mut self, name: &str, value: &str) -> Self {
        assert!(!value.contains(['`', '\'']), "{value:?} has an m4 quote");
        self.setup.configuration.define(name, value);
        self
    }
}

/// What the private Sendmail is made of.
#[derive(Debug)]
pub struct SendmailSetup {
    configuration: Configuration,
    installation: Installation,
}

impl Setup for SendmailSetup {
    #[track_caller]
    fn find() -> Self {
        Self { configuration: Configuration::new(), installation: Installation::find() }
    }

    fn software(&self) -> Software {
        Software::Sendmail
    }

    fn ready(&self) -> &'static str {
        // Logged after "starting daemon", once the sockets are bound, a moment before they listen.
        "started as: "
    }

    fn done(&self) -> &'static str {
        ": done; "
    }

    fn add_milter(&mut self, milter: &str) {
        self.configuration.add_milter(milter);
    }

    fn deliver_to(&mut self, sink: SocketAddr) {
        self.configuration.deliver_to(sink);
    }

    fn reject_recipient(&mut self, address: &str) {
        self.configuration.reject_recipient(address);
    }

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

    fn held(&self, base: &Path) -> Vec<String> {
        let names = names_in(&configuration::queue_directory(base));
        // The envelope of a quarantined message is in an "hf" file; it would be "qf" otherwise.
        names.into_iter().filter_map(|name| name.strip_prefix("hf").map(str::to_owned)).collect()
    }
}
