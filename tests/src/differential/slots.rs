//! The macros that libmilter finds: seven slots that are seldom emptied (`st_macros` and `mi_clr_macros` in its
//! engine.c, `smfi_getsymval` in its smfi.c).

use super::filter::macros_digest;
use super::ours::Ours;
use super::table::Passed;

/// The slots in the order in which they are emptied; a lookup goes the other way.
const SLOTS: &[u8] = b"CHMRTNE";

/// What libmilter finds at each event, as far as it takes what we take.
pub(super) fn macros_seen(packets: &[Vec<u8>], passed: &[Passed], ours: &Ours) -> Vec<u64> {
    let (mut slots, mut seen) = (Slots::default(), Vec::new());
    for ((at, packet), passed) in packets.iter().enumerate().zip(passed) {
        let Some((letter, payload)) = packet.get(4..).and_then(<[u8]>::split_first) else { break };
        match letter {
            b'D' => slots.define(payload),
            _ if passed.taken => slots.begin(*letter),
            _ => {}
        }
        let digest = macros_digest(|name| slots.find(name));
        seen.extend(ours.asked().filter(|(told_at, _)| *told_at == at).map(|_| digest));
    }
    seen
}

/// Names and values by turns.
#[derive(Default)]
struct Slots([Vec<Vec<u8>>; 7]);

impl Slots {
    /// A set replaces the one before it, unless it is empty, or for another command.
    fn define(&mut self, payload: &[u8]) {
        let Some((letter, pairs)) = payload.split_first() else { return };
        let slot = SLOTS.iter().position(|slot| slot == letter);
        if let (Some(slot), Some((0, pairs))) = (slot, pairs.split_last()) {
            self.0[slot] = pairs.split(|octet| *octet == 0).map(<[u8]>::to_vec).collect();
        }
    }

    fn begin(&mut self, command: u8) {
        let first = match command {
            b'O' | b'K' => 0,
            b'C' | b'H' | b'M' | b'R' => SLOTS.iter().take_while(|slot| **slot != command).count() + 1,
            _ => return,
        };
        self.0[first..].fill(Vec::new());
    }

    fn find(&self, name: &str) -> Option<Vec<u8>> {
        let name = bare(name.as_bytes());
        let mut pairs = self.0.iter().rev().flat_map(|slot| slot.chunks_exact(2));
        pairs.find(|pair| bare(&pair[0]) == name).map(|pair| pair[1].clone())
    }
}

/// A name of one letter is found with and without braces, others as they are.
fn bare(name: &[u8]) -> &[u8] {
    match name {
        [b'{', letter, b'}'] => std::slice::from_ref(letter),
        _ => name,
    }
}
