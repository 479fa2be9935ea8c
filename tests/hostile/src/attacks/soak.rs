//! Millions of messages: nothing is left of them.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, content, expect};
use crate::victim::{PATIENCE, Victim};
use milter_tests::packet;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

const CONNECTIONS: u64 = 8;

/// R20.
pub(super) fn soak(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let process = victim.process();
    let base = process.descriptors();
    let mut peers: Vec<Peer> = (0..CONNECTIONS).map(|_| victim.negotiated()).collect();
    let each = (arena.messages / CONNECTIONS).max(10);
    let (first, rest) = (each / 10, each - each / 10);
    let mut lost = send(&mut peers, first);
    let before = victim.memory_at_rest();
    let threads = process.threads();
    let cpu = process.cpu();
    lost += send(&mut peers, rest);
    let mut report = Report::default();
    let messages = u32::try_from(rest * CONNECTIONS).unwrap_or(u32::MAX);
    report.time("processor time of a message", (process.cpu() - cpu) / messages, Duration::from_micros(200));
    report.at_rest("processor time after them", &victim);
    report.octets(
        &format!("memory after {} messages, beyond that after the first tenth", each * CONNECTIONS),
        victim.memory_at_rest() - before,
        1 << 20,
    );
    report.count("connections that were not served to the end", lost, 0);
    drop(peers);
    let sessions = if arena.long { 20_000 } else { 300 };
    let failed = (0..sessions).filter(|_| Peer::session(&victim.endpoint, "<soak@good>").is_err()).count();
    report.count(&format!("of {sessions} sessions, not served"), failed, 0);
    report.octets("memory after them, beyond that", victim.memory_at_rest() - before, 1 << 20);
    let (left, _) = victim.await_descriptors(base, PATIENCE);
    report.count("descriptors lost", left - base, 0);
    report.count("threads more than before", process.threads().saturating_sub(threads), 0);
    report
}

/// Sends so many messages over each connection; how many of these fail.
fn send(peers: &mut [Peer], messages: u64) -> usize {
    thread::scope(|scope| {
        let threads: Vec<_> =
            peers.iter_mut().map(|peer| scope.spawn(move || converse(peer, messages))).collect();
        let ended =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panic!("a peer panicked")));
        ended.filter_map(|ended| ended.inspect_err(|error| eprintln!("soak: {error}")).err()).count()
    })
}

/// An MTA that does not wait for the answers to a message before it sends the rest of it.
fn converse(peer: &mut Peer, messages: u64) -> io::Result<()> {
    let message = [
        packet(b'D', b"Mi\x004XyZ1234AbCd\0"),
        packet(b'M', b"<soak@good>\0"),
        packet(b'R', b"<user@example.org>\0"),
        content(),
        packet(b'E', b""),
    ]
    .concat();
    let mut answers = vec![0; 512];
    let verdict = packet(b'c', b"");
    let mut expected = 0;
    for _ in 0..messages {
        peer.send(&message)?;
        let mut got = 0;
        loop {
            let count = peer.socket.read(&mut answers[got..])?;
            got += count;
            let (letters, whole) = letters(&answers[..got]);
            if count == 0 || (whole && letters == "cchc") {
                expect(&letters, "cchc")?;
                break;
            }
        }
        // The number of the message is part of the answer, and grows; nothing else does.
        assert!(answers[..got].ends_with(&verdict), "a message ends by its verdict");
        assert!(
            expected == 0 || got.abs_diff(expected) <= 1,
            "an answer of {got} octets after one of {expected}"
        );
        expected = got;
    }
    // Nobody waits for what is not there.
    peer.socket.set_read_timeout(Some(Duration::from_secs(60)))
}

/// The letters of packets, and whether the last one is whole.
fn letters(mut octets: &[u8]) -> (String, bool) {
    let mut letters = String::new();
    while let Some((head, rest)) = octets.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*head) as usize;
        if rest.len() < length {
            return (letters, false);
        }
        letters.push(char::from(rest[0]));
        octets = &rest[length..];
    }
    (letters, octets.is_empty())
}
