//! What a test wants its Postfix to be like.

use super::Postfix;
use super::configuration::Configuration;
use crate::sink::Sink;

/// Describes a [`Postfix`]: all calls but [`start`](Self::start) may be left out.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct PostfixBuilder {
    configuration: Configuration,
}

impl PostfixBuilder {
    pub(super) fn new() -> Self {
        let mut configuration = Configuration::new();
        configuration.reject_recipient("nouser@example.test");
        Self { configuration }
    }

    /// Adds a milter for mail that comes by SMTP: `inet:127.0.0.1:port` or `unix:/path`.
    ///
    /// Postfix connects as user `postfix`: see [`MilterSocket`](crate::MilterSocket) for unix sockets.
    pub fn milter(mut self, milter: impl AsRef<str>) -> Self {
        self.configuration.append("smtpd_milters", milter.as_ref());
        self
    }

    /// Adds a milter for mail that does not come by SMTP.
    pub fn non_smtpd_milter(mut self, milter: impl AsRef<str>) -> Self {
        self.configuration.append("non_smtpd_milters", milter.as_ref());
        self
    }

    /// Sets a line of main.cf, in place of the harness' own line of that name.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.configuration.set(name, value);
        self
    }

    /// Delivers all mail to this sink. Without one, accepted mail is thrown away.
    pub fn deliver_to(mut self, sink: &Sink) -> Self {
        self.configuration.deliver_to(sink.address());
        self
    }

    /// Lets Postfix itself reject a recipient as unknown, with `550 5.1.1`; `nouser@example.test` always is.
    pub fn unknown_recipient(mut self, address: &str) -> Self {
        self.configuration.reject_recipient(address);
        self
    }

    /// Starts Postfix; it listens when this returns.
    ///
    /// # Panics
    ///
    /// If the test does not run as root, if Postfix is not installed, or if it does not start.
    #[track_caller]
    pub fn start(self) -> Postfix {
        Postfix::start(self.configuration)
    }
}
