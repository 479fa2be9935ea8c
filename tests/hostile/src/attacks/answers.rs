//! What a filter answers: hostile values do not pass, much of it passes whole.

use crate::arena::Arena;
use crate::figure::Report;
use crate::filter::{HOSTILE_VALUES, LARGE_BODY, LARGE_HEADERS};
use crate::peer::Peer;
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::io;

const STALLED: usize = 20;
/// The headers that an application adds are its own, and so is the body that it gives: here one for all.
const OWN: i64 = (STALLED * LARGE_HEADERS * ("X-Much".len() + 1 + 32 + 1)) as i64;
/// What all of them may take besides.
const BESIDE_OWN: i64 = 4 << 20;

/// R15.
pub(super) fn values(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let answers = Siege::USUAL.lay(&victim, "hostile values", &mut report, || {
        let mut peer = victim.in_message("<values@end>");
        let answers = peer.send(&packet(b'E', b"")).and_then(|()| hears_verdict(&mut peer));
        (vec![peer], answers.unwrap_or_else(|error| panic!("no verdict: {error}")))
    });
    report.count("answers with hostile values", answers.iter().filter(|answer| is_evil(answer)).count(), 0);
    let refused = format!("hX-Refused\0{HOSTILE_VALUES} of {HOSTILE_VALUES}\0");
    let others = answers.iter().filter(|answer| **answer != refused.as_bytes() && **answer != b"c").count();
    if others > 0 {
        eprintln!(
            "expected {refused:?}: {:?}",
            answers.iter().map(|a| a.escape_ascii().to_string()).collect::<Vec<_>>()
        );
    }
    report.count(&format!("answers beside that all {HOSTILE_VALUES} were refused"), others, 0);
    report
}

fn is_evil(answer: &[u8]) -> bool {
    let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
    has(b"Evil") || has(b"\r") || has(b"\n")
}

/// R16.
pub(super) fn large(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let (mut largest, mut headers, mut body) = (0, 0, 0);
    for _ in 0..2 {
        let mut peer = victim.in_message("<much@end>");
        let answers = peer.send(&packet(b'E', b"")).and_then(|()| hears_verdict(&mut peer));
        let answers = answers.unwrap_or_else(|error| panic!("no verdict: {error}"));
        largest = answers.iter().map(|answer| answer.len() - 1).max().unwrap_or_default();
        headers = answers.iter().filter(|answer| answer[0] == b'h').count();
        body = answers.iter().filter(|answer| answer[0] == b'b').map(|chunk| chunk.len() - 1).sum();
    }
    let before = victim.memory_at_rest();
    let stalled = stall(&victim);
    let grown = victim.memory_at_rest() - before;
    let slow = stalled.into_iter().map(|mut peer| hears_verdict(&mut peer));
    let whole = slow.filter_map(Result::ok).filter(|answers| answers.len() > LARGE_HEADERS + 48).count();
    let mut report = Report::default();
    // Others, that go without having read it.
    let most = Siege { memory: OWN + BESIDE_OWN, ..Siege::USUAL };
    most.lay(&victim, "answers that are not read", &mut report, || (stall(&victim), ()));
    report.octets("largest payload", largest as i64, 65_535);
    report.count("headers that arrived", headers, LARGE_HEADERS);
    report.count("octets of the body that arrived", body, LARGE_BODY);
    report.octets(
        &format!("memory of {STALLED} such answers that are not read, beside the application's own"),
        grown - OWN,
        BESIDE_OWN,
    );
    report.count("of them that arrived whole in the end", whole, STALLED);
    report
}

/// Peers that have much to read, and do not.
fn stall(victim: &Victim) -> Vec<Peer> {
    let stalled = || {
        let mut peer = victim.in_message("<much@end>");
        peer.send(&packet(b'E', b"")).map(|()| peer).unwrap_or_else(|error| panic!("{error}"))
    };
    (0..STALLED).map(|_| stalled()).collect()
}

/// Everything up to the verdict, with it.
fn hears_verdict(peer: &mut Peer) -> io::Result<Vec<Vec<u8>>> {
    let mut answers = vec![];
    loop {
        let answer = peer.hear()?;
        let verdict = answer.len() == 1;
        answers.push(answer);
        if verdict {
            return Ok(answers);
        }
    }
}
