//! More connections than there are descriptors.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, offer};
use crate::process::Process;
use crate::victim::{PATIENCE, Victim};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::thread;
use std::time::{Duration, Instant};

/// Descriptors that are left.
const LEFT: usize = 16;
const CLIENTS: usize = 300;
const SETTLED: Duration = Duration::from_millis(500);

/// R12.
pub(super) fn descriptors(arena: &Arena) -> Report {
    let mut report = Report::default();
    for (what, speaks) in [("silent", false), ("negotiated", true)] {
        starve(arena, what, speaks, &mut report);
    }
    report
}

fn starve(arena: &Arena, what: &str, speaks: bool, report: &mut Report) {
    let mut victim = Victim::start(arena);
    let process = victim.process();
    let base = process.descriptors();
    limit_descriptors(process, base + LEFT);
    let peers: Vec<Peer> = (0..CLIENTS)
        .map(|_| {
            let mut peer = victim.connect();
            if speaks {
                // Who is accepted is answered; the others wait for it.
                peer.send(&offer()).unwrap_or_else(|error| panic!("{error}"));
            }
            peer
        })
        .collect();
    // What is done once, to whoever came first, is over soon.
    thread::sleep(SETTLED);
    let name = |figure: &str| format!("{CLIENTS} {what} connections and {LEFT} descriptors: {figure}");
    report.at_rest(&name("processor time meanwhile"), &victim);
    drop(peers);
    let gone = Instant::now();
    let served = Peer::session(&victim.endpoint, "<after@good>");
    let time = gone.elapsed();
    report.count(&name("still runs"), usize::from(victim.program.is_running()), 1);
    report.at_rest(&name("processor time after them"), &victim);
    report.count(&name("session after them that was not served"), usize::from(served.is_err()), 0);
    report.time(&name("session after them"), time, Duration::from_millis(100));
    let (left, _) = victim.await_descriptors(base, PATIENCE);
    report.count(&name("descriptors lost"), left - base, 0);
}

/// Sets the soft limit of a process that runs.
fn limit_descriptors(process: Process, descriptors: usize) {
    let pid = i32::try_from(process.id).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: Some(descriptors as u64), maximum: getrlimit(Resource::Nofile).maximum };
    prlimit(pid, Resource::Nofile, limit).unwrap_or_else(|error| panic!("cannot limit descriptors: {error}"));
}
