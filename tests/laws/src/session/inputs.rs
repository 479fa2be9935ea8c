//! Offers, MTAs and applications.

use super::{Act, App, Wanted};
use crate::frame;
use milter_proto::{Actions, Options, Protocol, Version};
use proptest::prelude::*;

/// Any bits.
pub fn any_wanted() -> impl Strategy<Value = Wanted> {
    (any::<u16>(), any::<u16>(), any::<u32>(), prop_oneof![9 => Just(0), 1 => 0..0x200u32], any::<u32>())
        .prop_map(|(answered, watched, actions, required, abilities)| Wanted {
            answered,
            watched,
            actions: actions & !0x100,
            required: required & !0x100,
            abilities,
        })
}

/// Offers of old and new MTAs, and of none that there is.
pub fn any_offer() -> impl Strategy<Value = Options> {
    let version = prop_oneof![8 => 2..=6u32, 1 => 0..10u32, 1 => any::<u32>()];
    let word = || prop_oneof![Just(u32::MAX), Just(0), any::<u32>()];
    (version, word(), word()).prop_map(|(version, actions, protocol)| Options {
        version: Version(version),
        actions: Actions::from_bits_retain(actions),
        protocol: Protocol::from_bits_retain(protocol),
    })
}

/// Applications that mostly let the mail go on.
pub fn any_app() -> impl Strategy<Value = App> {
    let act = prop_oneof![
        20 => Just(Act::Answer(0)),
        4 => any::<u8>().prop_map(Act::Answer),
        1 => Just(Act::Nothing),
        1 => Just(Act::Fail),
        3 => Just(Act::AddHeader),
        1 => prop_oneof![30 => 0..9u32, 1 => Just(70_000)].prop_map(Act::ReplaceBody),
    ];
    let act = prop_oneof![100 => act, 1 => Just(Act::Abandon)];
    (any_wanted(), prop::collection::vec(act, 1..12), prop_oneof![4 => Just(0), 1 => 1..3u8])
        .prop_map(|(wanted, acts, failure)| App { wanted, acts, failure })
}

/// An offer and then commands, mostly in a lawful order and mostly sound.
pub fn any_packets() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let command = (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..4));
    (any_offer(), prop::collection::vec(command, 0..24)).prop_map(|(offer, commands)| {
        let mut packets = vec![(b'O', words(offer))];
        let mut rung = 0;
        packets.extend(commands.into_iter().map(|(choice, odd, octets)| {
            let letter =
                if odd < 4 { b"OCHMRTLNBEUADKQZ"[usize::from(choice % 16)] } else { next(&mut rung, choice) };
            (letter, payload(letter, odd, &octets))
        }));
        packets
    })
}

/// The twelve octets of a negotiation.
pub fn words(offer: Options) -> Vec<u8> {
    let words = [offer.version.0, offer.actions.bits(), offer.protocol.bits()];
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// A command that may follow; what is likely in a message stands more than once.
fn next(rung: &mut usize, choice: u8) -> u8 {
    const LADDER: &[u8] = b" MRTLNBE";
    let pick = |letters: &[u8]| letters[usize::from(choice) % letters.len()];
    let letter = match *rung {
        0 => pick(b"MMMMMMMMHHADDUKCMM"),
        1 => pick(b"RRRRRRTLNBEDDUHMAK"),
        2 => pick(b"RRRTTTTLNBEDDUHMAK"),
        3 => pick(b"LLLLLLNNNBEDDDHMA"),
        4 => pick(b"LLLLNNNNBBEDDDHMA"),
        5 => pick(b"BBBBBBBBEEDDDHMA"),
        _ => pick(b"BBBBEEEEEEEDDHMA"),
    };
    match letter {
        b'E' | b'A' | b'H' | b'K' | b'C' => *rung = 0,
        _ => *rung = LADDER.iter().position(|one| *one == letter).unwrap_or(*rung),
    }
    letter
}

fn payload(letter: u8, odd: u8, octets: &[u8]) -> Vec<u8> {
    if odd == 255 {
        return octets.to_vec();
    }
    let text: Vec<u8> = octets.iter().map(|octet| (*octet).max(1)).collect();
    match letter {
        b'C' => [&text[..], b"\0U"].concat(),
        b'H' | b'U' | b'M' | b'R' => [&text[..], b"\0"].concat(),
        b'L' => [b"X", &text[..], b"\0", &text, b"\0"].concat(),
        b'B' => [b"x", octets].concat(),
        b'D' => {
            let stage = b"CHMRTNELBUX"[usize::from(odd) % 11];
            [&[stage], &text[..], b"\0", &text, b"\0"].concat()
        }
        b'E' if odd < 250 => Vec::new(),
        _ => octets.to_vec(),
    }
}

/// The bytes of packets.
pub fn bytes(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    packets.iter().flat_map(|(letter, payload)| frame(*letter, payload)).collect()
}
