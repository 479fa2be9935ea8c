//! The octets of a session, cut where a reader of unsigned length words sees packets.

use milter_proto::{Decoder, Packet};

use crate::asking::packet;

/// The letter of a packet; 0 when it is cut off before.
pub(super) fn letter_of(packet: &[u8]) -> u8 {
    packet.get(4).copied().unwrap_or_default()
}

/// The whole packets that came.
pub(super) fn packets(mut decoder: Decoder) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(move || match decoder.packet() {
        Ok(Some(Packet { letter, payload, .. })) => Some(packet(letter, payload)),
        Ok(None) | Err(_) => None,
    })
}

/// The octets as packets. What follows a length word that is none, or is cut off, is the last one.
pub(super) fn cut(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new();
    decoder.receive(octets);
    let mut found: Vec<_> = packets(decoder).collect();
    let rest = &octets[found.iter().map(Vec::len).sum::<usize>()..];
    if !rest.is_empty() {
        found.push(rest.to_vec());
    }
    found
}
