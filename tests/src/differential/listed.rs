//! The differences between our library and libmilter that are known, each with its reason.
//!
//! A difference is the first one of its session: what follows from it is not compared. Numbers are those of the
//! conformance statements. Where we are not the stricter one, an entry names the statement that demands what we do, and why
//! nothing harmful comes of it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::{FromStr, from_utf8};

use milter_proto::error::{DecodeError, Error, NegotiationError, PacketError};
use milter_proto::{CommandKind, Position};

use super::difference::Difference;
use super::packets::letter_of;
use super::reason::Claim::{BothDiffer, TheyAreSilent, TheyRefuse, WeRefuse};
use super::reason::{Demand, Reason, reason};

/// The first that applies counts.
pub(super) const REASONS: &[Reason] = &[
    reason(WeRefuse, "6: a length of 0x80000001 or more, which libmilter takes for an empty packet", |d| {
        refused(d, |error| matches!(error, Error::Packet(PacketError::TooLong { length: 0x8000_0001.., .. })))
    }),
    reason(WeRefuse, "4: a length of 0, where libmilter takes the next octet for the letter", |d| {
        refused(d, |error| matches!(error, Error::Packet(PacketError::Empty)))
    }),
    reason(
        WeRefuse,
        "15: a command before the negotiation; libmilter takes H, M and U and drops others",
        |d| violation(d, |at, _| at == Position::Start),
    ),
    reason(WeRefuse, "37: a second negotiation, which libmilter drops", |d| {
        violation(d, |_, got| got == CommandKind::Negotiate)
    }),
    reason(WeRefuse, "a hook for DATA at a version without DATA; libmilter never calls it", |d| {
        refused(d, |error| matches!(error, Error::Negotiation(NegotiationError::Data { .. })))
    }),
    reason(
        WeRefuse,
        "42: macros of which the last has no value; libmilter's lookups read on behind them",
        |d| refused(d, |error| matches!(error, Error::Decode(DecodeError::MacroWithoutValue))),
    ),
    reason(WeRefuse, "42: macros without the last NUL; libmilter cuts them off", |d| malformed(d, b"D")),
    reason(WeRefuse, "122: a malformed command out of order, which libmilter drops unread", |d| {
        d.dropped().is_some() && malformed(d, b"CHMRTLNBEU")
    }),
    reason(WeRefuse, "53, 54, 56: octets behind an address, which libmilter ignores", |d| malformed(d, b"C")),
    reason(WeRefuse, "62, 63: HELO that is not one string; libmilter is silent, or takes the first", |d| {
        malformed(d, b"H")
    }),
    reason(WeRefuse, "66: an argument without its NUL, which libmilter drops", |d| malformed(d, b"MR")),
    reason(WeRefuse, "67, 69: a header of more than two strings, of which libmilter takes two", |d| {
        malformed(d, b"L")
    }),
    reason(
        WeRefuse,
        "73: an unknown command that is not one string, of which libmilter does not see the end",
        |d| malformed(d, b"U"),
    ),
    reason(WeRefuse, "130: a command after a verdict on the session; libmilter goes on", |d| {
        violation(d, |at, _| at == Position::Decided)
    }),
    reason(WeRefuse, "122: an unknown command from DATA on, at which libmilter aborts the message", |d| {
        violation(d, |_, got| got == CommandKind::Unknown)
    }),
    reason(WeRefuse, "122: a command out of order, which libmilter drops", |d| {
        d.dropped().is_some() && violation(d, |_, _| true)
    }),
    reason(
        WeRefuse,
        "119: more of a message after DISCARD for a recipient; libmilter goes on with it",
        |d| d.state() == Some(b'R') && discarded(d) && violation(d, |at, _| at == Position::Session),
    ),
    reason(
        WeRefuse,
        "122: R, T or B outside of a message after an unknown command; libmilter takes it",
        |d| d.state() == Some(b'U') && violation(d, |at, _| !matches!(at, Position::Message(_))),
    ),
    reason(
        WeRefuse,
        "122: R, T or B after an abort, which libmilter takes where unknown commands are switched off",
        |d| {
            d.state() == Some(b'A')
                && d.both.kind.unwanted.contains('U')
                && violation(d, |at, _| !matches!(at, Position::Message(_)))
        },
    ),
    reason(
        WeRefuse,
        "49: more of a message after macros of a HELO that is switched off, which stand for it",
        |d| helo_by_macros(d) && violation(d, |at, _| at == Position::Session),
    ),
    reason(
        TheyAreSilent,
        "120: QUIT_NC, which libmilter knows only after an accepted message; then CONNECT",
        |d| dropped(d, |_, letter| letter == b'C') && came_before(d, b'K'),
    ),
    reason(TheyAreSilent, "112: CONNECT after an abort or an unknown command", |d| {
        dropped(d, |_, letter| letter == b'C')
    }),
    reason(TheyAreSilent, "122: L, N or E after an unknown command", |d| {
        dropped(d, |state, letter| state == b'U' && b"LNE".contains(&letter))
    }),
    reason(TheyAreSilent, "123: a message in which a command is left out", |d| {
        dropped(d, |state, letter| b"MRTLN".contains(&state) && b"TLNBE".contains(&letter))
    }),
    reason(
        TheyRefuse(Demand {
            by: "18: whoever offers more than 6 is answered 6, and words have no sign",
            harmless: "a version is the highest one that an MTA speaks; nothing but 6 is spoken",
        }),
        "a version of 0x80000000 or more, which libmilter takes for a negative one",
        |d| d.letter() == b'O' && word(d, 0) >= Some(0x8000_0000),
    ),
    reason(
        TheyRefuse(Demand {
            by: "55, 56, 59: brackets are taken off, a path is one of any length, other text is not fatal",
            harmless: "no address is made up: the filter has the text, and no address where it is none",
        }),
        "an address that libmilter cannot read",
        |d| d.letter() == b'C' && !is_readable(d.packet()),
    ),
    reason(
        BothDiffer(Demand {
            by: "22: a word of 0 offers nothing",
            harmless: "we ask for less; a filter that requires an action is told that it is not there",
        }),
        "an offered word of 0, which libmilter takes for what version 1 had",
        |d| {
            let has_none = [word(d, 1), word(d, 2)].contains(&Some(0));
            d.letter() == b'O' && has_none && said(d.they_said) == Some(b'O')
        },
    ),
    reason(
        BothDiffer(Demand {
            by: "72, 104: they are a chunk of the body, then the end, with one answer",
            harmless: "the filter sees every octet, and the answer is the verdict that it gives on all",
        }),
        "body octets in the end of a message; libmilter answers twice, or never",
        answered_twice,
    ),
    reason(
        BothDiffer(Demand {
            by: "120: QUIT_NC ends the SMTP session wherever it comes",
            harmless: "one client is not judged by the sender that another one named",
        }),
        "H or U after QUIT_NC that libmilter drops: its filter has not forgotten the sender",
        |d| b"HU".contains(&d.letter()) && quit_nc_dropped(d),
    ),
    reason(
        BothDiffer(Demand {
            by: "110: SKIP only where it was agreed; the answer is CONTINUE",
            harmless: "the body is what the filter no longer wanted; it still gives its verdict at the end",
        }),
        "SKIP where it was not offered, which libmilter sends",
        |d| d.letter() == b'B' && said(d.we_said) == Some(b'c') && said(d.they_said) == Some(b's'),
    ),
    reason(
        BothDiffer(Demand {
            by: "132, 103: after SKIP an MTA sends no more of the body; each chunk that comes has its answer",
            harmless: "the body is what the filter no longer wanted; it still gives its verdict at the end",
        }),
        "a chunk of a body that is skipped, which libmilter shows",
        |d| d.they_told.is_some_and(|told| told.letter == 'B') && skipped(d),
    ),
];

fn refused(d: &Difference<'_>, is: fn(Error) -> bool) -> bool {
    d.both.ours.refused.is_some_and(is)
}

fn malformed(d: &Difference<'_>, letters: &[u8]) -> bool {
    letters.contains(&d.letter()) && refused(d, |error| matches!(error, Error::Decode(_)))
}

fn violation(d: &Difference<'_>, is: fn(Position, CommandKind) -> bool) -> bool {
    matches!(d.both.ours.refused, Some(Error::Violation(violation)) if is(violation.at, violation.got))
}

fn dropped(d: &Difference<'_>, is: fn(u8, u8) -> bool) -> bool {
    d.dropped().is_some_and(|(at, state)| is(state, letter_of(&d.both.packets[at])))
}

/// Whether macros stood for a HELO since the last sender.
fn helo_by_macros(d: &Difference<'_>) -> bool {
    let mut since = d.both.packets.iter().take(d.at).rev().take_while(|packet| letter_of(packet) != b'M');
    d.both.kind.unwanted.contains('H')
        && since.any(|packet| packet.get(4..).is_some_and(|packet| packet.starts_with(b"DH")))
}

fn came_before(d: &Difference<'_>, letter: u8) -> bool {
    d.both.packets.iter().take(d.at).any(|packet| letter_of(packet) == letter)
}

fn quit_nc_dropped(d: &Difference<'_>) -> bool {
    let mut before = d.both.packets.iter().zip(d.both.passed).take(d.at);
    before.any(|(packet, passed)| letter_of(packet) == b'K' && !passed.taken)
}

/// Whether the last recipient was answered by DISCARD.
fn discarded(d: &Difference<'_>) -> bool {
    let mut before = d.both.packets.iter().take(d.at);
    before.rposition(|packet| letter_of(packet) == b'R').and_then(|at| d.both.ours.verdict(at)) == Some(b'd')
}

/// Whether the rest of the body was not wanted.
fn skipped(d: &Difference<'_>) -> bool {
    let message = d
        .both
        .packets
        .iter()
        .enumerate()
        .take(d.at)
        .rev()
        .take_while(|(_, packet)| letter_of(packet) != b'M');
    message.into_iter().any(|(at, _)| d.both.ours.verdict(at) == Some(b's'))
}

/// Whether a message ended with body octets to which the filter gave its verdict, so that two answers are one too many.
fn answered_twice(d: &Difference<'_>) -> bool {
    let mut packets = d.both.packets.iter().enumerate().take(d.at + 1);
    packets.any(|(at, packet)| {
        let mut told = d.both.ours.asked().filter(|(told_at, _)| *told_at == at);
        letter_of(packet) == b'E'
            && packet.len() > 5
            && (at == d.at || told.all(|(_, told)| told.letter != 'E'))
    })
}

fn said(packet: Option<&[u8]>) -> Option<u8> {
    packet.and_then(|packet| packet.get(4)).copied()
}

/// A word of an offer.
fn word(d: &Difference<'_>, number: usize) -> Option<u32> {
    let octets = d.packet().get(5 + 4 * number..)?.first_chunk()?;
    Some(u32::from_be_bytes(*octets))
}

/// Whether an address is one without doubt: not so short, so long, or so bracketed that libmilter would close.
fn is_readable(connect: &[u8]) -> bool {
    let address = || {
        let host = connect[5..].iter().position(|octet| *octet == 0)?;
        let (family, text) = connect[5 + host + 1..].split_first()?;
        let text = text.get(2..).and_then(|text| text.strip_suffix(b"\0"));
        Some((family, text.and_then(|text| from_utf8(text).ok())))
    };
    match address() {
        Some((b'U', _)) => true,
        Some((b'4', Some(text))) => Ipv4Addr::from_str(text).is_ok(),
        Some((b'6', Some(text))) => Ipv6Addr::from_str(text.strip_prefix("IPv6:").unwrap_or(text)).is_ok(),
        Some((b'L', Some(text))) => text.len() < 108,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::difference::Both;
    use super::super::filter::KINDS;
    use super::super::libmilter::Theirs;
    use super::super::{beside, ours, table};
    use super::*;
    use milter_vectors::{Packet, Side, sessions};

    /// Whether a plain session is without difference, or has one that is listed, when libmilter lives it like this.
    fn is_listed(change: impl FnOnce(&mut Theirs)) -> bool {
        let recorded = sessions().into_iter().find(|session| session.name == "postfix/plain").unwrap();
        let packets: Vec<_> =
            recorded.packets().filter(|packet| packet.side == Side::Mta).map(Packet::wire).collect();
        let ours = ours::live(&KINDS[1], &packets);
        let mut theirs = Theirs {
            told: ours.told.iter().map(|(_, told)| told.clone()).collect(),
            said: ours.said.iter().map(|(_, said)| said.clone()).collect(),
            closed_early: false,
            crashed: false,
        };
        assert!(ours.refused.is_none() && theirs.told.len() > 10 && theirs.said.len() > 1);
        change(&mut theirs);
        let passed = table::passed(&KINDS[1], &packets, &ours);
        let both = Both { kind: &KINDS[1], packets: &packets, ours: &ours, theirs: &theirs, passed: &passed };
        let difference = Difference::find(&both);
        let beside = beside::differences(&both, difference.as_ref());
        difference.is_none_or(|difference| Reason::of(&difference).is_some())
            && beside.iter().all(Result::is_ok)
    }

    #[test]
    fn a_difference_without_a_reason_is_not_listed() {
        assert!(is_listed(|_| {}));
        assert!(!is_listed(|theirs| theirs.told[3].digest ^= 1));
        assert!(!is_listed(|theirs| theirs.told[3].macros ^= 1));
        assert!(!is_listed(|theirs| theirs.told[0].address.push('0')));
        assert!(!is_listed(|theirs| drop(theirs.told.remove(3))));
        assert!(!is_listed(|theirs| theirs.told.truncate(3)));
        assert!(!is_listed(|theirs| theirs.told.retain(|told| told.letter != 'Q')));
        assert!(!is_listed(|theirs| theirs.said[0][5] ^= 1));
        assert!(!is_listed(|theirs| drop(theirs.said.pop())));
        assert!(!is_listed(|theirs| theirs.said.push(theirs.said[1].clone())));
        assert!(!is_listed(|theirs| theirs.crashed = true));
    }
}
