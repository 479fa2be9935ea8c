//! Which headers a message has, counted by name.

use crate::text::Text;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Headers of a message, counted by name, without regard to case.
#[derive(Debug, Default)]
pub(super) struct Seen {
    counts: BTreeMap<Vec<u8>, u32>,
    octets: usize,
    /// Some names were not counted.
    is_incomplete: bool,
}

/// Octets of names that are kept for one message: a client chooses how many names there are, and how long.
const MAX_OCTETS: usize = 256 * 1024;
/// What a name costs beside its octets, about.
const ENTRY: usize = 64;

impl Seen {
    pub(super) fn count(&mut self, name: Text<'_>) {
        let name = name.to_ascii_lowercase();
        if let Some(count) = self.counts.get_mut(&name) {
            *count = count.saturating_add(1);
            return;
        }
        let octets = self.octets.saturating_add(name.len()).saturating_add(ENTRY);
        if octets > MAX_OCTETS {
            self.is_incomplete = true;
            return;
        }
        self.octets = octets;
        self.counts.insert(name, 1);
    }

    /// How many came, unless there were too many names to know.
    pub(super) fn get(&self, name: &[u8]) -> Option<u32> {
        let count = self.counts.get(&name.to_ascii_lowercase()).copied();
        if self.is_incomplete { count } else { Some(count.unwrap_or_default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn too_many_names_are_not_taken_for_none() {
        let mut seen = Seen::default();
        seen.count(Text::new(b"First").unwrap());
        for number in 0..10_000 {
            let name = format!("X-{number}");
            seen.count(Text::new(name.as_bytes()).unwrap());
        }
        seen.count(Text::new(b"Authentication-Results").unwrap());
        seen.count(Text::new(b"FIRST").unwrap());
        assert!(seen.octets <= MAX_OCTETS);
        assert_eq!((seen.get(b"first"), seen.get(b"authentication-results")), (Some(2), None));
    }

    #[test]
    fn the_bound_itself_may_be_reached() {
        let mut seen = Seen::default();
        let names = MAX_OCTETS / (64 + ENTRY);
        assert_eq!((names, MAX_OCTETS % (64 + ENTRY)), (2048, 0));
        for number in 0..names {
            seen.count(Text::new(format!("{number:064}").as_bytes()).unwrap());
        }
        assert_eq!(seen.get(b"x"), Some(0), "all were counted");
        seen.count(Text::new(b"x").unwrap());
        assert_eq!(seen.get(b"x"), None);
    }
}
