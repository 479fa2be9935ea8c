//! Attackers and well-behaved MTAs at the same time.

use crate::arena::Arena;
use crate::bystanders::served_beside;
use crate::figure::Report;
use crate::peer::offer;
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::thread;
use std::time::{Duration, Instant};

/// What it is, and one round of it.
type Nuisance = (&'static str, fn(&Victim));

/// Attackers that cost the filter work, for as long as they go on.
const NUISANCES: [Nuisance; 5] = [
    ("a packet octet by octet", dribble),
    ("commands out of order", out_of_order),
    ("resets", resets),
    ("packets without effect", effectless),
    ("octets that are no protocol", junk),
];

/// R0: how a machine serves that does nothing else. Where this fails, the times of the others say little.
pub(super) fn nothing(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let ((), service) = served_beside(&victim, 2, || thread::sleep(Duration::from_millis(500)));
    let mut report = Report::default();
    report.time("slowest session beside nothing", service.slowest, Duration::from_millis(10));
    report.count("sessions beside nothing that were not served", service.lost, 0);
    report
}

/// R21.
pub(super) fn mixed(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let attacked = Duration::from_millis(if arena.long { 5000 } else { 300 });
    let mut report = Report::default();
    for (what, attack) in NUISANCES {
        // All processors may be busy with it.
        let most = Siege { bystanders: 4, cpu: attacked * 2, ..Siege::USUAL };
        most.lay(&victim, what, &mut report, || {
            let start = Instant::now();
            while start.elapsed() < attacked {
                attack(&victim);
            }
            (vec![], ())
        });
    }
    report
}

fn dribble(victim: &Victim) {
    let mut peer = victim.negotiated();
    for octet in packet(b'M', &[&[b'x'; 500][..], b"\0"].concat()) {
        peer.send(&[octet]).unwrap_or_else(|error| panic!("not taken: {error}"));
    }
}

fn out_of_order(victim: &Victim) {
    let mut peer = victim.connect();
    // It is closed before it has written all of this.
    let _ = peer.send(&[offer(), packet(b'E', b"").repeat(1000)].concat());
    let _ = peer.hears_end();
}

fn resets(victim: &Victim) {
    let mut peer = victim.connect();
    let _ = peer.send(&offer());
    peer.reset();
}

fn effectless(victim: &Victim) {
    let mut peer = victim.negotiated();
    let nothing = [packet(b'D', b"M"), packet(b'A', b""), packet(b'K', b"")].concat();
    peer.send(&nothing.repeat(2000)).unwrap_or_else(|error| panic!("not taken: {error}"));
}

fn junk(victim: &Victim) {
    let mut peer = victim.connect();
    let _ = peer.send(&[0xff; 4096]);
    let _ = peer.hears_end();
}
