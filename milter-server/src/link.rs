//! What the task of a connection and its server say to each other.

use crate::clock;
use crate::registry::Registry;
use crate::sync::AtomicWaker;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use milter_proto::{Deadlines, Phase, Waiting};
use std::sync::Arc;
use std::task::{Context, Poll};

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// How far a connection has come with its negotiation: its task did not run yet, its MTA keeps us waiting, both have agreed, or
/// it makes room for others, whichever of these two was first.
const UNKNOWN: u8 = 0;
const AWAITED: u8 = 1;
const AGREED: u8 = 2;
const SHED: u8 = 3;

/// One connection, as the server sees it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) id: u64,
    waker: AtomicWaker,
    phase: AtomicU8,
    negotiation: AtomicU8,
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
        self.negotiation.load(Ordering::Relaxed) == AGREED
    }

    /// Gives the connection up, if its MTA keeps us waiting before anything was agreed.
    pub(crate) fn shed(&self) -> bool {
        self.negotiation.compare_exchange(AWAITED, SHED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// When to look again; `None` if the deadline has passed: then the task is to be woken.
    pub(crate) fn look(&self, now: u64) -> Option<u64> {
        let deadline = self.deadline.load(Ordering::SeqCst);
        if deadline > now {
            return Some(deadline);
        }
        // If that fails, there is a new deadline, for which the task itself sees to it that it is looked at.
        let _ = self.deadline.compare_exchange(deadline, NEVER, Ordering::SeqCst, Ordering::SeqCst);
        None
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }
}

/// A connection's end of its link: it is counted as long as this lives.
#[derive(Debug)]
pub(crate) struct Watch {
    registry: Arc<Registry>,
    link: Arc<Link>,
}

/// What ends a wait that does not end by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Interruption {
    /// The server drains.
    Drain,
    /// The connection is to close at once.
    Close,
    /// The deadline has passed.
    Late(Waiting),
}

/// One wait and its deadline, which is set when there is really something to wait for.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) waiting: Waiting,
    /// Whether a server that drains ends it.
    pub(crate) drains: bool,
    until: Option<u64>,
}

impl Wait {
    pub(crate) const fn new(waiting: Waiting) -> Self {
        Self { waiting, until: None, drains: false }
    }

    /// What is waited for has got on: the time starts anew.
    pub(crate) const fn restart(&mut self) {
        self.until = None;
    }
}

impl Watch {
    pub(crate) const fn new(registry: Arc<Registry>, link: Arc<Link>) -> Self {
        Self { registry, link }
    }

    /// The connection's number.
    pub(crate) fn id(&self) -> u64 {
        self.link.id
    }

    pub(crate) fn phase(&self) -> Phase {
        self.link.phase()
    }

    /// The MTA and we agree: the connection is not shed any more. `false` if it already was.
    pub(crate) fn negotiated(&self) -> bool {
        self.link.negotiation.fetch_max(AGREED, Ordering::Relaxed) != SHED
    }

    /// To be polled last, when the task is about to wait: makes sure that it is woken for whatever interrupts it.
    pub(crate) fn poll_interrupted(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        deadlines: &Deadlines,
    ) -> Poll<Interruption> {
        self.link.waker.register(cx.waker());
        if self.link.negotiation.load(Ordering::Relaxed) == UNKNOWN {
            self.link.negotiation.fetch_max(AWAITED, Ordering::Relaxed);
        }
        match self.link.phase() {
            Phase::Closing => return Poll::Ready(Interruption::Close),
            Phase::Draining if wait.drains => return Poll::Ready(Interruption::Drain),
            _ => {}
        }
        let Some(limit) = deadlines.limit(wait.waiting) else { return Poll::Pending };
        let now = clock::now();
        match wait.until {
            Some(until) if until <= now => return Poll::Ready(Interruption::Late(wait.waiting)),
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

impl Drop for Watch {
    fn drop(&mut self) {
        self.registry.end(self.link.id);
    }
}
