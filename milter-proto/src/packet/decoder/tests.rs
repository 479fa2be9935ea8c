//! How storage is lent, grows and is given back.

use super::*;

#[test]
fn what_comes_after_an_error_or_the_end_is_dropped() {
    let mut failed = Decoder::new();
    failed.receive(b"EHLO");
    assert!(failed.packet().is_err());
    failed.receive(b"\0\0\0\x01A");
    assert!(failed.is_empty() && failed.packet().is_err());

    let mut ended = Decoder::new();
    ended.receive(b"\0\0\0\x01A");
    ended.receive(b"");
    ended.receive(b"\0\0\0\x01Q");
    assert_eq!(ended.packet(), Ok(Some(Packet { letter: b'A', payload: b"" })));
    assert_eq!(ended.packet(), Ok(None));
    assert!(ended.is_ended() && ended.is_empty());
}

#[test]
fn a_packet_without_a_letter_and_one_that_is_too_long_are_errors_also_when_they_came_whole() {
    let mut empty = Decoder::new();
    empty.receive(b"\0\0\0\0");
    assert_eq!(empty.packet(), Err(PacketError::Empty));

    let mut too_long = Decoder::new();
    too_long.receive(&[&b"\0\x01\0\x01"[..], &[b'B'; MAX_PAYLOAD + 2]].concat());
    assert!(matches!(too_long.packet(), Err(PacketError::TooLong { length: 65_537, limit: 65_536, .. })));
}

#[test]
fn the_beginning_of_a_length_word_is_awaited_and_at_the_end_of_the_stream_an_error() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\0\0");
    assert_eq!(decoder.packet(), Ok(None));
    decoder.receive(b"\0\x01A\0\0");
    decoder.receive(b"");
    assert_eq!(decoder.packet(), Ok(Some(Packet { letter: b'A', payload: b"" })));
    assert_eq!(decoder.packet(), Err(PacketError::EndInsidePacket { expected: HEAD, got: 2 }));
}

#[test]
fn shows_how_much_it_holds_but_not_the_mail() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\0\0\0\x05Hc");
    assert_eq!(
        alloc::format!("{decoder:?}"),
        "Decoder { held: 6, storage: 4096, lent: false, limit: 65536, ended: false, failed: None }"
    );
}

#[test]
fn a_buffer_of_the_size_that_is_advised_holds_a_full_body_chunk_and_the_macros_around_it() {
    let packets = [(b'D', 4000), (b'B', MAX_PAYLOAD), (b'D', 4000)];
    let mut decoder = Decoder::new();
    decoder.lend(alloc::vec![0; crate::BUFFER_SIZE]);
    for (letter, length) in packets {
        let mut packet = Vec::new();
        crate::packet::put(&mut packet, letter, &[&alloc::vec![0; length]]);
        decoder.receive(&packet);
    }
    for (letter, length) in packets {
        let packet = decoder.packet().unwrap().map(|packet| (packet.letter, packet.payload.len()));
        assert_eq!(packet, Some((letter, length)));
    }
    assert!(decoder.reclaim().is_some());
}

#[test]
fn buffers_that_do_not_serve_are_dropped() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.reclaim(), None);
    decoder.receive(b"\0\0\0\x05H");
    assert!(decoder.wants_buffer());
    decoder.lend(alloc::vec![1; 5]);
    assert_eq!(decoder.reclaim(), None);
    decoder.lend(alloc::vec![1; 6]);
    assert!(!decoder.wants_buffer());
    assert_eq!(decoder.spare(), [1]);
    decoder.lend(alloc::vec![2; 9]);
    assert_eq!(decoder.spare(), [2; 4]);
    assert_eq!(decoder.reclaim().map(|buffer| buffer.len()), Some(9));
    assert_eq!(decoder.reclaim(), None);
    decoder.receive(b"cli\0");
    assert_eq!(decoder.packet(), Ok(Some(Packet { letter: b'H', payload: b"cli\0" })));
}

#[test]
fn storage_grows_in_few_steps_whatever_is_held() {
    let mut decoder = Decoder::new();
    let mut steps = 0;
    while decoder.held() < 16 << 20 {
        let room = decoder.spare().len();
        decoder.filled(room);
        steps += 1;
    }
    assert!(steps < 20, "{steps} steps");
}

#[test]
fn the_beginning_of_a_packet_takes_no_more_than_the_packet() {
    for limit in [0, 262_143, 1_048_575] {
        let mut decoder = Decoder::new();
        decoder.set_limit(limit);
        let largest = limit.max(MAX_PAYLOAD) + 1;
        decoder.receive(&u32::try_from(largest).unwrap().to_be_bytes());
        while decoder.held() < largest + HEAD - 1 {
            decoder.receive(&[b'B'; 1000][..1000.min(largest + HEAD - 1 - decoder.held())]);
            assert!(decoder.storage.len() <= largest + HEAD);
            assert_eq!(decoder.packet(), Ok(None));
        }
        decoder.receive(b"B");
        assert_eq!(
            decoder.packet().map(|packet| packet.map(|packet| packet.payload.len())),
            Ok(Some(largest - 1))
        );
    }
}

#[test]
fn room_is_made_where_it_is_worth_a_move() {
    const SIZE: usize = 4 * SMALL;
    const HALF: usize = SIZE / 2;
    let is_cramped = |start, end, awaited| {
        Decoder { storage: alloc::vec![0; SIZE], start, end, awaited, ..Decoder::new() }.is_cramped()
    };

    // At the front, where there is none.
    assert!(!is_cramped(0, SIZE - 1, SIZE));
    assert!(is_cramped(0, SIZE, 0));
    // Little that stands in the second half.
    assert!(!is_cramped(HALF - SMALL, HALF, 0));
    assert!(is_cramped(HALF + 1 - SMALL, HALF + 1, 0));
    assert!(!is_cramped(HALF - SMALL, HALF + 1, 0));
    // Nothing, wherever it stands.
    assert!(is_cramped(1, 1, 0));
    // What begins a packet that does not fit there.
    assert!(!is_cramped(1, HALF, SIZE - 1));
    assert!(is_cramped(1, HALF, SIZE));
    // Whatever is held, where there is none behind it.
    assert!(is_cramped(1, SIZE, 0));
}

#[test]
fn packets_are_counted_when_they_are_taken() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\0\0\0\x01A\0\0\0\x01Q\0\0\0\x01");
    for taken in 0..2 {
        assert_eq!(decoder.packets_taken(), taken);
        assert!(decoder.peek().unwrap().is_some());
        assert_eq!(decoder.packets_taken(), taken);
        assert!(decoder.packet().unwrap().is_some());
    }
    assert_eq!(decoder.packet(), Ok(None));
    assert_eq!(decoder.packets_taken(), 2);
}

#[test]
fn storage_of_our_own_is_given_up_between_packets() {
    let mut decoder = Decoder::new();
    decoder.receive(b"\0\0\0\x01A\0\0\0\x01");
    assert_eq!(decoder.packet(), Ok(Some(Packet { letter: b'A', payload: b"" })));
    assert_eq!(decoder.reclaim(), None);
    assert_eq!(decoder.storage.len(), SMALL);
    decoder.receive(b"Q");
    assert_eq!(decoder.packet(), Ok(Some(Packet { letter: b'Q', payload: b"" })));
    assert_eq!(decoder.reclaim(), None);
    assert_eq!(decoder.storage.capacity(), 0);
}
