//! Octets cut anywhere, as a stream may.

/// Where octets are cut: pseudo-random, and the same for the same seed. Must not begin with 0.
#[derive(Clone, Copy, Debug)]
pub struct Splitter(pub(super) u64);

impl Splitter {
    /// A number below `bound`, which is not 0; mostly a small one, sometimes any.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let any = (self.0 >> 33) as usize;
        if self.0 & 1 == 0 { any % bound.min(9) } else { any % bound }
    }
}

/// Cuts octets into pieces, none of which is empty.
pub(super) fn cut<'b>(splitter: &mut Option<Splitter>, mut bytes: &'b [u8]) -> Vec<&'b [u8]> {
    let Some(splitter) = splitter else { return vec![bytes] };
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(splitter.below(bytes.len()) + 1);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
