//! What an attack costs the filter and others: measured in the same way for each, whatever else is measured of it.

use crate::bystanders::served_beside;
use crate::figure::Report;
use crate::peer::Peer;
use crate::victim::{PATIENCE, Victim};
use std::time::Duration;

/// How long the processor time is measured of a filter that has nothing to do.
const WATCHED: Duration = Duration::from_millis(500);
/// What it may take of one processor then, in percent. Who spins takes all of one.
const AT_REST: f64 = 5.0;

/// An attack while well-behaved MTAs have their sessions, and the most that it may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Siege {
    /// How many have their sessions beside it.
    pub(crate) bystanders: usize,
    /// The slowest session of these.
    pub(crate) beside: Duration,
    /// Processor time, with that for the well-behaved sessions.
    pub(crate) cpu: Duration,
    /// Memory, at its peak.
    pub(crate) memory: i64,
    /// Memory that is left of it.
    pub(crate) left: i64,
    /// How long it may take until all of its connections are gone.
    pub(crate) gone: Duration,
}

impl Siege {
    pub(crate) const USUAL: Self = Self {
        bystanders: 2,
        beside: Duration::from_millis(50),
        cpu: Duration::from_secs(1),
        memory: 1 << 20,
        left: 1 << 20,
        gone: Duration::from_secs(3),
    };

    /// Attacks, lets go of the peers that the attack holds on to, and gives what it says besides.
    pub(crate) fn lay<T>(
        self,
        victim: &Victim,
        what: &str,
        report: &mut Report,
        attack: impl FnOnce() -> (Vec<Peer>, T),
    ) -> T {
        let process = victim.process();
        let name = |figure: &str| format!("{what}: {figure}");
        // By the time that memory is at rest whoever went before is gone.
        let (memory, descriptors) = (victim.memory_at_rest(), process.descriptors());
        process.forget_peak();
        let cpu = process.cpu();
        let ((held, said), service) = served_beside(victim, self.bystanders, attack);
        report.time(&name("processor time"), process.cpu() - cpu, self.cpu);
        report.octets(&name("peak of memory"), process.peak() - memory, self.memory);
        report.time(&name("slowest session beside it"), service.slowest, self.beside);
        report.count(&name("sessions beside it that were not served"), service.lost, 0);
        if !held.is_empty() {
            report.at_rest(&name("processor time while nobody speaks"), victim);
        }
        drop(held);
        let (left, gone) = victim.await_descriptors(descriptors, PATIENCE);
        report.time(&name("gone after it"), gone, self.gone);
        report.count(&name("descriptors lost"), left - descriptors, 0);
        report.octets(&name("memory left"), victim.memory_at_rest() - memory, self.left);
        report.at_rest(&name("processor time after it"), victim);
        said
    }
}

impl Report {
    /// Whether a filter that has nothing to do does nothing.
    pub(crate) fn at_rest(&mut self, what: &str, victim: &Victim) {
        self.percent(what, victim.process().share_of_cpu(WATCHED) * 100.0, AT_REST);
    }
}
