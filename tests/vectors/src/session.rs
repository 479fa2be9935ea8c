/// One recorded session: what one file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Folder and file without its ending: `postfix/plain`.
    pub name: String,
    /// Who spoke the mail server's side, with its version.
    pub mta: String,
    /// What happens in it.
    pub description: String,
    /// Why the filter's conduct breaks the rules of a session, where it does so with packets that are
    /// lawful in themselves.
    pub breaks_rules: Option<String>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
    /// The connections, in the order in which they were opened.
    pub connections: Vec<Connection>,
}

impl Session {
    /// The packets of all connections, of both sides.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.connections.iter().flat_map(Connection::packets)
    }
}

/// One connection between a mail server and a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// What both sides did, in the order in which it was seen between them.
    pub events: Vec<Event>,
}

impl Connection {
    /// The packets of both sides.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.events.iter().filter_map(|event| match event {
            Event::Packet(packet) => Some(packet),
            Event::End { .. } | Event::Partial { .. } => None,
        })
    }

    /// Everything that one side sent, as it went over the wire, cut packets included.
    pub fn bytes_from(&self, side: Side) -> Vec<u8> {
        let mut bytes = Vec::new();
        for event in &self.events {
            match event {
                Event::Packet(packet) if packet.side == side => bytes.extend(packet.wire()),
                Event::Partial { side: from, bytes: cut } if *from == side => bytes.extend(cut),
                Event::Packet(_) | Event::Partial { .. } | Event::End { .. } => {}
            }
        }
        bytes
    }
}

/// One thing that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole packet.
    Packet(Packet),
    /// One side's stream ended.
    End {
        /// Whose stream it was.
        side: Side,
        /// In which way it ended.
        how: How,
    },
    /// Bytes that were left at the end of a stream and make no whole packet.
    Partial {
        /// Who sent them.
        side: Side,
        /// The bytes from the length word on.
        bytes: Vec<u8>,
    },
}

/// The two sides of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The mail server, which opens the connection.
    Mta,
    /// The filter.
    Filter,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// In order.
    Eof,
    /// With a reset.
    Reset,
    /// It never began: nobody accepted the connection.
    Refused,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub side: Side,
    /// The command or reply.
    pub letter: u8,
    /// What follows the letter.
    pub payload: Vec<u8>,
    /// Whether the packet is lawful by itself, whatever came before it.
    pub mark: Mark,
    /// Its line in the file, counted from 1; 0 for one that comes from elsewhere.
    pub line: usize,
}

impl Packet {
    /// The packet as it goes over the wire: a big-endian length that counts the letter, the letter, the payload.
    ///
    /// # Panics
    ///
    /// When the payload is too long for the length word.
    pub fn wire(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len() + 1).expect("a length that fits in 32 bits");
        let mut wire = Vec::with_capacity(self.payload.len() + 5);
        wire.extend(length.to_be_bytes());
        wire.push(self.letter);
        wire.extend(&self.payload);
        wire
    }
}

/// Whether a packet keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It does.
    Legal,
    /// It does not, for this reason.
    Illegal(String),
    /// It is well-formed, but of this kind, which mail servers do not support.
    Unsupported(String),
}
