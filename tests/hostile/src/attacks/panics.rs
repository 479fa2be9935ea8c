//! An application that panics: its own message fails, and nobody else's.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect, seen_of};
use crate::siege::Siege;
use crate::victim::{PATIENCE, Victim};
use milter_tests::packet;
use std::io;

const PANICS: usize = 20;
const OTHERS: usize = 5;

/// R14.
pub(super) fn panics(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let base = victim.process().descriptors();
    let mut others: Vec<Peer> = (0..OTHERS).map(|_| victim.in_message("<other@good>")).collect();
    let mut report = Report::default();
    let (unanswered, not_closed) =
        Siege::USUAL.lay(&victim, "panics", &mut report, || (vec![], panicking(&victim)));
    let served = |peer: &mut Peer| -> io::Result<()> {
        expect(&peer.ends()?, &seen_of("attacker", "<other@good>", 1))?;
        peer.begins("<other@good>")?;
        expect(&peer.ends()?, &seen_of("attacker", "<other@good>", 2))
    };
    let lost = others.iter_mut().filter_map(|peer| served(peer).err()).count();
    drop(others);
    report.count(&format!("of {PANICS} panics, not answered by a temporary failure"), unanswered, 0);
    report.count("their connections that were not closed after it", not_closed, 0);
    report.count(&format!("of {OTHERS} other sessions, lost"), lost, 0);
    let (left, _) = victim.await_descriptors(base, PATIENCE);
    report.count("descriptors lost", left - base, 0);
    report
}

/// How many panics were not answered, and after how many the connection was not closed.
fn panicking(victim: &Victim) -> (usize, usize) {
    let (mut unanswered, mut not_closed) = (0, 0);
    for panic in 0..PANICS {
        let mut peer = victim.negotiated();
        let asked = if panic % 2 == 0 {
            peer.opens("panic").and_then(|()| peer.ask(&packet(b'M', b"<panic@mail>\0"), "t"))
        } else {
            peer.opens("panic")
                .and_then(|()| peer.begins("<panic@end>"))
                .and_then(|()| peer.ask(&packet(b'E', b""), "t"))
        };
        unanswered += usize::from(asked.is_err());
        not_closed += usize::from(!peer.hears_end().is_ok_and(|(octets, _)| octets.is_empty()));
    }
    (unanswered, not_closed)
}
