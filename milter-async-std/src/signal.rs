//! Signals.

use crate::runtime::AsyncStd;
use milter_server::{Runtime, Signal};
use std::io;

/// Waits for SIGTERM or SIGINT: a shutdown for [`Server::serve`](crate::Server::serve). SIGHUP ends nothing meanwhile.
///
/// [`Server::run`](crate::Server::run) does this by itself.
pub async fn terminated() -> io::Result<()> {
    let mut signals = AsyncStd::signals()?;
    while AsyncStd::next_signal(&mut signals).await != Signal::Terminate {}
    Ok(())
}
