//! Connections that send messages as fast as they are answered.

use crate::mta::{Connection, Script};
use crate::scenario::Scenario;
use milter_tokio::{BoxError, Endpoint};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// A thread for each connection.
pub(crate) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<(), BoxError>>>,
}

struct Shared {
    scenario: Scenario,
    endpoint: Endpoint,
    script: Arc<Script>,
    messages: AtomicU64,
    ends: AtomicBool,
}

impl Load {
    pub(crate) fn start(scenario: Scenario, endpoint: &Endpoint, script: &Arc<Script>) -> Self {
        let (endpoint, script) = (endpoint.clone(), Arc::clone(script));
        let (messages, ends) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { scenario, endpoint, script, messages, ends });
        let start = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.send())
        };
        let threads = (0..scenario.connections()).map(start).collect();
        Self { shared, threads }
    }

    /// How many messages were answered.
    pub(crate) fn messages(&self) -> u64 {
        self.shared.messages.load(Ordering::Relaxed)
    }

    /// Whether a connection has failed: [`end`](Self::end) says why.
    pub(crate) fn has_failed(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Lets the messages in progress end.
    pub(crate) fn end(self) -> Result<(), BoxError> {
        self.shared.ends.store(true, Ordering::Relaxed);
        let mut ended = Ok(());
        for thread in self.threads {
            let connection = thread.join().map_err(|_| "a connection panicked")?;
            ended = ended.and(connection);
        }
        ended
    }
}

impl Shared {
    fn send(&self) -> Result<(), BoxError> {
        while !self.ends.load(Ordering::Relaxed) {
            let mut connection = Connection::open(&self.endpoint, &self.script)?;
            connection.greet()?;
            loop {
                connection.message()?;
                self.messages.fetch_add(1, Ordering::Relaxed);
                if self.scenario.reconnects() || self.ends.load(Ordering::Relaxed) {
                    break;
                }
            }
            connection.quit()?;
        }
        Ok(())
    }
}
