//! Nothing of a message, an SMTP session or a connection is seen by another.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect};
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::io;

const INTERLEAVED: usize = 64;
const MESSAGES: usize = 3;

/// R5.
pub(super) fn state(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let leaked = Siege::USUAL.lay(&victim, "interleaved", &mut report, || interleaved(&victim));
    report.count("wrong answers in 64 interleaved connections", leaked, 0);
    report.count("wrong answers around QUIT_NC and ABORT", after_others(&victim), 0);
    report
}

/// Connections that take turns, and how many answers were wrong.
fn interleaved(victim: &Victim) -> (Vec<Peer>, usize) {
    let mut peers: Vec<Peer> = (0..INTERLEAVED).map(|_| victim.negotiated()).collect();
    let mut leaked = 0;
    let mut check = |done: io::Result<()>| {
        if let Err(error) = done {
            eprintln!("{error}");
            leaked += 1;
        }
    };
    for (number, peer) in peers.iter_mut().enumerate() {
        check(peer.opens(&format!("peer-{number}")));
    }
    for message in 0..MESSAGES {
        // Each does one step, then each the next.
        for (step, _) in [(); 5].iter().enumerate() {
            for (number, peer) in peers.iter_mut().enumerate() {
                check(interleaved_step(peer, number, message, step));
            }
        }
    }
    (peers, leaked)
}

fn interleaved_step(peer: &mut Peer, number: usize, message: usize, step: usize) -> io::Result<()> {
    let count = number % 7 + message;
    match step {
        0 => {
            if message == 1 {
                peer.send(&packet(b'D', format!("Mi\0queue-{number}\0").as_bytes()))?;
            }
            peer.ask(&packet(b'M', format!("<{number}.{message}@peer>\0").as_bytes()), "c")
        }
        1 => (0..=count).try_for_each(|_| peer.ask(&packet(b'R', b"<a@b>\0"), "c")),
        2 => peer.send(&packet(b'L', b"name\0value\0").repeat(count)),
        3 => peer.send(&packet(b'B', &vec![b'x'; number * 10 + message + 1])),
        _ => {
            let queue_id = if message == 1 { format!("queue-{number}") } else { String::new() };
            let expected = format!(
                "X-Seen\0helo=peer-{number} sender=<{number}.{message}@peer> recipients={} headers={count} octets={} \
                 queue={queue_id} message={}\0",
                count + 1,
                number * 10 + message + 1,
                message + 1
            );
            expect(&peer.ends()?, &expected)
        }
    }
}

/// One client after the other over one connection, with messages that are aborted in between.
fn after_others(victim: &Victim) -> usize {
    let mut peer = victim.negotiated();
    let mut wrong = 0;
    for client in 0..20 {
        let served = (|| {
            peer.opens(&format!("client-{client}"))?;
            for _ in 0..2 {
                peer.send(&packet(b'D', b"Mi\0aborted\0"))?;
                peer.begins("<aborted@client>")?;
                peer.send(&packet(b'A', b""))?;
            }
            peer.begins("<sent@client>")?;
            expect(&peer.ends()?, &crate::peer::seen_of(&format!("client-{client}"), "<sent@client>", 3))?;
            peer.begins("<cut@client>")?;
            peer.send(&packet(b'K', b""))
        })();
        if let Err(error) = served {
            eprintln!("client {client}: {error}");
            wrong += 1;
        }
    }
    wrong
}
