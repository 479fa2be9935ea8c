//! How long a recorded modification lives. A scope ends before the one around it does, so all share one stack.

use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// A recorded modification.
#[derive(Debug)]
pub(super) enum Entry {
    /// A packet, encoded; where its payload stands.
    Packet { letter: u8, payload: Range<usize> },
    /// A new body, as it was given.
    Body(Bytes),
}

/// Entries that a connection keeps room for.
const KEPT: usize = 32;

/// Entries by scope: first those of CONNECT, then those of HELO, then those of the message.
#[derive(Debug, Default)]
pub(super) struct Stack {
    entries: Vec<Entry>,
    scope: Scope,
    /// How much CONNECT has recorded.
    connect: Mark,
    /// How much CONNECT and HELO have recorded.
    session: Mark,
}

#[derive(Clone, Copy, Debug, Default)]
enum Scope {
    #[default]
    Connect,
    Session,
    Message,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    entries: usize,
    wire: usize,
}

impl Stack {
    /// Adds an entry; `wire` is how many octets all packets have with it.
    pub(super) fn push(&mut self, entry: Entry, wire: usize) {
        self.entries.push(entry);
        let mark = Mark { entries: self.entries.len(), wire };
        match self.scope {
            Scope::Connect => (self.connect, self.session) = (mark, mark),
            Scope::Session => self.session = mark,
            Scope::Message => {}
        }
    }

    /// Adds a body, in the place of one that the same scope has already.
    pub(super) fn push_body(&mut self, body: Bytes, wire: usize) {
        let start = match self.scope {
            Scope::Connect => 0,
            Scope::Session => self.connect.entries,
            Scope::Message => self.session.entries,
        };
        let scope = self.entries.get_mut(start..).unwrap_or_default();
        match scope.iter_mut().find(|entry| matches!(entry, Entry::Body(_))) {
            Some(earlier) => *earlier = Entry::Body(body),
            None => self.push(Entry::Body(body), wire),
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// HELO begins: what an older one recorded is gone. Gives the octets of packets that stay.
    pub(super) fn begin_helo(&mut self) -> usize {
        (self.scope, self.session) = (Scope::Session, self.connect);
        self.cut(self.connect)
    }

    pub(super) fn begin_message(&mut self) {
        self.scope = Scope::Message;
    }

    /// The message is over. Gives the octets of packets that stay.
    pub(super) fn end_message(&mut self) -> usize {
        self.scope = Scope::Session;
        self.cut(self.session)
    }

    fn cut(&mut self, mark: Mark) -> usize {
        self.entries.truncate(mark.entries);
        self.entries.shrink_to(KEPT);
        mark.wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(stack: &mut Stack, wire: usize) {
        stack.push(Entry::Body(Bytes::new()), wire);
    }

    #[test]
    fn each_scope_ends_with_its_command() {
        let mut stack = Stack::default();
        push(&mut stack, 1);
        assert_eq!(stack.begin_helo(), 1);
        push(&mut stack, 2);
        for _ in 0..2 {
            stack.begin_message();
            push(&mut stack, 3);
            push(&mut stack, 4);
            assert_eq!((stack.entries().len(), stack.end_message()), (4, 2));
        }
        push(&mut stack, 3); // between two messages: until the next HELO
        stack.begin_message();
        assert_eq!((stack.end_message(), stack.entries().len()), (3, 3));
        assert_eq!((stack.begin_helo(), stack.entries().len()), (1, 1));
    }

    #[test]
    fn a_scope_keeps_one_body() {
        let mut stack = Stack::default();
        stack.push_body(Bytes::from_static(b"connect"), 0);
        stack.begin_message();
        for body in [&b"one"[..], b"two", b"three"] {
            stack.push_body(Bytes::from_static(body), 0);
        }
        assert!(
            matches!(stack.entries(), [Entry::Body(first), Entry::Body(last)] if first == "connect" && last == "three")
        );
    }

    #[test]
    fn a_message_with_many_entries_leaves_no_room_for_them_behind() {
        let mut stack = Stack::default();
        stack.begin_message();
        (0..1000).for_each(|wire| push(&mut stack, wire));
        stack.end_message();
        assert!(stack.entries.capacity() <= KEPT);
    }
}
