//! Length words at the boundaries, and one in 65521 of the others. The example `length-words` does all of them.

use milter_laws::length::{word_is_classified, words_are_classified};

#[test]
fn boundaries() {
    let mut storage = vec![0; 16];
    let edges = (0..32).map(|bit| 1u32 << bit).chain([0, u32::MAX, 262_144, 1_048_576, i32::MAX as u32 / 2]);
    for edge in edges {
        for near in -3..=3 {
            word_is_classified(edge.wrapping_add_signed(near), &mut storage);
        }
    }
    // Every one that is good, and as many that are not.
    (0..=0x2_0000).for_each(|word| word_is_classified(word, &mut storage));
}

#[test]
fn samples() {
    words_are_classified(65521);
}
