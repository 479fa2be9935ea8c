//! Strategies for octets: few of them usual.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What has a meaning somewhere in the protocol, in a mail, or in a C library, and what is not ASCII.
const AWKWARD: &[u8] = b"\r\n\t %%<>={}[]:;,.-+\"'\\/@0459yLUaZ~!\x01\x1b\x7f\x80\xc3\xa9\xff";

/// Any octets, sometimes as many as `most`.
pub fn octets(most: usize) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        10 => vec(any::<u8>(), 0..24),
        5 => vec(select(AWKWARD), 0..40),
        5 => vec(prop_oneof![Just(0), any::<u8>()], 0..40),
        1 => (any::<u8>(), most.saturating_sub(4)..=most).prop_map(|(octet, count)| vec![octet; count]),
    ]
    .boxed()
}

/// Octets without NUL, sometimes as many as `most`.
pub fn text(most: usize) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        4 => Just(Vec::new()),
        40 => vec(1..=u8::MAX, 0..24),
        40 => vec(select(AWKWARD), 0..40),
        10 => select(&["<>", "<a@b>", "a@b", "IPv6:::1", "[::1]", "unknown", "127.0.0.1", "5.7.1 x", "SIZE=1"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => (select(AWKWARD), most.saturating_sub(4)..=most).prop_map(|(octet, count)| vec![octet; count]),
    ]
    .boxed()
}

/// The same for what is text to its caller too.
pub fn string(most: usize) -> BoxedStrategy<String> {
    prop_oneof![
        20 => any::<String>(),
        20 => vec(select(&[' ', '%', '{', '}', ',', '5', '.', 'a', '\t', '\r', '\n', '\0', 'é', '\u{a0}'][..]), 0..30)
            .prop_map(|chars| chars.into_iter().collect()),
        1 => (select(&["%", "a", "é"][..]), most.saturating_sub(4)..=most)
            .prop_map(|(part, count)| part.repeat(count)),
    ]
    .boxed()
}

/// A sound payload with something done to it.
pub fn spoilt(sound: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (sound, vec((any::<Index>(), any::<u8>(), 0..4), 1..3)).prop_map(|(mut octets, wounds)| {
        for (at, octet, kind) in wounds {
            let at = at.index(octets.len() + 1);
            match kind {
                0 => octets.truncate(at),
                1 => octets.insert(at, octet),
                2 => octets.insert(at, 0),
                _ => {
                    if let Some(place) = octets.get_mut(at) {
                        *place = octet;
                    }
                }
            }
        }
        octets
    })
}
