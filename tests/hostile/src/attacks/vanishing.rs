//! Peers that go: by a reset, without a word, by half, for a while.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, content, expect, offer, seen_of};
use crate::siege::Siege;
use crate::victim::{PATIENCE, Victim};
use milter_tests::{Signal, packet};
use std::io;
use std::thread;
use std::time::Duration;

const STOPPED: usize = 20;
/// How long something stands still.
const STILL: Duration = Duration::from_millis(300);

/// R13.
pub(super) fn vanishing(arena: &Arena) -> Report {
    let mut victim = Victim::start(arena);
    let base = victim.process().descriptors();
    let mut report = Report::default();
    let most = Siege { cpu: Duration::from_secs(3), ..Siege::USUAL };
    let lost = most.lay(&victim, "vanishing peers", &mut report, || (vec![], cut_everywhere(&victim)));
    report.count("answers lost after the sending half was closed", lost, 0);
    let lost = stopped_peers(&victim, &mut report);
    report.count("answers lost by peers that stand still in a packet", lost, 0);
    report.count("answers lost while the filter was stopped", stopped_filter(&victim), 0);
    write_to_nobody(&victim);
    victim.program.signal(Signal::SIGPIPE);
    report.count("sessions after SIGPIPE that were not served", usize::from(!is_served(&victim)), 0);
    report.count("still runs", usize::from(victim.program.is_running()), 1);
    let (left, _) = victim.await_descriptors(base, PATIENCE);
    report.count("descriptors lost", left - base, 0);
    report
}

fn is_served(victim: &Victim) -> bool {
    Peer::session(&victim.endpoint, "<after@good>").is_ok()
}

/// A whole session in octets, the end of its message last.
fn whole_session(sender: &str) -> Vec<u8> {
    [
        offer(),
        packet(b'C', b"client.example\x004\x61\xa8192.0.2.25\0"),
        packet(b'H', b"cut\0"),
        packet(b'M', format!("{sender}\0").as_bytes()),
        packet(b'R', b"<user@example.org>\0"),
        content(),
        packet(b'E', b""),
    ]
    .concat()
}

/// Goes after every octet of a session, in each way. Whoever has sent it all and closed by half is to be answered.
fn cut_everywhere(victim: &Victim) -> usize {
    let session = whole_session("<cut@peer>");
    for count in 0..=session.len() {
        for resets in [false, true] {
            let mut peer = victim.connect();
            peer.send(&session[..count]).unwrap_or_else(|error| panic!("not taken: {error}"));
            if resets {
                peer.reset();
            }
        }
        let mut peer = victim.connect();
        peer.send(&session[..count]).unwrap_or_else(|error| panic!("not taken: {error}"));
        peer.half_close();
        peer.hears_end().unwrap_or_else(|error| panic!("half closed after {count} octets: {error}"));
    }
    let mut lost = 0;
    for sender in ["<cut@peer>", "<pause@end>"] {
        for _ in 0..10 {
            let mut peer = victim.connect();
            let answered = peer.send(&whole_session(sender)).and_then(|()| {
                peer.half_close();
                expect(
                    "Occcc",
                    &(0..5).map(|_| Ok(char::from(peer.hear()?[0]))).collect::<io::Result<String>>()?,
                )?;
                expect(&peer.hears_seen()?, &seen_of("cut", sender, 1))
            });
            if let Err(error) = answered {
                eprintln!("half closed: {error}");
                lost += 1;
            }
        }
    }
    lost
}

/// Peers that stop in the middle of a packet, as a process does that gets SIGSTOP, and go on.
fn stopped_peers(victim: &Victim, report: &mut Report) -> usize {
    let mut peers: Vec<Peer> = (0..STOPPED).map(|_| victim.in_message("<still@peer>")).collect();
    let end = packet(b'E', b"");
    for peer in &mut peers {
        peer.send(&end[..3]).unwrap_or_else(|error| panic!("{error}"));
    }
    report.at_rest("processor time while they stand still", victim);
    peers.iter_mut().filter_map(|peer| answered(peer, &end[3..]).err()).count()
}

fn stopped_filter(victim: &Victim) -> usize {
    let mut peers: Vec<Peer> = (0..STOPPED).map(|_| victim.in_message("<still@peer>")).collect();
    victim.program.signal(Signal::SIGSTOP);
    let sent: Vec<_> = peers.iter_mut().map(|peer| peer.send(&packet(b'E', b""))).collect();
    thread::sleep(STILL);
    victim.program.signal(Signal::SIGCONT);
    let answers = peers.iter_mut().zip(sent).map(|(peer, sent)| sent.and_then(|()| answered(peer, b"")));
    answers.filter_map(Result::err).count()
}

fn answered(peer: &mut Peer, octets: &[u8]) -> io::Result<()> {
    peer.send(octets)?;
    expect(&peer.hears_seen()?, &seen_of("attacker", "<still@peer>", 1))
}

/// Asks much and goes at once: the answers are written to a socket that nobody has.
fn write_to_nobody(victim: &Victim) {
    for _ in 0..50 {
        let mut peer = victim.negotiated();
        let recipients = packet(b'R', b"<a@b>\0").repeat(500);
        // The filter may see the end, and go, before all of it is written.
        let _ = peer.send(&[packet(b'M', b"<a@b>\0"), recipients].concat());
    }
}
