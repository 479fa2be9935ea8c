//! What cannot be understood, or cannot come now, ends the connection: soon, and without an answer.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::offer;
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::{packet, words};
use milter_vectors::{Class, Side, examples};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(100);
/// A receive buffer: a thread makes its own when it serves its first connection, which may be any.
const BUFFER: i64 = milter_proto::BUFFER_SIZE as i64;

/// R2.
pub(super) fn malformed(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let (answered, slowest, count) =
        Siege::USUAL.lay(&victim, "malformed", &mut report, || (vec![], every(&victim)));
    report.count("malformed or out of order inputs that were answered", answered, 0);
    report.time(&format!("slowest close of {count}"), slowest, SOON);
    report
}

/// How many were answered, how long the slowest close took, and how many there are.
fn every(victim: &Victim) -> (usize, Duration, usize) {
    let (mut answered, mut slowest, mut count) = (0, Duration::ZERO, 0);
    let mut attack = |octets: &[u8], expected: &[u8], then_end: bool| {
        let (answer, time) = closed_after(victim, octets, then_end);
        if answer != expected {
            eprintln!("answered by {answer:02x?}: {octets:02x?}");
            answered += 1;
        }
        slowest = slowest.max(time);
        count += 1;
    };
    let agreed = closed_after(victim, &[offer(), packet(b'Q', b"")].concat(), false).0;
    for example in examples() {
        if example.sender == Side::Mta && example.class == Class::Invalid {
            // Some are frames that are cut: malformed once the stream ends.
            attack(&[offer(), example.wire()].concat(), &agreed, true);
        }
    }
    for octets in before_negotiation() {
        attack(&octets, b"", false);
    }
    for (commands, answers) in OUT_OF_ORDER {
        let octets: Vec<u8> = commands.bytes().flat_map(command).collect();
        let answers: Vec<u8> = answers.bytes().flat_map(|letter| packet(letter, b"")).collect();
        attack(&[offer(), octets].concat(), &[agreed.clone(), answers].concat(), false);
    }
    (answered, slowest, count)
}

/// R3.
pub(super) fn oversize(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let lengths = [65_537_u32, 0x0010_0001, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX];
    let mut slowest = Duration::ZERO;
    let mut refuse = |rounds: usize, first: &[u8]| {
        for length in lengths.iter().cycle().take(rounds) {
            let octets = [first, &length.to_be_bytes()].concat();
            let (answer, time) = closed_after(&victim, &octets, false);
            assert!(first.is_empty() == answer.is_empty(), "{length:#x} was answered by {answer:02x?}");
            slowest = slowest.max(time);
        }
    };
    for first in [&b""[..], &offer()] {
        refuse(200, first);
    }
    let mut report = Report::default();
    let most = Siege { memory: 256 << 10, left: 2 * BUFFER, ..Siege::USUAL };
    most.lay(&victim, "600 oversize lengths", &mut report, || {
        for first in [&b""[..], &offer()] {
            refuse(300, first);
        }
        (vec![], ())
    });
    report.time("slowest close on four octets of a length", slowest, SOON);
    report
}

/// What is answered to these octets, and how long it takes until the connection is closed.
fn closed_after(victim: &Victim, octets: &[u8], then_end: bool) -> (Vec<u8>, Duration) {
    let mut peer = victim.connect();
    let start = Instant::now();
    // The filter may have closed before all of it was written.
    let _ = peer.send(octets);
    if then_end {
        peer.half_close();
    }
    let (answer, _) = peer.hears_end().unwrap_or_else(|error| panic!("{octets:02x?} is not closed: {error}"));
    (answer, start.elapsed())
}

fn before_negotiation() -> Vec<Vec<u8>> {
    vec![
        b"EHLO mail.example\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        packet(b'M', b"<a@b>\0"),
        packet(b'C', b"client.example\x004\x61\xa8192.0.2.25\0"),
        packet(b'D', b"Mi\x001\0"),
        packet(b'Q', b"junk"),
        packet(b'O', b""),
        packet(b'O', b"\0\0\0\x06\0\0\x01"),
        packet(b'O', &words(0, 0x1ff, 0x001f_ffff)),
        packet(b'O', &words(1, 0x1ff, 0x001f_ffff)),
        vec![0; 4],
        b"\0\0\0\x01\0".to_vec(),
        b"\0\0\0\x01o".to_vec(),
        vec![0xff; 64],
    ]
}

/// Commands, by their letters, of which the last has no place there, and what those before it are answered.
const OUT_OF_ORDER: [(&str, &str); 21] = [
    ("R", ""),
    ("L", ""),
    ("N", ""),
    ("B", ""),
    ("E", ""),
    ("T", ""),
    ("O", ""),
    ("CC", "c"),
    ("HC", "c"),
    ("MC", "c"),
    ("MTR", "cc"),
    ("MRLR", "cc"),
    ("MRLT", "cc"),
    ("MNL", "c"),
    ("MNN", "c"),
    ("MBN", "c"),
    ("MBR", "c"),
    ("MTU", "cc"),
    ("MRZ", "cc"),
    ("MRm", "cc"),
    ("MR\0", "cc"),
];

/// A command that is sound by itself.
fn command(letter: u8) -> Vec<u8> {
    match letter {
        b'O' => offer(),
        b'C' => packet(b'C', b"client.example\x004\x61\xa8192.0.2.25\0"),
        b'L' => packet(b'L', b"name\0value\0"),
        b'H' | b'M' | b'R' | b'B' | b'U' => packet(letter, b"<a@b>\0"),
        _ => packet(letter, b""),
    }
}
