//! What is owed to the MTA and was not handed out yet.

use crate::packet;
use crate::response::{ReplacementChunk, Response};
use alloc::vec::Vec;
use bytes::Bytes;

/// Replies that wait to be written. One buffer, small once it is empty; a replaced body is cut into packets on the way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    handed_out: bool,
    body: Option<Body>,
}

/// A body that is on its way, and the verdict behind it.
#[derive(Debug)]
struct Body {
    rest: Bytes,
    verdict: u8,
}

/// Octets that a connection keeps for its next replies.
const KEPT: usize = 256;
/// Octets that a write has at most, about.
const FULL: usize = 64 * 1024;

impl Outbox {
    #[inline]
    pub(super) fn push(&mut self, response: Response<'_>) {
        response.encode(&mut self.bytes);
    }

    /// For packets that are encoded already.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// A new body and the verdict behind it, which has no payload.
    pub(super) fn push_body(&mut self, body: Bytes, verdict: &Response<'_>) {
        self.body = Some(Body { rest: body, verdict: verdict.letter() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.body.is_none()
    }

    /// Whether pieces of a body are still to be cut.
    pub(super) const fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// What is to be written next, the same until it is [settled](Self::settle); never empty.
    #[inline]
    pub(super) fn next(&mut self) -> &[u8] {
        if self.has_body() {
            self.cut_body();
        }
        self.handed_out = true;
        &self.bytes
    }

    fn cut_body(&mut self) {
        while self.bytes.len() < FULL {
            let Some(body) = &mut self.body else { break };
            let length = ReplacementChunk::split(&body.rest).next().map_or(0, |chunk| chunk.as_bytes().len());
            let chunk = body.rest.split_to(length);
            packet::put(&mut self.bytes, b'b', &[&chunk]);
            if body.rest.is_empty() {
                packet::put(&mut self.bytes, body.verdict, &[]);
                self.body = None;
            }
        }
    }

    /// A step is taken: what was handed out has been written, and its memory is given back.
    pub(super) fn settle(&mut self) {
        if self.handed_out {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.handed_out = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::MAX_PAYLOAD;
    use alloc::vec;

    const PACKET: usize = 5 + MAX_PAYLOAD;

    /// How many octets each write has, of replies and a new body of two packets and one octet behind them.
    fn writes(replies: usize) -> Vec<usize> {
        let mut outbox = Outbox::default();
        outbox.bytes().resize(replies, b'h');
        outbox.push_body(Bytes::from(vec![b'x'; 2 * MAX_PAYLOAD + 1]), &Response::Accept);
        let writes = core::iter::from_fn(|| {
            outbox.settle();
            (!outbox.is_empty()).then(|| outbox.next().len())
        });
        writes.take(5).collect()
    }

    #[test]
    fn a_new_body_leaves_by_the_packet_the_first_one_with_what_stands_before_it() {
        assert_eq!(writes(0), [PACKET, PACKET, 6 + 5]);
        assert_eq!(writes(60_000), [60_000 + PACKET, PACKET, 6 + 5]);
        assert_eq!(writes(FULL), [FULL, PACKET, PACKET, 6 + 5]);
    }
}
