//! What the task of a connection and its server say to each other.

use crate::registry::Registry;
use atomic_waker::AtomicWaker;
use milter_proto::{Phase, Waiting};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// One connection, as the server sees it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) id: u64,
    waker: AtomicWaker,
    phase: AtomicU8,
    negotiated: AtomicBool,
    /// When to wake the task, in the registry's time. It may have got on by then: what is late, it decides itself.
    deadline: AtomicU64,
}

impl Link {
    pub(crate) fn new(id: u64, phase: Phase) -> Self {
        Self { id, phase: AtomicU8::new(phase as u8), deadline: AtomicU64::new(NEVER), ..Self::default() }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Draining,
            _ => Phase::Closing,
        }
    }

    /// Tells the connection how far the end has come.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    pub(crate) fn has_negotiated(&self) -> bool {
        self.negotiated.load(Ordering::Relaxed)
    }

    /// Wakes the task if its deadline has passed; otherwise tells when to look again.
    pub(crate) fn look(&self, now: u64) -> u64 {
        let deadline = self.deadline.load(Ordering::SeqCst);
        if deadline > now {
            return deadline;
        }
        // If that fails, there is a new deadline, for which the task itself sees to it that it is looked at.
        let _ = self.deadline.compare_exchange(deadline, NEVER, Ordering::SeqCst, Ordering::SeqCst);
        self.waker.wake();
        NEVER
    }
}

/// The connection's end of its link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) link: &'a Link,
}

/// What ends a wait that does not end by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Interruption {
    /// The server drains.
    Drain,
    /// The connection is to close at once.
    Close,
    /// The deadline has passed.
    Late(Waiting, Duration),
}

/// One wait and its deadline, which is set when there is really something to wait for.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) waiting: Waiting,
    limit: Option<Duration>,
    until: Option<u64>,
    /// Whether a server that drains ends it.
    drains: bool,
}

impl Wait {
    pub(crate) const fn new(waiting: Waiting, limit: Option<Duration>) -> Self {
        Self { waiting, limit, until: None, drains: false }
    }

    /// Whether a server that drains ends this wait.
    pub(crate) const fn set_drains(&mut self, drains: bool) {
        self.drains = drains;
    }

    pub(crate) const fn drains(&self) -> bool {
        self.drains
    }

    /// What is waited for has got on: the time starts anew.
    pub(crate) const fn restart(&mut self) {
        self.until = None;
    }
}

impl Watch<'_> {
    /// The MTA and we have agreed: the connection is not shed any more.
    pub(crate) fn negotiated(&self) {
        self.link.negotiated.store(true, Ordering::Relaxed);
    }

    /// To be polled last, when the task is about to wait: makes sure that it is woken for whatever interrupts it.
    pub(crate) fn poll_interrupted(&self, cx: &Context<'_>, wait: &mut Wait) -> Poll<Interruption> {
        self.link.waker.register(cx.waker());
        match self.link.phase() {
            Phase::Closing => return Poll::Ready(Interruption::Close),
            Phase::Draining if wait.drains => return Poll::Ready(Interruption::Drain),
            _ => {}
        }
        let Some(limit) = wait.limit else { return Poll::Pending };
        let now = self.registry.now();
        match wait.until {
            Some(until) if until <= now => return Poll::Ready(Interruption::Late(wait.waiting, limit)),
            Some(_) => {}
            None => {
                let until = now.saturating_add(u64::try_from(limit.as_millis()).unwrap_or(NEVER));
                wait.until = Some(until);
                self.link.deadline.store(until, Ordering::SeqCst);
                self.registry.look_at(until);
            }
        }
        Poll::Pending
    }
}
