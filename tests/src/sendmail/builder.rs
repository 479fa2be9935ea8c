//! What a test wants its Sendmail to be like.

use super::Sendmail;
use super::configuration::Configuration;
use crate::sink::Sink;

/// Describes a [`Sendmail`]: all calls but [`start`](Self::start) may be left out.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct SendmailBuilder {
    configuration: Configuration,
}

impl SendmailBuilder {
    pub(super) fn new() -> Self {
        let mut configuration = Configuration::new();
        configuration.reject_recipient("nouser@example.test");
        Self { configuration }
    }

    /// Adds a milter: `inet:127.0.0.1:port` or `unix:/path`, as for [`Postfix`](crate::Postfix). Mail is refused for
    /// the time being (`F=T`) where the milter fails.
    ///
    /// Sendmail connects as root: it may use any unix socket.
    pub fn milter(mut self, milter: impl AsRef<str>) -> Self {
        self.configuration.add_milter(milter.as_ref());
        self
    }

    /// Sets the time-outs of all milters, as in `T=`: `C:30s;S:30s;R:30s;E:5m` unless set (connect, send, receive, the
    /// whole end of message).
    pub fn milter_timeouts(mut self, timeouts: &str) -> Self {
        self.configuration.set_milter_timeouts(timeouts);
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
        self.configuration.define(name, value);
        self
    }

    /// Delivers all mail to this sink. Without one, accepted mail is thrown away.
    pub fn deliver_to(mut self, sink: &Sink) -> Self {
        self.configuration.deliver_to(sink.address());
        self
    }

    /// Lets Sendmail itself reject a recipient as unknown, with `550 5.1.1`; `nouser@example.test` always is.
    pub fn unknown_recipient(mut self, address: &str) -> Self {
        self.configuration.reject_recipient(address);
        self
    }

    /// Starts Sendmail; it listens when this returns.
    ///
    /// # Panics
    ///
    /// If Sendmail or m4 is missing, or if it does not start.
    #[track_caller]
    pub fn start(self) -> Sendmail {
        Sendmail::start(self.configuration)
    }
}
