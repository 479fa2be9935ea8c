//! How far a server's end has come, as its connections see it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::sync::watch;

/// How far a server's end has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Serving,
    /// Connections end as soon as they have no message open.
    Draining,
    /// Connections end at once.
    Closing,
}

/// Whether a conversation is to end as soon as no message is open.
#[derive(Debug, Default)]
pub(crate) struct Draining(AtomicBool);

impl Draining {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Drives a conversation through the phases of its server: sets the flag when it is to drain, and drops it when it is
/// to close. Gives what it came to, unless it was dropped.
///
/// A look at the phase costs a load; waiting for the next one is arranged once for each task, not at every wake-up.
pub(crate) async fn through<F: Future>(
    mut phases: watch::Receiver<Phase>,
    draining: &Draining,
    // Pinned by the caller: what is moved into an async function and pinned there has its size twice.
    mut conversation: Pin<&mut F>,
) -> Option<F::Output> {
    let mut next_phase = Registration::new(phases.clone());
    std::future::poll_fn(|cx| {
        // An error means that the server itself was dropped: then there are no more phases.
        if phases.has_changed().unwrap_or(false) {
            match *phases.borrow_and_update() {
                Phase::Serving => {}
                Phase::Draining => draining.0.store(true, Ordering::Relaxed),
                Phase::Closing => return Poll::Ready(None),
            }
            next_phase = Registration::new(phases.clone());
        }
        next_phase.wake(cx);
        conversation.as_mut().poll(cx).map(Some)
    })
    .await
}

/// A wake-up of a task at the next phase.
struct Registration {
    changed: Pin<Box<dyn Future<Output = ()> + Send>>,
    waker: Option<Waker>,
}

impl Registration {
    fn new(mut phases: watch::Receiver<Phase>) -> Self {
        let changed = Box::pin(async move {
            // Ready in any case: what it was for is looked up.
            let _ = phases.changed().await;
        });
        Self { changed, waker: None }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return;
        }
        self.waker = Some(cx.waker().clone());
        if self.changed.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}
