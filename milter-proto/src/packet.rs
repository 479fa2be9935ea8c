//! Packets: a length word, a letter, a payload.
//!
//! ```text
//! length (u32, big-endian, counts letter and payload)   letter   payload
//! 00 00 00 05                                           'H'      63 6c 69 00
//! ```

mod decoder;

pub use decoder::Decoder;
pub(crate) use decoder::Frame;

use bytes::BufMut;

/// The largest payload that both sides can rely on (`MILTER_MAX_DATA_SIZE`): a full body chunk.
#[doc(alias = "MILTER_MAX_DATA_SIZE")]
#[doc(alias = "MILTER_CHUNK_SIZE")]
pub const MAX_PAYLOAD: usize = 65535;

/// The storage that a driver should lend: room for a full body chunk and the macros before and after it.
pub const BUFFER_SIZE: usize = 72 * 1024;

/// A packet as it stands in the receive buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// What it is. The two directions have separate tables that share only `O`.
    pub letter: u8,
    /// What follows the letter.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// A packet that came from elsewhere than a [`Decoder`].
    pub const fn new(letter: u8, payload: &'a [u8]) -> Self {
        Self { letter, payload }
    }
}

/// Writes a packet whose payload is the concatenation of `parts`. The caller bounds the payload.
pub(crate) fn put(out: &mut impl BufMut, letter: u8, parts: &[&[u8]]) {
    let payload = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
    out.put_u32(u32::try_from(payload.saturating_add(1)).unwrap_or(u32::MAX));
    out.put_u8(letter);
    for part in parts {
        out.put_slice(part);
    }
}
