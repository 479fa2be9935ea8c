//! What a server tells whoever counts.

use crate::converse::ConverseError;
use crate::hook::Unfinished;
use milter_proto::{Answer, CommandKind};
use std::sync::Arc;
use std::time::Duration;

/// Hears what happens in a server: for metrics.
///
/// Every method does nothing unless it is written. They are called by the tasks that accept and serve connections, between
/// two packets: they should only count.
pub trait Observer: Send + Sync + 'static {
    /// An MTA has connected.
    fn connected(&self, _connection: u64) {}

    /// A connection is over: in good order, or not.
    fn disconnected(&self, _connection: u64, _ended: Result<(), &ConverseError>) {}

    /// No connection could be accepted, such as for want of descriptors. Told once for each series of failures.
    fn accept_failed(&self, _error: &std::io::Error) {}

    /// A connection that had not negotiated was closed to make room.
    fn shed(&self, _connection: u64) {}

    /// So many octets came from an MTA.
    fn received(&self, _octets: usize) {}

    /// So many octets were written to an MTA.
    fn sent(&self, _octets: usize) {}

    /// A hook is done, after so much time, or was given up.
    fn hook(&self, _stage: CommandKind, _outcome: Result<&Answer, &Unfinished>, _time: Duration) {}

    /// A message is over, whatever became of it.
    fn message(&self, _connection: u64) {}
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn connected(&self, connection: u64) {
        (**self).connected(connection);
    }

    fn disconnected(&self, connection: u64, ended: Result<(), &ConverseError>) {
        (**self).disconnected(connection, ended);
    }

    fn accept_failed(&self, error: &std::io::Error) {
        (**self).accept_failed(error);
    }

    fn shed(&self, connection: u64) {
        (**self).shed(connection);
    }

    fn received(&self, octets: usize) {
        (**self).received(octets);
    }

    fn sent(&self, octets: usize) {
        (**self).sent(octets);
    }

    fn hook(&self, stage: CommandKind, outcome: Result<&Answer, &Unfinished>, time: Duration) {
        (**self).hook(stage, outcome, time);
    }

    fn message(&self, connection: u64) {
        (**self).message(connection);
    }
}
