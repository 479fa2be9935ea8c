//! The recorded sessions through the codec: what real mail servers and real filters sent decodes, and encodes to the same
//! bytes; what breaks the rules is refused with the error that says so.

use milter_proto::error::{TextKind, UnsupportedResponse};
use milter_proto::{Command, DecodeError, Decoder, Error, PacketError, ReplyError, Response, TextError};
use milter_vectors::{Connection, Mark, Packet, Side, sessions};
use std::collections::BTreeMap;

/// Decodes and encodes what one side of a connection sent, in pieces; hands each packet's fate to `seen`.
///
/// A packet over the limit would end the stream: it is refused first, then taken by a decoder with a larger limit.
fn replay(
    connection: &Connection,
    side: Side,
    piece: usize,
    mut seen: impl FnMut(&Packet, Result<Vec<u8>, Error>),
) {
    let mut packets = connection.packets().filter(|packet| packet.side == side);
    let mut decoder = Decoder::new();
    decoder.set_limit(LARGEST);
    let bytes = connection.bytes_from(side);
    for piece in bytes.chunks(piece).chain([&[][..]]) {
        decoder.receive(piece);
        while let Some(found) = decoder.packet().expect("sound packets") {
            let packet = packets.next().expect("no more packets than were recorded");
            assert_eq!((found.letter, found.payload), (packet.letter, &packet.payload[..]));
            seen(packet, through_codec(side, found));
        }
    }
    assert!(packets.next().is_none() && decoder.is_empty());
}

fn through_codec(side: Side, packet: milter_proto::Packet<'_>) -> Result<Vec<u8>, Error> {
    let wire = |packet: milter_proto::Packet<'_>| {
        [
            &u32::try_from(packet.payload.len() + 1).unwrap().to_be_bytes()[..],
            &[packet.letter],
            packet.payload,
        ]
        .concat()
    };
    let mut usual = Decoder::new();
    usual.receive(&wire(packet));
    usual.packet()?;
    let mut again = Vec::new();
    match side {
        Side::Mta => Command::decode(packet)?.encode(&mut again),
        Side::Filter => Response::decode(packet)?.encode(&mut again),
    }
    Ok(again)
}

const LARGEST: usize = 1_048_575;

/// The error that a marked packet must give, by what its mark says.
fn expected(packet: &Packet) -> Error {
    let (Mark::Illegal(reason) | Mark::Unsupported(reason)) = &packet.mark else { panic!("not marked") };
    let name = match packet.letter {
        b'h' => "SMFIR_ADDHEADER",
        b'i' => "SMFIR_INSHEADER",
        _ => "SMFIR_CHGHEADER",
    };
    let index = if packet.letter == b'h' { 0 } else { 4 };
    let octet = |kind, octet| {
        let nul = packet.payload[index..].iter().position(|octet| *octet == 0).unwrap() + index;
        let text = if kind == TextKind::HeaderName {
            &packet.payload[index..nul]
        } else {
            &packet.payload[nul + 1..]
        };
        let at = text.iter().position(|found| *found == octet).unwrap();
        DecodeError::Text { packet: name, error: TextError::Octet { kind, octet, at } }
    };
    let error = match reason.as_str() {
        "SMFIR_CONN_FAIL" => DecodeError::Unsupported(UnsupportedResponse::ConnectionFail),
        "SMFIR_SHUTDOWN" => DecodeError::Unsupported(UnsupportedResponse::Shutdown),
        "payload of 300000 bytes, over 65535" => {
            let head = 300_001u32.to_be_bytes();
            return PacketError::TooLong { length: 300_001, limit: 65536, head }.into();
        }
        "CR LF instead of LF at a fold of the header value" | "CR in a header value" => {
            octet(TextKind::HeaderValue, b'\r')
        }
        "LF in a header value without SP or TAB behind it" | "header value ends with LF" => {
            octet(TextKind::HeaderValue, b'\n')
        }
        "header name with a byte that is not allowed (space)" => octet(TextKind::HeaderName, b' '),
        "header name with a byte that is not allowed (colon)" => octet(TextKind::HeaderName, b':'),
        "lone %" => DecodeError::Reply(ReplyError::Percent),
        "unknown letter" => DecodeError::UnknownResponse(packet.letter),
        other => panic!("no error is known for `{other}`"),
    };
    error.into()
}

/// Replays everything in pieces of this size; counts the packets by side and fate.
fn replay_all(piece: usize) -> BTreeMap<(Side, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for session in sessions() {
        for connection in &session.connections {
            for side in [Side::Mta, Side::Filter] {
                replay(connection, side, piece, |packet, fate| {
                    let place = format!("{}.txt:{}", session.name, packet.line);
                    let kind = match &packet.mark {
                        Mark::Legal => {
                            assert_eq!(fate, Ok(packet.wire()), "{place}");
                            "same bytes"
                        }
                        Mark::Illegal(_) => {
                            assert_eq!(fate, Err(expected(packet)), "{place}");
                            "illegal"
                        }
                        Mark::Unsupported(_) => {
                            assert_eq!(fate, Err(expected(packet)), "{place}");
                            "unsupported"
                        }
                    };
                    *counts.entry((side, kind)).or_default() += 1;
                });
            }
        }
    }
    counts
}

fn counts() -> BTreeMap<(Side, &'static str), usize> {
    BTreeMap::from([
        ((Side::Mta, "same bytes"), 5223),
        ((Side::Filter, "same bytes"), 2885),
        ((Side::Filter, "illegal"), 22),
        ((Side::Filter, "unsupported"), 9),
    ])
}

#[test]
fn whole() {
    assert_eq!(replay_all(usize::MAX), counts());
}

#[test]
fn byte_by_byte() {
    assert_eq!(replay_all(1), counts());
}

#[test]
fn in_pieces_of_a_network_packet() {
    assert_eq!(replay_all(1460), counts());
}
