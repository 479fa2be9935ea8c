//! The connections of a server: who they are, what ends them, and when to look at their deadlines.

use crate::clock;
use crate::link::{Link, NEVER};
use crate::lock::lock;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Event, EventListener, Mutex, MutexGuard};
use milter_proto::Phase;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Deadlines that are this near to each other are looked at together, in milliseconds.
const GRANULARITY: u64 = 250;

/// The connections of a server.
#[derive(Debug)]
pub(crate) struct Registry {
    connections: Mutex<Connections>,
    /// A connection ended.
    ended: Event,
    phase_changed: Event,
    /// When the deadlines are looked at next.
    next_look: AtomicU64,
    sooner: Event,
}

#[derive(Debug, Default)]
struct Connections {
    links: BTreeMap<u64, Arc<Link>>,
    last_id: u64,
    phase: Phase,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            connections: Mutex::default(),
            ended: Event::new(),
            phase_changed: Event::new(),
            next_look: AtomicU64::new(NEVER),
            sooner: Event::new(),
        }
    }

    /// A connection begins, unless there are so many.
    pub(crate) fn begin(&self, limit: usize) -> Option<Arc<Link>> {
        let mut connections = self.connections();
        if connections.links.len() >= limit {
            return None;
        }
        connections.last_id = connections.last_id.wrapping_add(1);
        let id = connections.last_id;
        Some(Self::insert(connections, id))
    }

    /// A connection begins whose number somebody else gave.
    pub(crate) fn begin_as(&self, id: u64) -> Arc<Link> {
        Self::insert(self.connections(), id)
    }

    fn insert(mut connections: MutexGuard<'_, Connections>, id: u64) -> Arc<Link> {
        let link = Arc::new(Link::new(id, connections.phase));
        connections.links.insert(id, Arc::clone(&link));
        link
    }

    /// A connection has ended.
    pub(crate) fn end(&self, id: u64) {
        self.connections().links.remove(&id);
        self.ended.notify(usize::MAX);
    }

    pub(crate) fn count(&self) -> usize {
        self.connections().links.len()
    }

    /// Closes the oldest connection that has not negotiated, if there is one and its MTA keeps us waiting. Of one that was
    /// not looked at yet nobody knows: it may have made its offer.
    pub(crate) fn shed(&self) -> Option<u64> {
        let connections = self.connections();
        // One at a time: the last one may not have had its turn to go yet.
        if connections.links.values().any(|link| link.phase() > connections.phase) {
            return None;
        }
        let oldest = connections.links.values().find(|link| !link.has_negotiated()).cloned();
        drop(connections);
        let link = oldest.filter(|link| link.shed())?;
        link.enter(Phase::Closing);
        Some(link.id)
    }

    /// Waits until `condition` holds, which is looked at whenever a connection ends.
    pub(crate) async fn ended(&self, mut condition: impl FnMut(usize) -> bool) {
        loop {
            let ended = self.ended.listen();
            if condition(self.count()) {
                return;
            }
            ended.await;
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.connections().phase
    }

    /// Tells every connection how far the end has come. It does not go back.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut connections = self.connections();
        let mut told = Vec::new();
        if phase > connections.phase {
            connections.phase = phase;
            told.extend(connections.links.values().cloned());
        }
        drop(connections);
        told.iter().for_each(|link| link.enter(phase));
        self.phase_changed.notify(usize::MAX);
    }

    /// Waits until the end has come so far.
    pub(crate) async fn entered(&self, phase: Phase) {
        loop {
            let changed = self.phase_changed.listen();
            if self.phase() >= phase {
                return;
            }
            changed.await;
        }
    }

    /// Sees to it that the deadlines are looked at by then.
    pub(crate) fn look_at(&self, time: u64) {
        // Mostly there is nothing to do: the next look is due before any deadline that is set now.
        if time < self.next_look.load(Ordering::SeqCst) {
            self.next_look.fetch_min(time, Ordering::SeqCst);
            self.sooner.notify(1);
        }
    }

    /// Looks at the deadlines of all connections, and tells when to look again.
    pub(crate) fn look(&self) -> Option<Duration> {
        // In this order: a deadline that is set meanwhile is either seen here, or finds NEVER and has us look again.
        self.next_look.store(NEVER, Ordering::SeqCst);
        let now = clock::now();
        let mut late = Vec::new();
        let mut next = NEVER;
        for link in self.connections().links.values() {
            match link.look(now) {
                None => late.push(Arc::clone(link)),
                Some(deadline) => next = next.min(deadline),
            }
        }
        late.iter().for_each(|link| link.wake());
        if next == NEVER {
            return None;
        }
        let next = next.max(now.saturating_add(GRANULARITY));
        self.next_look.fetch_min(next, Ordering::SeqCst);
        Some(Duration::from_millis(next.saturating_sub(now)))
    }

    /// Something to wait on until the next look must be sooner; to be made before a look.
    pub(crate) fn sooner(&self) -> EventListener {
        self.sooner.listen()
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        // Nothing that panics is done under the lock, and no waker, which is somebody else's code, is called.
        lock(&self.connections)
    }
}
