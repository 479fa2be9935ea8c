//! Receive buffers, shared by the connections of a thread: one that waits for its MTA owns none.

use milter_proto::{BUFFER_SIZE, Decoder};
use std::cell::RefCell;

/// Buffers that a thread keeps: one for the connection that is being read, a few for those whose hooks wait.
const KEPT: usize = 8;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer to a decoder that wants one.
#[inline]
pub(crate) fn lend(decoder: &mut Decoder) {
    if decoder.wants_buffer() {
        decoder.lend(take());
    }
}

fn take() -> Vec<u8> {
    BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BUFFER_SIZE])
}

/// Takes the buffer back before the connection waits.
pub(crate) fn reclaim(decoder: &mut Decoder) {
    if let Some(buffer) = decoder.reclaim() {
        BUFFERS.with_borrow_mut(|buffers| {
            if buffers.len() < KEPT {
                buffers.push(buffer);
            }
        });
    }
}
