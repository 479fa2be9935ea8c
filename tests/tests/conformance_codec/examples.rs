//! Every example is what its class says.

use crate::through_codec;
use milter_proto::error::{Excerpt, TextKind, UnsupportedResponse};
use milter_proto::{DecodeError, Decoder, Error, PacketError, ReplyError, TextError};
use milter_vectors::{Class, Example, examples};

/// The errors of the invalid and unsupported examples, in their order, each with the statement's number.
fn refusals() -> Vec<(u16, Error)> {
    use DecodeError as D;
    use PacketError as P;
    let too_long = |length, head| P::TooLong { length, limit: 65536, head };
    let truncated = |packet, field, got| D::Truncated { packet, field, got };
    let unterminated = |packet, field| D::Unterminated { packet, field };
    let control = |octet| D::Reply(ReplyError::Control { octet });
    const CONNECT: &str = "SMFIC_CONNECT";
    let framing = [
        (4, P::Empty),
        (6, too_long(0x0001_0001, [0, 1, 0, 1])),
        (6, too_long(u32::MAX, [0xff; 4])),
        (9, P::EndInsidePacket { expected: 5, got: 1 }),
    ];
    let decoding = [
        (13, D::UnknownCommand(b'Z')),
        (13, D::UnknownResponse(b'z')),
        (15, truncated("SMFIC_OPTNEG", "the protocol word", 3)),
        (30, truncated("SMFIC_OPTNEG", "the protocol word", 0)),
        (34, unterminated("SMFIC_OPTNEG", "a macro list")),
        (34, truncated("SMFIC_OPTNEG", "the stage of a macro list", 2)),
        (36, D::UnknownResponse(b'l')),
        (40, truncated("SMFIC_MACRO", "the letter of a command", 0)),
        (42, D::MacroWithoutValue),
        (42, unterminated("SMFIC_MACRO", "a macro")),
        (58, unterminated(CONNECT, "the host name")),
        (58, truncated(CONNECT, "the address family", 0)),
        (58, truncated(CONNECT, "the port", 1)),
        (58, unterminated(CONNECT, "the address")),
        (58, D::UnknownFamily(b'X')),
        (63, unterminated("SMFIC_HELO", "the name")),
        (66, truncated("SMFIC_MAIL", "the sender", 0)),
        (66, unterminated("SMFIC_MAIL", "the sender")),
        (69, D::Empty { packet: "SMFIC_HEADER", field: "the name" }),
        (69, truncated("SMFIC_HEADER", "the value", 0)),
        (69, unterminated("SMFIC_HEADER", "the value")),
        (71, D::Empty { packet: "SMFIC_BODY", field: "the chunk" }),
        (81, D::Excess { packet: "SMFIR_CONTINUE", count: 1 }),
        (81, D::Excess { packet: "SMFIR_PROGRESS", count: 1 }),
        (85, D::Reply(ReplyError::Code { got: Excerpt::of(b"250") })),
        (85, D::Reply(ReplyError::Line { got: Excerpt::of(b"551 b") })),
        (85, D::Reply(ReplyError::EnhancedCode { got: Excerpt::of(b"4.7.1 x") })),
        (86, control(b'\n')),
        (86, D::Reply(ReplyError::Line { got: Excerpt::of(b"550 a") })),
        (86, control(0)),
        (88, D::Reply(ReplyError::Percent)),
        (90, D::Text { packet: "SMFIR_ADDHEADER", error: TextError::Empty(TextKind::HeaderName) }),
        (99, unterminated("SMFIR_ADDRCPT", "the address")),
        (101, D::Text { packet: "SMFIR_QUARANTINE", error: TextError::Empty(TextKind::Reason) }),
        (102, D::Unsupported(UnsupportedResponse::ConnectionFail)),
        (102, D::Unsupported(UnsupportedResponse::Shutdown)),
    ];
    let framing = framing.map(|(statement, error)| (statement, Error::from(error)));
    framing.into_iter().chain(decoding.map(|(statement, error)| (statement, Error::from(error)))).collect()
}

fn of_class(classes: &[Class]) -> Vec<Example> {
    let found: Vec<_> = examples().into_iter().filter(|example| classes.contains(&example.class)).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn valid_examples_encode_to_the_same_bytes() {
    for example in of_class(&[Class::Valid]) {
        assert_eq!(
            through_codec(example.sender, &example.wire()),
            Ok(example.wire()),
            "line {}",
            example.line
        );
    }
}

#[test]
fn tolerated_examples_encode_to_the_canonical_form() {
    let tolerated = of_class(&[Class::Tolerated]);
    let canonical: [&[u8]; 3] = [
        b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", // 16: no octets after the twelfth
        b"\0\0\0\x0cClocalhost\0U",                         // 57: nothing after the family
        b"\0\0\0\x01A",                                     // 74: no payload
    ];
    assert_eq!(tolerated.len(), canonical.len());
    for (example, canonical) in tolerated.iter().zip(canonical) {
        assert_eq!(
            through_codec(example.sender, &example.wire()),
            Ok(canonical.to_vec()),
            "line {}",
            example.line
        );
    }
}

#[test]
fn invalid_and_unsupported_examples_are_refused_with_their_error() {
    let refused = of_class(&[Class::Invalid, Class::Unsupported]);
    let found: Vec<_> = refused
        .iter()
        .map(|example| (example.statement, through_codec(example.sender, &example.wire()).unwrap_err()))
        .collect();
    assert_eq!(found, refusals());
}

#[test]
fn sequences_decode_packet_by_packet() {
    for example in of_class(&[Class::Sequence]) {
        // The example of statement 3 ends in the beginning of a packet.
        let whole: Vec<_> =
            example.frames.iter().filter(|frame| frame.len() > 4).flatten().copied().collect();
        assert_eq!(through_codec(example.sender, &whole), Ok(whole), "line {}", example.line);
    }
}

#[test]
fn a_prefix_is_waited_for() {
    for example in of_class(&[Class::Prefix]) {
        let mut decoder = Decoder::new();
        decoder.receive(&example.wire());
        assert_eq!(decoder.packet(), Ok(None), "line {}", example.line);
        decoder.receive(b"");
        assert!(matches!(decoder.packet(), Err(PacketError::EndInsidePacket { expected: 65536, got: 1 })));
    }
}
