//! What the session tells the recorder, and the order in which modifications leave.

use super::seen::Seen;
use super::stack::Entry;
use super::{Modifications, Stack};
use crate::negotiation::Agreement;
use crate::text::Text;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Reverse;

/// Octets that a connection keeps for the modifications of its next message.
const KEPT: usize = 1024;

impl Modifications {
    pub(crate) fn negotiated(&mut self, agreement: Agreement) {
        self.agreement = agreement;
    }

    pub(crate) const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    pub(crate) fn track_headers(&mut self) {
        self.headers = Some(Box::default());
    }

    #[inline]
    pub(crate) fn count_header(&mut self, name: Text<'_>) {
        if let Some(seen) = &mut self.headers {
            seen.count(name);
        }
    }

    pub(crate) const fn set_limit(&mut self, octets: usize) {
        self.limit = octets;
    }

    pub(crate) fn begin_helo(&mut self) {
        let wire = self.stack.begin_helo();
        self.wire.truncate(wire);
        self.wire.shrink_to(KEPT);
    }

    pub(crate) fn begin_message(&mut self) {
        self.stack.begin_message();
    }

    pub(crate) fn end_message(&mut self) {
        let wire = self.stack.end_message();
        self.wire.truncate(wire);
        self.wire.shrink_to(KEPT);
        if let Some(seen) = &mut self.headers {
            **seen = Seen::default();
        }
    }

    pub(crate) fn end_session(&mut self) {
        self.wire = Vec::new();
        self.stack = Stack::default();
    }

    /// Appends every packet but those of the body, which is given back: headers, envelope, quarantine.
    #[inline(never)]
    pub(crate) fn send(&self, out: &mut Vec<u8>) -> Option<Bytes> {
        self.send_headers(out);
        for group in [&b"e+2-"[..], b"q"] {
            for entry in self.stack.entries() {
                if matches!(entry, Entry::Packet { letter, .. } if group.contains(letter)) {
                    self.send_packet(entry, out);
                }
            }
        }
        self.stack.entries().iter().rev().find_map(|entry| match entry {
            Entry::Body(body) => Some(body.clone()),
            Entry::Packet { .. } => None,
        })
    }

    /// Headers leave in the order of the calls, but the changes of one name share out their places among themselves:
    /// the highest occurrence first, and only the last call for an occurrence.
    fn send_headers(&self, out: &mut Vec<u8>) {
        let headers = || self.stack.entries().iter().enumerate().filter(|(_, entry)| letter(entry, b"him"));
        let changes = headers().filter(|(_, entry)| letter(entry, b"m"));
        let by_place: Vec<_> = changes.map(|(place, entry)| (self.change_of(entry), place, entry)).collect();
        if by_place.len() < 2 {
            headers().for_each(|(_, entry)| self.send_packet(entry, out));
            return;
        }
        let mut places: Vec<_> = by_place.iter().map(|((name, _), place, _)| (name, *place)).collect();
        places.sort_unstable();
        let mut changes: Vec<_> = by_place.iter().collect();
        changes.sort_by_key(|((name, occurrence), ..)| (name, Reverse(*occurrence)));
        let superseded =
            changes.iter().zip(changes.iter().skip(1)).map(|((one, ..), (next, ..))| one == next);
        let superseded: Vec<bool> = superseded.chain([false]).collect();
        let mut sent_at: Vec<_> = places
            .iter()
            .zip(changes.iter().zip(&superseded))
            .map(|((_, place), ((_, _, entry), superseded))| (*place, (!superseded).then_some(*entry)))
            .collect();
        sent_at.sort_unstable_by_key(|(place, _)| *place);
        let mut sent_at = sent_at.into_iter();
        for (_, entry) in headers() {
            let entry =
                if letter(entry, b"m") { sent_at.next().and_then(|(_, entry)| entry) } else { Some(entry) };
            if let Some(entry) = entry {
                self.send_packet(entry, out);
            }
        }
    }

    fn send_packet(&self, entry: &Entry, out: &mut Vec<u8>) {
        const HEAD: usize = 5;
        if let Entry::Packet { payload, .. } = entry {
            let packet = payload.start.saturating_sub(HEAD)..payload.end;
            out.extend_from_slice(self.wire.get(packet).unwrap_or_default());
        }
    }

    /// Name, without regard to case, and occurrence of a changed header.
    fn change_of(&self, entry: &Entry) -> (Vec<u8>, u32) {
        let Entry::Packet { payload, .. } = entry else { return Default::default() };
        let payload = self.wire.get(payload.clone()).unwrap_or_default();
        let Some((occurrence, header)) = payload.split_first_chunk::<4>() else { return Default::default() };
        let name = header.split(|octet| *octet == 0).next().unwrap_or_default();
        (name.to_ascii_lowercase(), u32::from_be_bytes(*occurrence))
    }
}

fn letter(entry: &Entry, letters: &[u8]) -> bool {
    matches!(entry, Entry::Packet { letter, .. } if letters.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, detached};
    use alloc::string::String;

    /// The packets, in the order of sending, as their letters and what tells them apart.
    fn sent(modifications: &Modifications) -> String {
        let mut out = Vec::new();
        modifications.send(&mut out);
        testing::shown(&out)
    }

    #[test]
    fn headers_go_first_then_the_envelope_then_quarantine_and_the_body_is_given_back() {
        let mut cx = detached();
        cx.replace_body("one").unwrap();
        cx.quarantine("why").unwrap();
        cx.delete_recipient("a@b").unwrap();
        cx.change_sender("", None).unwrap();
        cx.add_header("X", "1").unwrap();
        cx.add_recipient("<c@d>").unwrap();
        cx.insert_header(0, "Y", "2").unwrap();
        cx.replace_body("two").unwrap();
        assert_eq!(sent(&cx), "h X: 1, i0 Y: 2, - <a@b>, e <>, + <c@d>, q why");
        assert_eq!(cx.message.send(&mut Vec::new()), Some(Bytes::from("two")));
    }

    #[test]
    fn changes_of_one_name_go_from_the_highest_occurrence_down_and_the_last_call_counts() {
        let mut cx = detached();
        cx.change_header("A", 1, "a1").unwrap();
        cx.add_header("X", "1").unwrap();
        cx.change_header("B", 2, "b2").unwrap();
        cx.delete_header("a", 3).unwrap();
        cx.change_header("A", 1, "last").unwrap();
        cx.delete_header("B", 1).unwrap();
        cx.change_header("A", 2, "a2").unwrap();
        cx.add_header("Y", "2").unwrap();
        assert_eq!(sent(&cx), "m3 a: , h X: 1, m2 B: b2, m2 A: a2, m1 B: , m1 A: last, h Y: 2");
    }

    #[test]
    fn two_changes_of_one_name_change_places() {
        let mut cx = detached();
        cx.change_header("A", 1, "a1").unwrap();
        cx.change_header("A", 2, "a2").unwrap();
        assert_eq!(sent(&cx), "m2 A: a2, m1 A: a1");
    }

    #[test]
    fn headers_are_counted_without_regard_to_case_and_for_one_message() {
        let mut cx = detached();
        assert!(cx.delete_all_headers("X").is_err());
        cx.message.track_headers();
        for name in ["X", "x", "Y"] {
            cx.message.count_header(Text::trusted(name.as_bytes()));
        }
        assert_eq!((cx.headers_seen("x"), cx.headers_seen("Z")), (Some(2), Some(0)));
        cx.delete_all_headers("X").unwrap();
        assert_eq!(sent(&cx), "m2 X: , m1 X: ");
        cx.message.end_message();
        assert_eq!(cx.headers_seen("x"), Some(0));
    }

    #[test]
    fn memory_of_a_large_message_is_given_back() {
        let mut cx = detached();
        cx.message.begin_message();
        for _ in 0..1000 {
            cx.add_header("X", "y".repeat(500)).unwrap();
        }
        cx.message.end_message();
        assert!(cx.is_empty() && cx.message.wire.capacity() <= KEPT);
    }
}
