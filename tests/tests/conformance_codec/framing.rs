//! Statements 1 to 13: packets.

use crate::{command, encoded, frame, response_error, with_packet};
use milter_proto::{
    BodyChunk, Command, DecodeError, Decoder, DefineMacros, Header, Helo, MAX_PAYLOAD, MacroPairsBuf, Mail,
    OptionsAnswer, PacketError, Response, Text, TooLong,
};
use milter_proto::{CommandKind, MacroRequests, Options};

#[test]
fn statement_001_length_counts_letter_and_payload() {
    assert_eq!(encoded(|wire| Command::Abort.encode(wire)), b"\0\0\0\x01A");
    let helo = Helo::new(Text::new(b"cli").unwrap()).unwrap();
    assert_eq!(encoded(|wire| Command::Helo(helo).encode(wire)), b"\0\0\0\x05Hcli\0");
    let body = vec![b'x'; MAX_PAYLOAD];
    let chunk = BodyChunk::split(&body).next().unwrap();
    assert_eq!(encoded(|wire| Command::Body(chunk).encode(wire))[..5], *b"\0\x01\0\0B");
}

#[test]
fn statement_002_any_split_and_nothing_before_the_packet_is_complete() {
    let wire = frame(b'H', b"cli\0");
    for first in 1..wire.len() {
        let mut decoder = Decoder::new();
        decoder.receive(&wire[..first]);
        assert_eq!(decoder.packet(), Ok(None));
        decoder.receive(&wire[first..]);
        let packet = decoder.packet().unwrap().unwrap();
        assert_eq!((packet.letter, packet.payload), (b'H', &b"cli\0"[..]));
    }
    let mut decoder = Decoder::new();
    for (octet, left) in wire.iter().zip((0..wire.len()).rev()) {
        decoder.receive(&[*octet]);
        assert_eq!(decoder.packet().unwrap().is_some(), left == 0);
    }
}

#[test]
fn statement_003_all_complete_packets_in_order_and_the_tail_is_kept() {
    let mut decoder = Decoder::new();
    decoder.receive(&[&frame(b'A', b"")[..], &frame(b'M', b"<a@b>\0"), b"\0\0\0"].concat());
    assert_eq!(decoder.packet().unwrap().map(|packet| packet.letter), Some(b'A'));
    assert_eq!(decoder.packet().unwrap().map(|packet| packet.letter), Some(b'M'));
    assert_eq!(decoder.packet(), Ok(None));
    assert!(!decoder.is_empty());
    decoder.receive(b"\x01Q");
    assert_eq!(decoder.packet().unwrap().map(|packet| packet.letter), Some(b'Q'));
    assert!(decoder.is_empty());
}

#[test]
fn statement_004_length_zero_is_fatal() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\0\0\0\0\0\0\0\x01A");
    assert_eq!(decoder.packet(), Err(PacketError::Empty));
    assert_eq!(decoder.packet(), Err(PacketError::Empty));
}

#[test]
fn statement_005_length_65536_is_accepted() {
    with_packet(&frame(b'B', &[b'x'; 65535]), |packet| assert_eq!(packet.payload.len(), 65535));
}

// That no memory is reserved is measured in the package of the laws.
#[test]
fn statement_006_too_long_is_refused_with_the_length_word() {
    for length in [65537, 0x7fff_ffff, 0x8000_0001, u32::MAX] {
        let head: [u8; 4] = length.to_be_bytes();
        let mut decoder = Decoder::new();
        decoder.receive(&head[..3]);
        assert_eq!(decoder.packet(), Ok(None));
        decoder.receive(&head[3..]);
        assert_eq!(decoder.packet(), Err(PacketError::TooLong { length, limit: 65536, head }));
    }
}

#[test]
fn statement_007_limit_is_that_of_each_decoder_and_not_below_65536() {
    let (mut raised, mut lowered) = (Decoder::new(), Decoder::new());
    raised.set_limit(1_048_575);
    lowered.set_limit(100);
    let largest = frame(b'b', &vec![b'x'; 1_048_575]);
    raised.receive(&largest);
    assert_eq!(raised.packet().unwrap().map(|packet| packet.payload.len()), Some(1_048_575));
    raised.receive(&1_048_577u32.to_be_bytes());
    assert!(matches!(raised.packet(), Err(PacketError::TooLong { limit: 1_048_576, .. })));
    lowered.receive(&frame(b'b', &[b'x'; MAX_PAYLOAD]));
    assert_eq!(lowered.packet().unwrap().map(|packet| packet.payload.len()), Some(MAX_PAYLOAD));
}

#[test]
fn statement_008_errors_are_final() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\xff\xff\xff\xff");
    let error = decoder.packet().unwrap_err();
    for _ in 0..3 {
        decoder.receive(&frame(b'A', b""));
        assert_eq!(decoder.packet(), Err(error));
    }
}

#[test]
fn statement_009_the_stream_ends_between_packets_or_inside_one() {
    let wire = frame(b'H', b"cli\0");
    for got in 0..=wire.len() {
        let mut decoder = Decoder::new();
        decoder.receive(&wire[..got]);
        decoder.receive(b"");
        let end = match got {
            9 => decoder.packet().map(|packet| packet.map(|packet| packet.letter)),
            _ => decoder.packet().map(|_| None),
        };
        let expected = match got {
            0 => Ok(None),
            1..4 => Err(PacketError::EndInsidePacket { expected: 4, got }),
            4..9 => Err(PacketError::EndInsidePacket { expected: 5, got: got - 4 }),
            _ => Ok(Some(b'H')),
        };
        assert_eq!(end, expected, "{got}");
        assert!(decoder.is_ended());
    }
}

#[test]
fn statement_010_what_does_not_fit_cannot_be_built() {
    let long = vec![b'x'; 65536];
    let text = |length| Text::new(&long[..length]).unwrap();
    assert!(Helo::new(text(65534)).is_ok());
    let error: TooLong = Helo::new(text(65535)).unwrap_err();
    assert_eq!(error.to_string(), "a payload of 65536 octets: at most 65535 fit into a packet");
    assert!(Mail::new(text(65534), Default::default()).is_ok());
    assert!(Mail::new(text(65535), Default::default()).is_err());
    assert!(Header::new(text(1), text(65532)).is_ok());
    assert!(Header::new(text(1), text(65533)).is_err());
    assert_eq!(BodyChunk::split(&long).map(|chunk| chunk.len()).collect::<Vec<_>>(), [65535, 1]);
    let mut macros = MacroPairsBuf::new();
    macros.push("i", &long[..65531]).unwrap();
    assert!(DefineMacros::new(CommandKind::Mail, macros.view()).is_ok());
    macros.push("", "").unwrap();
    assert!(DefineMacros::new(CommandKind::Mail, macros.view()).is_err());
    assert!(OptionsAnswer::new(Options::CURRENT, MacroRequests::default()).is_ok());
}

#[test]
fn statement_011_packets_are_appended_to_one_contiguous_buffer() {
    let mut wire = b"before".to_vec();
    Command::Abort.encode(&mut wire);
    Response::Continue.encode(&mut wire);
    assert_eq!(wire, b"before\0\0\0\x01A\0\0\0\x01c");
}

#[test]
fn statement_012_the_directions_share_only_the_letter_o() {
    let accepted = |accepts: &dyn Fn(u8) -> bool| (0..=u8::MAX).filter(|letter| accepts(*letter)).collect();
    let commands: Vec<u8> = accepted(
        &|letter| !matches!(command(letter, b"", |_| ()), Err(DecodeError::UnknownCommand(unknown)) if unknown == letter),
    );
    let responses: Vec<u8> = accepted(&|letter| {
        let known = crate::response(letter, b"", |_| ());
        !matches!(known, Err(DecodeError::UnknownResponse(unknown)) if unknown == letter)
    });
    assert_eq!(commands, *b"ABCDEHKLMNOQRTU");
    assert_eq!(responses, *b"+-24Oabcdefhimpqrsty");
    assert_eq!(commands.iter().filter(|letter| responses.contains(letter)).collect::<Vec<_>>(), [&b'O']);
}

#[test]
fn statement_013_an_unknown_letter_is_an_error_that_names_it() {
    let error = command(b'Z', b"", |_| ()).unwrap_err();
    assert_eq!(error, DecodeError::UnknownCommand(b'Z'));
    assert_eq!(error.to_string(), "unknown command 'Z' (0x5a)");
    assert_eq!(response_error(0xff, b"").to_string(), "unknown response '\\xff' (0xff)");
}
