//! A clock that stands still until a model lets time pass.

use crate::sync::Event;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

shuttle::lazy_static! {
    /// Each run of a model has its own.
    static ref TIME: AtomicU64 = AtomicU64::new(0);
    static ref PASSED: Event = Event::new();
}

/// Milliseconds.
pub(crate) fn now() -> u64 {
    TIME.load(Ordering::SeqCst)
}

/// Lets time pass, and others get on.
pub(crate) fn pass(milliseconds: u64) {
    TIME.fetch_add(milliseconds, Ordering::SeqCst);
    PASSED.notify(usize::MAX);
    crate::sync::thread::yield_now();
}

/// Waits for so much time to pass.
pub(crate) async fn sleep(time: Duration) {
    let time = u64::try_from(time.as_millis()).expect("a time of this world");
    let end = now().saturating_add(time);
    loop {
        let passed = PASSED.listen();
        if now() >= end {
            return;
        }
        passed.await;
    }
}
