//! What a run has seen: the same for all who do the same work.

use std::ops::AddAssign;

/// Packets and the sum of the lengths and numbers in their fields; of a session, calls of hooks and octets written. Who
/// has computed it has looked at every field, so no work can be left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    packets: usize,
    sum: usize,
}

impl Seen {
    /// A packet, or a call.
    pub const fn packet(sum: usize) -> Self {
        Self { packets: 1, sum }
    }

    /// Packets, or calls.
    pub const fn packets(self) -> usize {
        self.packets
    }

    /// The sum.
    pub const fn sum(self) -> usize {
        self.sum
    }

    /// Octets that were written.
    pub const fn written(octets: usize) -> Self {
        Self { packets: 0, sum: octets }
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}
