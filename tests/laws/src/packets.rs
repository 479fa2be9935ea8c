//! Packets: however the bytes are cut and by whichever way they are fed, the same packets come out.

use crate::frame;
use crate::octets::octets;
use milter_proto::{BUFFER_SIZE, Decoder, MAX_PAYLOAD, PacketError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a decoder may hold besides the largest packet.
pub const SLACK: usize = 4096;

/// One thing that a driver does with a decoder.
#[derive(Clone, Copy, Debug)]
pub enum Feed {
    /// So many octets are given to [`Decoder::receive`].
    Receive(usize),
    /// At most so many octets are read into [`Decoder::spare`].
    Read(usize),
    /// A buffer of this size is lent.
    Lend(usize),
    /// The buffer is taken back.
    Reclaim,
    /// At most so many packets are taken.
    Take(usize),
}

/// A letter and its payload.
pub type OwnedPacket = (u8, Vec<u8>);

/// What is in a stream, found the simple way: the packets, and how it ends.
pub fn expected(mut stream: &[u8], limit: usize) -> (Vec<OwnedPacket>, Result<(), PacketError>) {
    let mut packets = Vec::new();
    loop {
        let Some((head, rest)) = stream.split_first_chunk::<4>() else {
            let end = match stream.len() {
                0 => Ok(()),
                got => Err(PacketError::EndInsidePacket { expected: 4, got }),
            };
            return (packets, end);
        };
        let length = u32::from_be_bytes(*head);
        let expected = length as usize;
        if expected == 0 {
            return (packets, Err(PacketError::Empty));
        }
        if expected > limit {
            return (packets, Err(PacketError::TooLong { length, limit, head: *head }));
        }
        if rest.len() < expected {
            return (packets, Err(PacketError::EndInsidePacket { expected, got: rest.len() }));
        }
        packets.push((rest[0], rest[1..expected].to_vec()));
        stream = &rest[expected..];
    }
}

/// Law: every way of feeding a stream gives the same packets and the same end, which is final; a decoder whose packets
/// are taken holds less than the largest packet, in storage of no more than that and [`SLACK`] or the buffer that was lent,
/// and one in which packets wait has at most twice the storage.
pub fn any_feeding_gives_the_same(stream: &[u8], feeds: &[Feed], payload_limit: usize) {
    let mut run = Run::new(stream, payload_limit);
    for feed in feeds {
        run.feed(*feed);
    }
    // Whatever is left comes as a driver reads it.
    while !run.rest.is_empty() {
        run.feed(Feed::Take(usize::MAX));
        run.feed(Feed::Read(4096));
    }
    run.finish(stream);
}

/// Law: bytes one by one give the same packets as all at once.
pub fn single_bytes_give_the_same(stream: &[u8]) {
    let mut run = Run::new(stream, MAX_PAYLOAD);
    for _ in stream {
        run.feed(Feed::Receive(1));
        run.feed(Feed::Take(usize::MAX));
    }
    run.finish(stream);
}

struct Run<'a> {
    decoder: Decoder,
    rest: &'a [u8],
    limit: usize,
    packets: Vec<OwnedPacket>,
    error: Option<PacketError>,
    /// Octets that were fed and did not come out again.
    held: usize,
    /// The largest storage there may be.
    most: usize,
}

impl<'a> Run<'a> {
    fn new(stream: &'a [u8], payload_limit: usize) -> Self {
        let mut decoder = Decoder::new();
        decoder.set_limit(payload_limit);
        let limit = payload_limit.max(MAX_PAYLOAD) + 1;
        let most = limit + 4 + SLACK;
        Self { decoder, rest: stream, limit, packets: Vec::new(), error: None, held: 0, most }
    }

    fn feed(&mut self, feed: Feed) {
        match feed {
            Feed::Receive(count) => {
                let (now, later) = self.rest.split_at(count.min(self.rest.len()));
                if !now.is_empty() {
                    self.decoder.receive(now);
                    self.fed(now.len(), later);
                }
            }
            Feed::Read(count) => {
                let spare = self.decoder.spare();
                assert!(!spare.is_empty(), "nowhere to read into");
                assert!(self.held + spare.len() <= self.most, "{} and {}", self.held, spare.len());
                let count = count.min(spare.len()).min(self.rest.len());
                if count > 0 {
                    let (now, later) = self.rest.split_at(count);
                    spare[..count].copy_from_slice(now);
                    self.decoder.filled(count);
                    self.fed(count, later);
                }
            }
            Feed::Lend(size) => {
                self.most = self.most.max(size);
                self.decoder.lend(vec![0x55; size]);
                // One that has room is kept.
                assert!(size <= self.held || !self.decoder.wants_buffer());
            }
            Feed::Reclaim => {
                let _ = self.decoder.reclaim();
                assert_eq!(self.decoder.reclaim(), None, "a buffer was given back twice");
                assert_eq!(self.decoder.wants_buffer(), self.held <= 4096);
            }
            Feed::Take(most) => self.take(most),
        }
        assert_eq!(self.decoder.is_empty(), self.held == 0);
    }

    fn fed(&mut self, count: usize, later: &'a [u8]) {
        self.rest = later;
        if self.error.is_none() {
            self.held += count;
            if self.held >= self.limit + 4 {
                // Packets were left to wait.
                self.most = self.most.max(2 * self.held);
            }
        }
    }

    fn take(&mut self, most: usize) {
        for _ in 0..most {
            match self.decoder.packet() {
                Ok(Some(packet)) => {
                    assert_eq!(self.error, None, "a packet came after an error");
                    self.held -= packet.payload.len() + 5;
                    self.packets.push((packet.letter, packet.payload.to_vec()));
                }
                Ok(None) => {
                    assert_eq!(self.error, None, "an error was forgotten");
                    assert!(self.held < self.limit + 4, "{} octets and no packet", self.held);
                    return;
                }
                Err(error) => {
                    assert!(self.error.is_none_or(|first| first == error), "another error than the first");
                    (self.error, self.held) = (Some(error), 0);
                    return;
                }
            }
        }
    }

    fn finish(mut self, stream: &[u8]) {
        self.decoder.receive(&[]);
        assert!(self.decoder.is_ended());
        let shown = format!("{:?}", self.decoder);
        assert!(shown.contains(&format!("held: {}", self.held)) && shown.len() < 300, "{shown}");
        for _ in 0..2 {
            self.take(usize::MAX);
        }
        let (packets, end) = expected(stream, self.limit);
        assert_eq!(self.packets, packets);
        assert_eq!(self.error.map_or(Ok(()), Err), end);
    }
}

/// A stream of packets, sound but for its end.
pub fn stream() -> BoxedStrategy<Vec<u8>> {
    let packet = || {
        (any::<u8>(), prop_oneof![60 => octets(300), 1 => octets(5000), 1 => octets(MAX_PAYLOAD)])
            .prop_map(|(letter, payload)| frame(letter, &payload))
    };
    let end = prop_oneof![
        4 => Just(Vec::new()),
        4 => vec(any::<u8>(), 0..4),
        4 => (packet(), any::<proptest::sample::Index>()).prop_map(|(mut cut, at)| {
            cut.truncate(at.index(cut.len()));
            cut
        }),
        2 => octets(9000),
        2 => select(&[0, 65537, 0x0010_0001, 0x7fff_ffff, 0x8000_0001, u32::MAX][..])
            .prop_map(|length| [&length.to_be_bytes()[..], b"B and more"].concat()),
        1 => Just(frame(b'b', &vec![b'x'; MAX_PAYLOAD + 1])),
    ];
    (vec(packet(), 0..12), end).prop_map(|(packets, end)| [packets.concat(), end].concat()).boxed()
}

/// A driver, a sensible one or not.
pub fn feeds() -> BoxedStrategy<Vec<Feed>> {
    let count = || prop_oneof![6 => 1..9usize, 6 => 1..300usize, 2 => 1..8000usize, 1 => Just(100_000)];
    let size = prop_oneof![0..16usize, 1..9000usize, Just(BUFFER_SIZE)];
    let feed = prop_oneof![
        4 => count().prop_map(Feed::Receive),
        6 => count().prop_map(Feed::Read),
        2 => size.prop_map(Feed::Lend),
        2 => Just(Feed::Reclaim),
        3 => (0..4usize).prop_map(Feed::Take),
        3 => Just(Feed::Take(usize::MAX)),
    ];
    vec(feed, 0..60).boxed()
}
