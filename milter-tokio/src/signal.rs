//! Signals.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for SIGTERM or SIGINT: a shutdown for [`Server::serve`](crate::Server::serve).
///
/// [`Server::run`](crate::Server::run) does this by itself, and ignores SIGHUP besides.
pub async fn terminated() -> io::Result<()> {
    Signals::new()?.terminated().await;
    Ok(())
}

/// The signals that a server knows.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next SIGTERM or SIGINT. SIGHUP, which would end the process, ends nothing.
    pub(crate) async fn terminated(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => tracing::info!("SIGHUP: there is nothing to reload"),
            }
        }
    }
}
