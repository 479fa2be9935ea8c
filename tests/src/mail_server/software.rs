//! Which mail server it is, and what makes it that one.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::MailServer;
use crate::{Postfix, Sendmail, Sink};

/// The mail servers there are, for tests that run behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a test says for each what it expects")]
pub enum Software {
    /// [`Postfix`]
    Postfix,
    /// [`Sendmail`]
    Sendmail,
}

impl Software {
    /// Starts one that asks the milter at `milter` and delivers to `sink`.
    ///
    /// # Panics
    ///
    /// As [`Builder::start`](super::Builder::start).
    #[track_caller]
    pub fn start(self, milter: &str, sink: &Sink) -> Box<MailServer> {
        match self {
            Self::Postfix => Box::new(Postfix::builder().milter(milter).deliver_to(sink).start()),
            Self::Sendmail => Box::new(Sendmail::builder().milter(milter).deliver_to(sink).start()),
        }
    }
}

/// What makes a mail server this one and no other.
pub trait Setup: Debug {
    /// Finds the programs, and panics if there are none: skipping would report tests that never ran as good.
    fn find() -> Self
    where
        Self: Sized;

    /// Which one it is.
    fn software(&self) -> Software;

    /// What it writes into its log when it listens or is about to.
    fn ready(&self) -> &'static str;

    /// What it writes into its log, once, for a message that leaves the queue for good.
    fn done(&self) -> &'static str;

    /// See [`Builder::milter`](super::Builder::milter).
    fn add_milter(&mut self, milter: &str);

    /// See [`Builder::deliver_to`](super::Builder::deliver_to).
    fn deliver_to(&mut self, sink: SocketAddr);

    /// See [`Builder::unknown_recipient`](super::Builder::unknown_recipient).
    fn reject_recipient(&mut self, address: &str);

    /// Makes the directory of one instance, with all directories in it.
    fn make_directory(&self) -> TempDir;

    /// Writes all files of an instance in the directory `base` that is to listen at `address`.
    fn configure(&self, base: &Path, address: SocketAddr);

    /// What starts the main process of that instance, in the foreground, leading a process group of its own, and
    /// logging to `log_file`.
    fn command(&self, base: &Path) -> Command;

    /// See [`MailServer::held`].
    fn held(&self, base: &Path) -> Vec<String>;
}
