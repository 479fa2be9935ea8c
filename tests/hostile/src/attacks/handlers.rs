//! Handlers that take their time, or never end.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect, seen_of};
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

const SLOW: usize = 50;
const HUNG: usize = 20;

/// R17.
pub(super) fn handlers(arena: &Arena) -> Report {
    let mut report = Report::default();
    slow(arena, &mut report);
    hung(arena, &mut report);
    late(arena, &mut report);
    report
}

/// Handlers of two seconds, all at once.
fn slow(arena: &Arena, report: &mut Report) {
    let victim = Victim::start(arena);
    let mut peers: Vec<Peer> = (0..SLOW).map(|_| victim.in_message("<slow@end>")).collect();
    let start = Instant::now();
    for peer in &mut peers {
        peer.send(&packet(b'E', b"")).unwrap_or_else(|error| panic!("{error}"));
    }
    report.at_rest(&format!("processor time of {SLOW} handlers that wait"), &victim);
    let lost = peers.iter_mut().filter_map(|peer| hears_after_progress(peer).err()).count();
    report.time(&format!("{SLOW} handlers of 2 s each"), start.elapsed(), Duration::from_millis(2500));
    report.count("their answers that were lost", lost, 0);
}

/// The answer to a slow message, after the signs of life before it.
fn hears_after_progress(peer: &mut Peer) -> io::Result<()> {
    let mut answer = peer.hear()?;
    while answer == b"p" {
        answer = peer.hear()?;
    }
    expect(&String::from_utf8_lossy(&answer), &format!("h{}", seen_of("attacker", "<slow@end>", 1)))?;
    expect(&String::from_utf8_lossy(&peer.hear()?), "c")
}

/// Handlers that never end: nobody else waits for them, and they end when their peers go.
fn hung(arena: &Arena, report: &mut Report) {
    let victim = Victim::start(arena);
    let hang = |sender: &str, last: &[u8]| -> Vec<Peer> {
        let hangs = || -> io::Result<Peer> {
            let mut peer = victim.negotiated();
            peer.opens("hung")?;
            if sender == "<hang@end>" {
                peer.begins(sender)?;
            }
            peer.send(last)?;
            Ok(peer)
        };
        (0..HUNG / 2).map(|_| hangs().unwrap_or_else(|error| panic!("{error}"))).collect()
    };
    Siege::USUAL.lay(&victim, &format!("{HUNG} hung handlers"), report, || {
        let mut peers = hang("<hang@mail>", &packet(b'M', b"<hang@mail>\0"));
        peers.extend(hang("<hang@end>", &packet(b'E', b"")));
        thread::sleep(Duration::from_millis(500));
        (peers, ())
    });
}

/// A handler that is late is given up, and its message fails.
fn late(arena: &Arena, report: &mut Report) {
    let deadline = Duration::from_millis(700);
    let victim = Victim::start_with(arena, &["--hook", "700"]);
    let mut peer = victim.in_message("<hang@end>");
    let start = Instant::now();
    let failed = peer.ask(&packet(b'E', b""), "t");
    report.deadline("temporary failure at the deadline", start.elapsed(), deadline);
    report.count("late handlers that were answered otherwise", usize::from(failed.is_err()), 0);
    let closed = peer.hears_end().is_ok_and(|(octets, _)| octets.is_empty());
    report.count("their connections that were not closed", usize::from(!closed), 0);
}
