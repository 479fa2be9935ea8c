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
        mark.wire
    }
}
