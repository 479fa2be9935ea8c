//! Many connections that hold on to what they can: a buffer for the beginning of a packet.

use crate::arena::Arena;
use crate::bystanders::served_beside;
use crate::figure::Report;
use crate::peer::Peer;
use crate::victim::Victim;
use std::time::{Duration, Instant};

const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;
/// How many connections are measured, and how many there are in full.
const FEW: usize = 500;
const MANY: usize = 10_000;
/// How long the memory of connections that have gone may stay.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(5);

/// What each connection has sent after the negotiation.
struct Hold {
    what: &'static str,
    octets: usize,
    /// The most memory for each.
    each: i64,
    /// The most memory for all of [`MANY`].
    all: i64,
}

const HOLDS: [Hold; 3] = [
    Hold { what: "idle", octets: 0, each: 10 * KIB, all: 160 * MIB },
    Hold { what: "5 octets of a packet", octets: 5, each: 16 * KIB, all: 160 * MIB },
    Hold { what: "65000 octets of a packet", octets: 65_000, each: 76 * KIB, all: 760 * MIB },
];

/// R9.
pub(super) fn memory(arena: &Arena) -> Report {
    let mut report = Report::default();
    for hold in &HOLDS {
        let victim = Victim::start(arena);
        let before = victim.memory_at_rest();
        let peers = held(&victim, FEW, hold);
        let grown = victim.memory_at_rest() - before;
        report.octets(&format!("memory of a connection: {}", hold.what), grown / FEW as i64, hold.each);
        report.at_rest(&format!("processor time of {FEW} connections: {}", hold.what), &victim);
        peers.into_iter().for_each(Peer::reset);
        if arena.long {
            many(arena, hold, &mut report);
        }
    }
    report
}

fn many(arena: &Arena, hold: &Hold, report: &mut Report) {
    let victim = Victim::start(arena);
    let descriptors = victim.process().descriptors();
    let before = victim.memory_at_rest();
    let (peers, service) = served_beside(&victim, 2, || {
        let peers = held(&victim, MANY, hold);
        victim.memory_at_rest();
        peers
    });
    let what = |what: &str| format!("{MANY} connections, {}: {what}", hold.what);
    report.octets(&what("peak memory"), victim.process().peak(), hold.all);
    report.time(&what("slowest session beside them"), service.slowest, Duration::from_millis(100));
    report.count(&what("sessions beside them that were not served"), service.lost, 0);
    report.at_rest(&what("processor time while nobody speaks"), &victim);
    let gone = Instant::now();
    peers.into_iter().for_each(Peer::reset);
    let (left, _) = victim.await_descriptors(descriptors, GIVEN_BACK_WITHIN);
    report.count(&what("descriptors left"), left - descriptors, 0);
    while gone.elapsed() < GIVEN_BACK_WITHIN && victim.process().memory() - before > 64 * MIB {
        std::thread::sleep(Duration::from_millis(50));
    }
    report.octets(&what("memory left of it"), victim.process().memory() - before, 64 * MIB);
}

fn held(victim: &Victim, count: usize, hold: &Hold) -> Vec<Peer> {
    let packet = [&65_536_u32.to_be_bytes(), &b"B"[..], &[b'x'; 65_535]].concat();
    (0..count)
        .map(|_| {
            let mut peer = victim.negotiated();
            peer.send(&packet[..hold.octets]).unwrap_or_else(|error| panic!("not taken: {error}"));
            peer
        })
        .collect()
}
