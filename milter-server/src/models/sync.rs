//! What `sync` names, such that shuttle decides who goes on at each use of it.
//!
//! Events and wakers are the real ones. They block nobody by themselves, so that one use of them is one step here: within it
//! they were tried by those who keep them, in between it is we who answer for what happens.

use crate::clock;
use futures_lite::future::or;
use shuttle::future::block_on;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
pub(crate) use shuttle::thread;

/// Here another thread may come first. To shuttle, which knows no time, a sleep is just that.
fn turn() {
    thread::sleep(Duration::ZERO);
}

#[derive(Debug)]
pub(crate) struct Event(event_listener::Event);

impl Event {
    pub(crate) fn new() -> Self {
        Self(event_listener::Event::new())
    }

    pub(crate) fn listen(&self) -> EventListener {
        turn();
        EventListener(self.0.listen())
    }

    pub(crate) fn notify(&self, count: usize) {
        turn();
        self.0.notify(count);
    }
}

#[derive(Debug)]
pub(crate) struct EventListener(event_listener::EventListener);

impl Future for EventListener {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        turn();
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Waiting by a thread.
pub(crate) trait Listener {
    fn wait(self);
    fn wait_timeout(self, timeout: Duration) -> Option<()>;
}

impl Listener for EventListener {
    fn wait(self) {
        block_on(self);
    }

    fn wait_timeout(self, timeout: Duration) -> Option<()> {
        let notified = async {
            self.await;
            Some(())
        };
        let timed_out = async {
            clock::sleep(timeout).await;
            None
        };
        block_on(or(notified, timed_out))
    }
}

#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(atomic_waker::AtomicWaker);

impl AtomicWaker {
    pub(crate) fn register(&self, waker: &Waker) {
        turn();
        self.0.register(waker);
    }

    pub(crate) fn wake(&self) {
        turn();
        self.0.wake();
    }
}
