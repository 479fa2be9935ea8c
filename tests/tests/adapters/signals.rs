//! Waiting for the signal that ends a program.

use crate::on_its_runtime;
use crate::scene::On;
use nix::sys::signal::{Signal, raise};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// A signal is for all of the process: these tests come one after the other.
static SIGNALS: Mutex<()> = Mutex::new(());

const BETWEEN: Duration = Duration::from_millis(50);

pub(crate) fn only_a_signal_to_end_ends(on: On) {
    let _alone = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner);
    for end in [Signal::SIGTERM, Signal::SIGINT] {
        on_its_runtime!(on, |adapter| async {
            let mut terminated = pin!(adapter::terminated());
            // From here on they are caught.
            assert!(poll(terminated.as_mut()).is_pending());
            let began = Instant::now();
            scope(|scope| {
                scope.spawn(|| {
                    raise(Signal::SIGHUP).expect("raised");
                    sleep(BETWEEN);
                    raise(end).expect("raised");
                });
            });
            terminated.await.expect("caught");
            assert!(began.elapsed() >= BETWEEN);
        });
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
