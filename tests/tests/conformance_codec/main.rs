//! The conformance statements that concern the codec, one test each, and the examples of all statements.
//!
//! The number in a test's name is that of the statement. Whether a session keeps them is tested elsewhere.

mod commands;
mod examples;
mod framing;
mod negotiation;
mod replies;

use milter_proto::{Command, DecodeError, Decoder, Error, Packet, Response};
use milter_vectors::Side;

/// A packet as it stands on the wire.
fn frame(letter: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap();
    [&length.to_be_bytes()[..], &[letter], payload].concat()
}

/// The packet in these bytes, which must be one.
fn with_packet<T>(wire: &[u8], then: impl FnOnce(Packet<'_>) -> T) -> T {
    let mut decoder = Decoder::new();
    decoder.receive(wire);
    then(decoder.packet().expect("a sound packet").expect("a whole packet"))
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut wire = Vec::new();
    encode(&mut wire);
    wire
}

/// Lends what the MTA sent.
fn command<T>(letter: u8, payload: &[u8], then: impl FnOnce(Command<'_>) -> T) -> Result<T, DecodeError> {
    with_packet(&frame(letter, payload), |packet| Command::decode(packet).map(then))
}

/// Lends what the filter sent.
fn response<T>(letter: u8, payload: &[u8], then: impl FnOnce(Response<'_>) -> T) -> Result<T, DecodeError> {
    with_packet(&frame(letter, payload), |packet| Response::decode(packet).map(then))
}

/// What the filter's side makes of a payload that must be refused.
fn command_error(letter: u8, payload: &[u8]) -> DecodeError {
    command(letter, payload, |command| format!("{command:?}")).expect_err("accepted")
}

/// What the MTA's side makes of a payload that must be refused.
fn response_error(letter: u8, payload: &[u8]) -> DecodeError {
    response(letter, payload, |response| format!("{response:?}")).expect_err("accepted")
}

/// Decodes a whole stream of one side and encodes it again.
fn through_codec(side: Side, wire: &[u8]) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new();
    decoder.receive(wire);
    decoder.receive(b"");
    let mut again = Vec::new();
    while let Some(packet) = decoder.packet()? {
        match side {
            Side::Mta => Command::decode(packet)?.encode(&mut again),
            Side::Filter => Response::decode(packet)?.encode(&mut again),
        }
    }
    Ok(again)
}

/// Checks that a payload decodes and encodes to the same bytes.
fn canonical(side: Side, letter: u8, payload: &[u8]) {
    let wire = frame(letter, payload);
    assert_eq!(through_codec(side, &wire), Ok(wire));
}
