//! Checks tables of packets and what they mean, in both directions.

use crate::command::Command;
use crate::packet::Decoder;
use crate::response::Response;
use alloc::vec::Vec;

/// Each command encodes to these bytes, letter and payload, and these decode to it.
pub(crate) fn commands(table: &[(&[u8], Command<'_>)]) {
    for (wire, command) in table {
        check(
            wire,
            |out| command.encode(out),
            |decoder| {
                assert_eq!(Command::decode(decoder.packet().unwrap().unwrap()), Ok(*command));
            },
        );
    }
}

/// Each response encodes to these bytes, letter and payload, and these decode to it.
pub(crate) fn responses(table: &[(&[u8], Response<'_>)]) {
    for (wire, response) in table {
        check(
            wire,
            |out| response.encode(out),
            |decoder| {
                assert_eq!(Response::decode(decoder.packet().unwrap().unwrap()), Ok(*response));
            },
        );
    }
}

fn check(wire: &[u8], encode: impl FnOnce(&mut Vec<u8>), decode: impl FnOnce(&mut Decoder)) {
    let mut encoded = Vec::new();
    encode(&mut encoded);
    let (length, rest) = encoded.split_at(4);
    assert_eq!((length, rest), (&u32::try_from(wire.len()).unwrap().to_be_bytes()[..], wire));
    let mut decoder = Decoder::new();
    decoder.receive(&encoded);
    decode(&mut decoder);
}
