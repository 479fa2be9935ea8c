//! Length words: each of the 2^32 is none, good or too long, and none of them costs memory.

use milter_proto::{Decoder, MAX_PAYLOAD, PacketError};
use std::thread;

/// Law: a fresh decoder that gets nothing but this length word waits for the packet if its length is between 1 and the
/// limit, and refuses it otherwise. The storage is lent, so that a caller can go through many of them, and comes back.
pub fn word_is_classified(word: u32, storage: &mut Vec<u8>) {
    let mut decoder = Decoder::new();
    decoder.lend(std::mem::take(storage));
    let head = word.to_be_bytes();
    if let Some((spare, _)) = decoder.spare().split_first_chunk_mut() {
        *spare = head;
    }
    decoder.filled(head.len());
    const LIMIT: u32 = MAX_PAYLOAD as u32 + 1;
    match decoder.packet() {
        Ok(None) if (1..=LIMIT).contains(&word) => {}
        Err(PacketError::Empty) if word == 0 => {}
        Err(error) if word > LIMIT => {
            assert_eq!(error, PacketError::TooLong { length: word, limit: LIMIT as usize, head });
        }
        other => panic!("{word:#x}: {other:?}"),
    }
    *storage = decoder.reclaim().expect("the storage that was lent");
}

/// Law: all words are classified right, or every `stride`th of them.
pub fn words_are_classified(stride: usize) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for offset in 0..threads {
            scope.spawn(move || {
                let mut storage = vec![0; 16];
                let words = (0..=u32::MAX).skip(offset * stride).step_by(threads * stride);
                words.for_each(|word| word_is_classified(word, &mut storage));
            });
        }
    });
}
