//! Who keeps us waiting is closed, when we said so.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::Peer;
use crate::siege::Siege;
use crate::victim::Victim;
use std::thread;
use std::time::{Duration, Instant};

/// How many keep us waiting at once.
const WAITED_FOR: usize = 40;

/// Who keeps us waiting, and for how long.
struct Delay {
    what: &'static str,
    /// Sends what it sends, and nothing more.
    sends: fn(&Victim) -> Peer,
    deadline: Duration,
}

/// R11. In full with the deadlines as they are, otherwise with shorter ones.
pub(super) fn deadlines(arena: &Arena) -> Report {
    let milliseconds = Duration::from_millis;
    let (first, packet) = if arena.long {
        (milliseconds(10_000), milliseconds(30_000))
    } else {
        (milliseconds(600), milliseconds(900))
    };
    let by_default = vec![
        Delay { what: "nothing was sent", sends: Victim::connect, deadline: first },
        Delay { what: "half a length was sent first", sends: half_a_length_first, deadline: first },
        Delay { what: "half a length was sent", sends: half_a_length, deadline: packet },
        Delay { what: "half a packet was sent", sends: half_a_packet, deadline: packet },
        Delay { what: "a packet is sent octet by octet", sends: half_a_packet_in_pieces, deadline: packet },
    ];
    let short = ["--first-packet", "600", "--packet", "900"];
    let victim = Victim::start_with(arena, if arena.long { &[] } else { &short });
    let mut report = Report::default();
    let waited_for = [Victim::connect, half_a_length_first, half_a_length, half_a_packet];
    Siege::USUAL.lay(&victim, "who keeps us waiting", &mut report, || {
        (waited_for.iter().cycle().take(WAITED_FOR).map(|sends| sends(&victim)).collect(), ())
    });
    let idle = milliseconds(1000);
    let configured = vec![
        Delay { what: "idle, configured", sends: Victim::negotiated, deadline: idle },
        Delay {
            what: "idle in a message, configured",
            sends: |victim| victim.in_message("<a@b>"),
            deadline: idle,
        },
    ];
    let victims = [(victim, by_default), (Victim::start_with(arena, &["--idle", "1000"]), configured)];
    thread::scope(|scope| {
        let mut waiting = vec![];
        for (victim, delays) in &victims {
            for delay in delays {
                waiting.push((delay, scope.spawn(move || closed_after(victim, delay.sends))));
            }
        }
        for (delay, thread) in waiting {
            let time = thread.join().unwrap_or_else(|_| panic!("not closed: {}", delay.what));
            report.deadline(&format!("closed after: {}", delay.what), time, delay.deadline);
        }
    });
    report
}

/// How long it takes until a peer is closed that sends this.
fn closed_after(victim: &Victim, sends: fn(&Victim) -> Peer) -> Duration {
    let start = Instant::now();
    let (octets, _) = sends(victim).hears_end().unwrap_or_else(|error| panic!("not closed: {error}"));
    assert!(octets.is_empty(), "an answer to nothing: {octets:02x?}");
    start.elapsed()
}

fn half_a_length_first(victim: &Victim) -> Peer {
    sends(victim.connect(), b"\0\0")
}

fn half_a_length(victim: &Victim) -> Peer {
    sends(victim.negotiated(), b"\0\0")
}

fn half_a_packet(victim: &Victim) -> Peer {
    sends(victim.negotiated(), b"\0\0\0\x08M<a")
}

/// Each octet comes in time, the packet does not. It goes on in the background.
fn half_a_packet_in_pieces(victim: &Victim) -> Peer {
    let peer = victim.negotiated();
    let sending = Peer { socket: peer.socket.try_clone().unwrap_or_else(|error| panic!("{error}")) };
    thread::spawn(move || {
        let mut sending = sending;
        let mut octets = b"\0\0\xff\xffB".iter().chain(std::iter::repeat(&b'x'));
        // Ends when the connection does.
        while octets.next().is_some_and(|octet| sending.send(&[*octet]).is_ok()) {
            thread::sleep(Duration::from_millis(50));
        }
    });
    peer
}

fn sends(mut peer: Peer, octets: &[u8]) -> Peer {
    peer.send(octets).unwrap_or_else(|error| panic!("{error}"));
    peer
}
