//! The controls of a server.

use crate::lock::lock;
use crate::registry::Registry;
use crate::sync::Mutex;
use milter_proto::{Application, Phase};
use std::fmt;
use std::sync::Arc;

/// The controls of a server, for programs that have their own signals. Clones control the same server.
///
/// [`Server::run`](crate::Server::run) does by signals what this does by calls.
pub struct Handle<M> {
    pub(crate) shared: Arc<Shared<M>>,
}

/// What a server and its handles share.
#[derive(Debug)]
pub(crate) struct Shared<M> {
    milter: Mutex<Arc<M>>,
    pub(crate) registry: Arc<Registry>,
}

impl<M: Application> Handle<M> {
    pub(crate) fn new(milter: M) -> Self {
        let (milter, registry) = (Mutex::new(Arc::new(milter)), Arc::new(Registry::new()));
        Self { shared: Arc::new(Shared { milter, registry }) }
    }

    /// Ends the server in good order: it stops listening at once, ends connections that have no message open, lets
    /// messages in progress be finished and answered, and closes what is left after the
    /// [drain timeout](crate::Server::drain_timeout).
    pub fn drain(&self) {
        self.shared.registry.enter(Phase::Draining);
    }

    /// Ends the server at once: connections are closed where they are. No hook is told; the values of connections and
    /// messages are dropped.
    pub fn stop(&self) {
        self.shared.registry.enter(Phase::Closing);
    }

    /// Serves new connections by another filter, such as one with a new configuration. Those that are open keep theirs: what
    /// was negotiated with an MTA cannot be changed.
    pub fn reload(&self, milter: M) {
        let milter = Arc::new(milter);
        let mut current = lock(&self.shared.milter);
        let replaced = std::mem::replace(&mut *current, milter);
        drop(current);
        // Its destructor is somebody else's code: it does not run under the lock.
        drop(replaced);
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.registry.count()
    }

    pub(crate) fn milter(&self) -> Arc<M> {
        Arc::clone(&lock(&self.shared.milter))
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("registry", &self.shared.registry).finish_non_exhaustive()
    }
}
