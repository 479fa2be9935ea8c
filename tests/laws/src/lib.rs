//! What must hold for every input: the laws of `milter-proto`, as plain functions that panic where one is broken.
//!
//! Each module has a concept's laws and the strategies that make up its inputs. The functions know nothing of proptest,
//! so a fuzz target calls the same ones with bytes of its own; there is no runtime and no mail server here, so that it
//! builds fast.
//!
//! The tests run each law 10 000 times; `PROPTEST_CASES` says how often instead.
#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "never published; tests build and match these freely"
)]

pub mod session;

use proptest::prelude::ProptestConfig;

/// How a law is run: 10 000 cases, or as many as `PROPTEST_CASES` says.
///
/// # Panics
///
/// When that is not a number.
pub fn config() -> ProptestConfig {
    let cases =
        std::env::var("PROPTEST_CASES").map_or(10_000, |cases| cases.parse().expect("PROPTEST_CASES"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A packet as it stands on the wire.
///
/// # Panics
///
/// When the payload does not fit a length word.
pub fn frame(letter: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).expect("a payload that fits");
    [&length.to_be_bytes()[..], &[letter], payload].concat()
}
