//! What a test wants its mail server to be like.

use super::{MailServer, Setup};
use crate::sink::Sink;

/// Describes a mail server: all calls but [`start`](Self::start) may be left out.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct Builder<S: Setup> {
    pub(crate) setup: S,
}

impl<S: Setup> MailServer<S> {
    /// Describes a mail server to start.
    ///
    /// # Panics
    ///
    /// If it is not installed, or if the test runs as a user who cannot start it.
    #[track_caller]
    pub fn builder() -> Builder<S> {
        let mut setup = S::find();
        setup.reject_recipient("nouser@example.test");
        Builder { setup }
    }
}

impl<S: Setup> Builder<S> {
    /// Adds a milter for mail that comes by SMTP: `inet:127.0.0.1:port` or `unix:/path`. Mail is refused for the time
    /// being where the milter fails.
    ///
    /// Postfix connects as user `postfix`: see [`MilterSocket`](crate::MilterSocket) for unix sockets. Sendmail
    /// connects as root: it may use any.
    pub fn milter(mut self, milter: impl AsRef<str>) -> Self {
        self.setup.add_milter(milter.as_ref());
        self
    }

    /// Delivers all mail to this sink. Without one, accepted mail is thrown away.
    pub fn deliver_to(mut self, sink: &Sink) -> Self {
        self.setup.deliver_to(sink.address());
        self
    }

    /// Lets the mail server itself reject a recipient as unknown, with `550 5.1.1`; `nouser@example.test` always is.
    pub fn unknown_recipient(mut self, address: &str) -> Self {
        self.setup.reject_recipient(address);
        self
    }

    /// Starts the mail server; it listens when this returns.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[track_caller]
    pub fn start(self) -> MailServer<S> {
        MailServer::start(self.setup)
    }
}
