//! Watching the deadlines of all connections at once.

use crate::registry::Registry;
use crate::runtime::Runtime;
use crate::sync::Listener;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, JoinHandle};
use futures_lite::future::or;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;

/// A thread that looks at the deadlines of a server's connections when one may have passed, and sleeps otherwise. It ends
/// when this is dropped.
// Not a timer of the runtime: as long as one is registered, each wait for packets costs more, on tokio a tenth of what a
// message takes.
#[derive(Debug)]
pub(crate) struct DeadlineThread {
    registry: Arc<Registry>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DeadlineThread {
    pub(crate) fn start(registry: &Arc<Registry>) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let (watched, over) = (Arc::clone(registry), Arc::clone(&ended));
        let thread = thread::Builder::new().name("milter-deadlines".to_owned()).spawn(move || {
            loop {
                let sooner = watched.sooner();
                if over.load(Ordering::SeqCst) {
                    return;
                }
                match watched.look() {
                    None => sooner.wait(),
                    Some(time) => drop(sooner.wait_timeout(time)),
                }
            }
        })?;
        Ok(Self { registry: Arc::clone(registry), ended, thread: Some(thread) })
    }
}

impl Drop for DeadlineThread {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.registry.look_at(0);
        if let Some(thread) = self.thread.take() {
            // It only ever wakes tasks, which is soon done.
            let _ = thread.join();
        }
    }
}

/// The same for one connection, by a timer.
pub(crate) async fn watch_deadlines<R: Runtime>(registry: &Registry) -> Infallible {
    loop {
        let sooner = registry.sooner();
        match registry.look() {
            None => sooner.await,
            Some(time) => or(sooner, R::sleep(time)).await,
        }
    }
}
