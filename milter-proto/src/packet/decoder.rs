//! Finding packets in a stream.
//!
//! [`Decoder`] finds packets in whatever pieces the bytes arrive. Storage is lent to it: a driver that serves many
//! connections keeps a few large buffers, [lends](Decoder::lend) one while bytes flow and takes it
//! [back](Decoder::reclaim) when it would have to wait. A packet that arrived whole is never copied, and a
//! connection that waits between packets owns no buffer at all.

use super::{MAX_PAYLOAD, Packet};
use crate::error::PacketError;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// Finds packets in a stream of bytes, however it is cut.
///
/// Errors are final: a stream that went wrong once has no place to start anew.
///
/// ```
/// # use milter_proto::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.receive(b"\0\0\0\x05Hc");
/// assert_eq!(decoder.packet()?, None);
/// decoder.receive(b"li\0");
/// let packet = decoder.packet()?.expect("a whole packet");
/// assert_eq!((packet.letter, packet.payload), (b'H', &b"cli\0"[..]));
/// # Ok::<(), milter_proto::PacketError>(())
/// ```
pub struct Decoder {
    /// Initialised storage; `start..end` was received and not taken.
    storage: Vec<u8>,
    start: usize,
    end: usize,
    /// Below so many octets held there is no whole packet, as far as it is known.
    awaited: usize,
    /// Whether the storage was lent, and goes back when it is empty.
    lent: bool,
    ended: bool,
    limit: usize,
    taken: u64,
    failed: Option<PacketError>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Accepts packets of up to [`MAX_PAYLOAD`].
    pub const fn new() -> Self {
        let limit = MAX_PAYLOAD.saturating_add(1);
        Self {
            storage: Vec::new(),
            start: 0,
            end: 0,
            awaited: 0,
            lent: false,
            ended: false,
            limit,
            taken: 0,
            failed: None,
        }
    }

    /// Accepts payloads of up to `payload` octets from now on; never less than [`MAX_PAYLOAD`].
    pub fn set_limit(&mut self, payload: usize) {
        self.limit = payload.max(MAX_PAYLOAD).saturating_add(1);
        self.awaited = 0;
    }

    /// Takes bytes in. Empty input is the end of the stream.
    pub fn receive(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            self.filled(0);
        }
        while !bytes.is_empty() {
            let spare = self.spare();
            let count = spare.len().min(bytes.len());
            let (now, later) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            if let Some(spare) = spare.get_mut(..count) {
                spare.copy_from_slice(now);
            }
            self.filled(count);
            bytes = later;
        }
    }

    /// Whether a lent buffer would serve: no large unfinished packet is held, which is finished where it is.
    #[inline]
    pub const fn wants_buffer(&self) -> bool {
        !self.lent && self.held() <= SMALL
    }

    /// Lends storage: an initialised buffer, best of [`BUFFER_SIZE`](crate::BUFFER_SIZE). What is held of a packet moves into it.
    ///
    /// A buffer that has no room beyond that is dropped, and so is one that was lent before and not
    /// [reclaimed](Self::reclaim). A packet that outgrows the buffer moves into storage of our own, and the buffer is
    /// dropped as well.
    #[inline]
    pub fn lend(&mut self, mut buffer: Vec<u8>) {
        let held = self.held();
        let piece = self.storage.get(self.start..self.end).unwrap_or_default();
        match buffer.split_at_mut_checked(held) {
            Some((front, [_, ..])) => front.copy_from_slice(piece),
            _ => return,
        }
        (self.storage, self.start, self.end, self.lent) = (buffer, 0, held, true);
    }

    /// Gives the lent buffer back, if there is one: to be called before waiting for bytes. What is held of an
    /// unfinished packet moves into storage of our own, of about its size.
    #[inline]
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        let own = match self.storage.get(self.start..self.end) {
            Some(held @ [_, ..]) if self.lent => held.to_vec(),
            Some([_, ..]) => return None,
            _ => Vec::new(),
        };
        (self.start, self.end) = (0, own.len());
        let storage = core::mem::replace(&mut self.storage, own);
        core::mem::take(&mut self.lent).then_some(storage)
    }

    /// Where the next bytes go: never empty. What was read into it is reported by [`filled`](Self::filled).
    #[inline]
    pub fn spare(&mut self) -> &mut [u8] {
        if self.is_cramped() {
            self.make_room();
        }
        self.storage.get_mut(self.end..).unwrap_or_default()
    }

    /// Reports `count` bytes in [`spare`](Self::spare). Zero is the end of the stream. What comes after that, or after
    /// an error, is dropped.
    #[inline]
    pub fn filled(&mut self, count: usize) {
        if count == 0 {
            (self.ended, self.awaited) = (true, 0);
        }
        if !self.ended && self.failed.is_none() {
            self.end = self.end.saturating_add(count).min(self.storage.len());
        }
    }

    /// The next whole packet, or `None` while there is none.
    #[inline]
    pub fn packet(&mut self) -> Result<Option<Packet<'_>>, PacketError> {
        let Some(frame) = self.peek()? else { return Ok(None) };
        self.take(&frame);
        Ok(Some(Packet { letter: frame.letter, payload: self.payload(&frame) }))
    }

    /// Whether the end of the stream was reported. Packets that came before it may still be waiting.
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing is held: no byte of a packet.
    pub const fn is_empty(&self) -> bool {
        self.held() == 0
    }

    /// How many whole packets were taken: tells a driver whether an unfinished packet is still the same one.
    pub const fn packets_taken(&self) -> u64 {
        self.taken
    }

    const fn held(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The next whole packet as a place in the storage, valid until bytes are taken in or storage moves. It stays the
    /// next one until it is [taken](Self::take).
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Option<Frame>, PacketError> {
        if self.held() < self.awaited && !self.ended {
            return Ok(None);
        }
        match self.find() {
            Some(frame) => Ok(Some(frame)),
            None => self.miss(),
        }
    }

    /// Takes the packet that [`peek`](Self::peek) found.
    pub(crate) const fn take(&mut self, frame: &Frame) {
        (self.start, self.awaited) = (frame.payload.end, HEAD);
        self.taken = self.taken.wrapping_add(1);
    }

    /// The payload of a packet that [`peek`](Self::peek) found.
    pub(crate) fn payload(&self, frame: &Frame) -> &[u8] {
        self.storage.get(frame.payload.clone()).unwrap_or_default()
    }

    fn find(&self) -> Option<Frame> {
        let held = self.storage.get(self.start..self.end)?;
        let (head, rest) = held.split_first_chunk::<HEAD>()?;
        let length = usize::try_from(u32::from_be_bytes(*head)).ok()?;
        if length > self.limit || length > rest.len() {
            return None;
        }
        let letter = *rest.get(..length)?.first()?;
        let first = self.start.saturating_add(HEAD);
        Some(Frame { letter, payload: first.saturating_add(1)..first.saturating_add(length) })
    }

    /// No whole packet is held: there is more to come, or there will never be one.
    #[cold]
    fn miss(&mut self) -> Result<Option<Frame>, PacketError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.missed() {
            Ok(awaited) => self.awaited = awaited,
            Err(error) => (self.failed, self.awaited, self.start, self.end) = (Some(error), 0, 0, 0),
        }
        self.failed.map_or(Ok(None), Err)
    }

    /// How many octets have to be held at least for the next packet to be whole.
    fn missed(&self) -> Result<usize, PacketError> {
        let held = self.storage.get(self.start..self.end).unwrap_or_default();
        let Some((head, rest)) = held.split_first_chunk::<HEAD>() else {
            return match held.len() {
                got @ 1.. if self.ended => Err(PacketError::EndInsidePacket { expected: HEAD, got }),
                _ => Ok(HEAD),
            };
        };
        let length = u32::from_be_bytes(*head);
        match usize::try_from(length) {
            Ok(0) => Err(PacketError::Empty),
            Ok(expected) if expected <= self.limit => match self.ended {
                true => Err(PacketError::EndInsidePacket { expected, got: rest.len() }),
                false => Ok(expected.saturating_add(HEAD)),
            },
            _ => Err(PacketError::TooLong { length, limit: self.limit, head: *head }),
        }
    }

    /// Whether room is to be made: there is none, or it is worth a move, because what is held is little or begins a packet
    /// that does not fit where it stands.
    fn is_cramped(&self) -> bool {
        let size = self.storage.len();
        if self.start == 0 {
            return self.end == size;
        }
        let little = self.held() <= SMALL && self.end > size / 2;
        little || self.is_empty() || self.awaited > size.saturating_sub(self.start) || self.end == size
    }

    /// Moves what is held to the front (each piece of a packet at most once), or into larger storage of our own:
    /// twice what is held, so that the cost stays linear, but no more than the largest packet needs as long as only the
    /// beginning of one is held.
    fn make_room(&mut self) {
        let held = self.held();
        if self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
        } else {
            let largest = self.limit.saturating_add(HEAD);
            let doubled = held.saturating_mul(2).max(SMALL);
            let size = if held < largest { doubled.min(largest) } else { doubled };
            let mut larger = Vec::with_capacity(size);
            larger.extend_from_slice(self.storage.get(..held).unwrap_or_default());
            larger.resize(size, 0);
            (self.storage, self.lent) = (larger, false);
        }
        (self.start, self.end) = (0, held);
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("held", &self.held())
            .field("storage", &self.storage.len())
            .field("lent", &self.lent)
            .field("limit", &self.limit)
            .field("ended", &self.ended)
            .field("failed", &self.failed)
            .finish()
    }
}

/// A whole packet's place in the storage.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) letter: u8,
    payload: Range<usize>,
}

const HEAD: usize = 4;

/// Storage that a connection may keep for the beginning of a packet before it is lent a large buffer again.
const SMALL: usize = 4096;

#[cfg(test)]
mod tests;
