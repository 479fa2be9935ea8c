//! What is compared beside events and answers: macros, addresses, and that a message or a session is over.
//!
//! The filter's answers do not follow from these, so they are compared up to the first difference of a session.

use super::difference::{Both, Difference};
use super::packets::letter_of;
use super::slots::macros_seen;

/// What differs: the name of a known difference, or what is not known.
pub(super) fn differences(
    both: &Both<'_>,
    difference: Option<&Difference<'_>>,
) -> Vec<Result<&'static str, String>> {
    let mut found = Vec::new();
    let end = difference.map_or(both.packets.len(), |difference| difference.at);
    let seen = macros_seen(both.packets, both.passed, both.ours);
    for (((at, we), they), seen) in both.ours.asked().zip(both.theirs.asked()).zip(seen) {
        if at >= end {
            break;
        }
        if they.macros != seen {
            found.push(Err(format!("the macros at packet {at} are not those in the slots of libmilter")));
        } else if we.macros != they.macros {
            found.push(Ok(MACROS));
        }
        match (&we.address[..], &they.address[..]) {
            (we, they) if we == they => {}
            ("?", _) => found.push(Ok(ADDRESS)),
            (we, they) => found.push(Err(format!("an address: {we:?}, {they:?}"))),
        }
    }
    if difference.is_none() && both.ours.refused.is_none() {
        found.extend(endings(both));
    }
    found.sort();
    found.dedup();
    found
}

const MACROS: &str = "44, 46, 48, 49: macros that libmilter keeps, or does not";
const ADDRESS: &str = "59: an address that only inet_aton() can read";
const UNKNOWN: &str = "113: after an unknown command libmilter has forgotten whether a message is open";
const DISCARDED: &str = "119: after DISCARD for a recipient libmilter has the message still open";
const AGAIN: &str = "112: a second abort, which libmilter tells where unknown commands are switched off";
const QUIT_NC: &str = "120: QUIT_NC, which libmilter knows only after an accepted message";
const NOTHING: &str = "15: a connection without a negotiation, of which libmilter tells the end";

/// Whether the same messages and sessions are over.
fn endings(both: &Both<'_>) -> Option<Result<&'static str, String>> {
    let ours: String = both.ours.told.iter().map(|(_, told)| told.letter).collect();
    let theirs: String = both.theirs.told.iter().map(|told| told.letter).collect();
    let came = |letter| both.packets.iter().any(|packet| letter_of(packet) == letter);
    let discarded = || {
        let mut packets = both.packets.iter().enumerate();
        packets.any(|(at, packet)| letter_of(packet) == b'R' && both.ours.verdict(at) == Some(b'd'))
    };
    match () {
        () if ours == theirs => None,
        () if !came(b'O') => Some(Ok(NOTHING)),
        () if came(b'K') => Some(Ok(QUIT_NC)),
        () if came(b'U') => Some(Ok(UNKNOWN)),
        () if came(b'A') && both.kind.unwanted.contains('U') => Some(Ok(AGAIN)),
        () if discarded() => Some(Ok(DISCARDED)),
        () => Some(Err(format!("the ends of messages: {ours}, {theirs}"))),
    }
}
