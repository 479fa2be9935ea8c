//! What the decoder allocates: nothing for a packet in a lent buffer, nothing for a refused one, and never more than the
//! largest packet for one that is not finished.

use allocation_counter::measure;
use milter_laws::frame;
use milter_proto::{BUFFER_SIZE, Command, Decoder, MAX_PAYLOAD, PacketError, Response};

#[test]
fn a_packet_in_a_lent_buffer_allocates_nothing() {
    let mut decoder = Decoder::new();
    decoder.lend(vec![0; BUFFER_SIZE]);
    let mut answer = Vec::with_capacity(5);
    let chunk = frame(b'B', &[b'x'; MAX_PAYLOAD]);
    for bytes in [&chunk[..], &frame(b'R', b"<a@b>\0NOTIFY=NEVER\0"), &frame(b'L', b"Subject\0 8-bit \xff\0")]
    {
        let counted = measure(|| {
            let spare = decoder.spare();
            spare[..bytes.len()].copy_from_slice(bytes);
            decoder.filled(bytes.len());
            let packet = decoder.packet().expect("a sound packet").expect("a whole packet");
            Command::decode(packet).expect("a sound command");
            answer.clear();
            Response::Continue.encode(&mut answer);
        });
        assert_eq!(counted.count_total, 0, "{counted:?}");
    }
}

#[test]
fn a_refused_packet_allocates_nothing() {
    for length in [0, 0x1_0001, 0x7fff_ffff, 0x8000_0001, u32::MAX] {
        let mut decoder = Decoder::new();
        decoder.lend(vec![0; BUFFER_SIZE]);
        let counted = measure(|| {
            decoder.spare()[..4].copy_from_slice(&length.to_be_bytes());
            decoder.filled(4);
            assert!(matches!(decoder.packet(), Err(PacketError::Empty | PacketError::TooLong { .. })));
            // A peer that goes on sending gains nothing.
            decoder.receive(&[0; 100_000]);
            assert!(decoder.packet().is_err());
        });
        assert_eq!(counted.count_total, 0, "{length:#x}: {counted:?}");
    }
}

#[test]
fn a_length_word_allocates_nothing_for_the_packet_that_it_announces() {
    for limit in [MAX_PAYLOAD, 1_048_575] {
        let length = u32::try_from(limit + 1).unwrap();
        let mut kept = None;
        let counted = measure(|| {
            let mut decoder = Decoder::new();
            decoder.set_limit(limit);
            decoder.receive(&length.to_be_bytes());
            decoder.receive(b"B");
            assert_eq!(decoder.packet(), Ok(None));
            kept = Some(decoder);
        });
        assert!(counted.bytes_max <= 4096, "{counted:?}");
    }
}

#[test]
fn an_unfinished_packet_holds_no_more_than_itself() {
    for limit in [MAX_PAYLOAD, 262_143, 1_048_575] {
        for got in [1, 4095, 4096, 40_000, 65_000, limit] {
            let most = (2 * (got + 4)).clamp(4096, limit + 1 + 4);
            let announced = u32::try_from(limit + 1).unwrap().to_be_bytes();
            let wire = [&announced[..], &vec![b'B'; got]].concat();
            let mut kept = None;
            let counted = measure(|| {
                let mut decoder = Decoder::new();
                decoder.set_limit(limit);
                wire.chunks(1000).for_each(|piece| decoder.receive(piece));
                assert_eq!(decoder.packet(), Ok(None));
                kept = Some(decoder);
            });
            assert!(counted.bytes_current <= i64::try_from(most).unwrap(), "{limit} {got}: {counted:?}");
        }
    }
}

#[test]
fn a_decoder_that_waits_between_packets_owns_nothing() {
    let mut decoder = Decoder::new();
    decoder.lend(vec![0; BUFFER_SIZE]);
    decoder.receive(&frame(b'A', b""));
    assert!(decoder.packet().unwrap().is_some());
    let counted = measure(|| assert_eq!(decoder.reclaim().map(|buffer| buffer.len()), Some(BUFFER_SIZE)));
    assert_eq!((counted.count_total, counted.bytes_current), (0, -(BUFFER_SIZE as i64)));
}
