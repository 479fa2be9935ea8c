//! What is odd but legal is served, and offers are answered only by what was offered.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect};
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::{packet, words};
use std::io::{
    self,
    ErrorKind::{ConnectionReset, UnexpectedEof},
};

/// The largest payload.
const LARGEST: usize = 65_535;

/// R4.
pub(super) fn octets(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let every: Vec<u8> = (0..=255).cycle().take(LARGEST).collect();
    let without_nul: Vec<u8> = (1..=255).cycle().take(LARGEST).collect();
    let served = |body: &[u8], pieces: usize| -> io::Result<()> {
        let mut peer = victim.negotiated();
        peer.ask(&packet(b'C', b"\xff\xfe\x80 client\0U"), "c")?;
        peer.ask(&packet(b'H', b"\xc3\xa4\x01\x7f\r\n\0"), "c")?;
        peer.ask(&packet(b'M', b"<\x80\x81@\xff>\0\xfe=\xfd\0"), "c")?;
        peer.ask(&packet(b'R', b"\xe2\x82\0"), "c")?;
        peer.send(&packet(b'L', b"\xe9t\xe9\0\r\n\x80\x01\n\0"))?;
        peer.send(&packet(b'L', b"\x01\0\0"))?;
        peer.send(&packet(b'N', b""))?;
        if !body.is_empty() {
            peer.send(&packet(b'B', body))?;
        }
        let octets = packet(b'E', b"");
        for piece in octets.chunks(octets.len().div_ceil(pieces)) {
            peer.send(piece)?;
        }
        let seen = peer.hears_seen()?;
        let expected = format!(" headers=2 octets={} queue= message=1\0", body.len());
        let start = seen.len().saturating_sub(expected.len());
        expect(seen.get(start..).unwrap_or_default(), &expected)
    };
    let bodies: [&[u8]; 5] = [&every, &without_nul, &[0; LARGEST], b"\r\n.\r\n", b""];
    let mut report = Report::default();
    let (count, refused) = Siege::USUAL.lay(&victim, "odd octets", &mut report, || {
        let (mut count, mut refused) = (0, 0);
        for body in bodies {
            for pieces in [1, 5] {
                count += 1;
                if let Err(error) = served(body, pieces) {
                    eprintln!("a legal message was not served: {error}");
                    refused += 1;
                }
            }
        }
        (vec![], (count, refused))
    });
    report.count(&format!("of {count} odd but legal messages, not served"), refused, 0);
    report
}

/// R6.
pub(super) fn offers(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let (count, wrong, silent) =
        Siege::USUAL.lay(&victim, "offers", &mut report, || (vec![], every_offer(&victim)));
    report.count(&format!("of {count} offers, answered by what was not offered"), wrong, 0);
    report.count("connections that were not served after it", silent, 0);
    report
}

/// How many there are, how many were answered wrongly, and after how many nothing was served.
fn every_offer(victim: &Victim) -> (usize, usize, usize) {
    let (mut count, mut wrong, mut silent) = (0, 0, 0);
    let mut numbers = Numbers(1);
    for version in [0, 1, 2, 3, 4, 5, 6, 7, 100, 0x8000_0000, u32::MAX] {
        let some = (0..20).map(|_| (numbers.next(), numbers.next()));
        for (actions, protocol) in [(0, 0), (u32::MAX, u32::MAX)].into_iter().chain(some) {
            count += 1;
            let mut peer = victim.connect();
            let answer =
                peer.send(&packet(b'O', &words(version, actions, protocol))).and_then(|()| peer.hear());
            match answer {
                Ok(answer) if version >= 2 && is_within(&answer, version, actions, protocol) => {
                    silent += usize::from(!goes_on(&mut peer, protocol));
                }
                // Refused, not left without an answer.
                Err(error) if version < 2 && matches!(error.kind(), UnexpectedEof | ConnectionReset) => {}
                other => {
                    eprintln!("offer {version} {actions:#x} {protocol:#x}: {other:02x?}");
                    wrong += 1;
                }
            }
        }
    }
    (count, wrong, silent)
}

/// Whether an answer takes nothing that was not offered. What follows the three words asks for macros.
fn is_within(answer: &[u8], version: u32, actions: u32, protocol: u32) -> bool {
    let Some((b'O', payload)) = answer.split_first() else { return false };
    let word = |index: usize| payload.get(index * 4..).and_then(|rest| rest.first_chunk()).copied();
    let [Some(agreed), Some(wanted), Some(steps)] =
        [0, 1, 2].map(word).map(|word| word.map(u32::from_be_bytes))
    else {
        return false;
    };
    (2..=version.min(6)).contains(&agreed) && wanted & !actions == 0 && steps & !protocol == 0
}

/// Whether a message passes: HELO and MAIL are always answered, whatever was agreed.
fn goes_on(peer: &mut Peer, protocol: u32) -> bool {
    // Whether the filter may stay silent about headers, and does: SMFIP_NR_HDR.
    let header = if protocol & 0x80 == 0 { "c" } else { "" };
    peer.ask(&packet(b'H', b"me\0"), "c")
        .and_then(|()| peer.ask(&packet(b'M', b"<a@b>\0"), "c"))
        .and_then(|()| peer.ask(&packet(b'L', b"a\0b\0"), header))
        .and_then(|()| peer.ask(&packet(b'A', b""), ""))
        .and_then(|()| peer.ask(&packet(b'M', b"<a@b>\0"), "c"))
        .is_ok()
}

/// Numbers that look random and are the same every time (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    const fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }
}
