//! Signals.

use crate::runtime::Tokio;
use milter_server::{Runtime, Signal};
use std::io;

/// Waits for SIGTERM or SIGINT: a shutdown for [`Server::serve`](crate::Server::serve). SIGHUP ends nothing meanwhile.
///
/// [`Server::run`](crate::Server::run) does this by itself.
pub async fn terminated() -> io::Result<()> {
    let mut signals = Tokio::signals()?;
    while Tokio::next_signal(&mut signals).await != Signal::Terminate {}
    Ok(())
}
