//! What must hold for every input: the laws of `milter-proto`, as plain functions that panic where one is broken.
//!
//! Each module has a concept's laws and the strategies that make up its inputs. Strategies own bytes and lend views,
//! because commands and responses are borrowed. The functions know nothing of proptest, so a fuzz target calls the
//! same ones with bytes of its own; there is no runtime and no mail server here, so that it builds fast.
//!
//! The tests run each law 10 000 times; `PROPTEST_CASES` says how often instead.
#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "never published; tests build and match these freely"
)]

pub mod application;
pub mod commands;
pub mod drawn;
pub mod length;
pub mod message;
pub mod mta;
pub mod octets;
pub mod packets;
pub mod replies;
pub mod responses;
pub mod script;
pub mod session;
pub mod targets;
pub mod texts;
pub mod two_sides;

use milter_proto::{Decoder, Packet};
use proptest::prelude::ProptestConfig;

/// The largest payload that an MTA built for it sends.
pub const LARGEST_PAYLOAD: usize = 1_048_575;

/// How a law is run: 10 000 cases, or as many as `PROPTEST_CASES` says.
///
/// # Panics
///
/// When that is not a number.
pub fn config() -> ProptestConfig {
    let cases =
        std::env::var("PROPTEST_CASES").map_or(10_000, |cases| cases.parse().expect("PROPTEST_CASES"));
    // What cannot be built is drawn again, the more often the more cases there are.
    let max_local_rejects = ProptestConfig::default().max_local_rejects.max(cases);
    ProptestConfig { cases, max_local_rejects, failure_persistence: None, ..ProptestConfig::default() }
}

/// A packet as it stands on the wire.
///
/// # Panics
///
/// When the payload does not fit a length word.
pub fn frame(letter: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).expect("a payload that fits");
    [&length.to_be_bytes()[..], &[letter], payload].concat()
}

/// The packets that these octets are.
///
/// # Panics
///
/// When they are not whole packets.
pub fn packets_of(octets: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut decoder = Decoder::new();
    decoder.set_limit(LARGEST_PAYLOAD);
    decoder.receive(octets);
    let mut packets = Vec::new();
    while let Some(packet) = decoder.packet().expect("sound packets") {
        packets.push((packet.letter, packet.payload.to_vec()));
    }
    assert!(decoder.is_empty(), "a cut packet");
    packets
}

/// Lends the one packet that these bytes are, for which nothing but the largest limit counts.
///
/// # Panics
///
/// When they are not exactly one packet.
pub fn with_packet<T>(frame: &[u8], then: impl FnOnce(Packet<'_>) -> T) -> T {
    let mut decoder = Decoder::new();
    decoder.set_limit(LARGEST_PAYLOAD);
    decoder.receive(frame);
    let packet = decoder.packet().expect("a sound packet").expect("a whole packet");
    assert_eq!(packet.payload.len() + 5, frame.len(), "octets behind the packet");
    then(packet)
}
