//! Classifies all 2^32 length words, each by a fresh decoder: `cargo run --release -p milter-laws --example length-words`.
//!
//! It takes about a minute on two cores, so the tests do the boundaries and every 65521st word only. It
//! panics at the first word that is classified wrong.

fn main() {
    milter_laws::length::words_are_classified(1);
    println!("all 2^32 length words are classified right");
}
