//! A session as the text of a recording.

use milter_proto::{DecodeError, Decoder, MAX_PAYLOAD, Packet, Response};
use milter_vectors::{Connection, Event, How, Mark, Session, Side, format_session};

use super::options::Options;
use super::tap::Piece;

/// The text of what passed.
pub(super) fn session(pieces: &[Piece], options: &Options) -> String {
    format_session(&Session {
        name: String::new(),
        mta: format!("milter-probe {}", env!("CARGO_PKG_VERSION")),
        description: format!("one message to {}", options.endpoint()),
        breaks_rules: None,
        notes: Vec::new(),
        connections: vec![Connection { events: events(pieces) }],
    })
}

fn events(pieces: &[Piece]) -> Vec<Event> {
    let (mut mta, mut filter) = (Follower::new(Side::Mta), Follower::new(Side::Filter));
    let mut events = Vec::new();
    for piece in pieces {
        let follower = if piece.side == Side::Mta { &mut mta } else { &mut filter };
        follower.follow(&piece.octets, &mut events);
    }
    for follower in [&mut mta, &mut filter] {
        follower.cut(&mut events);
    }
    // The client closes in the end, whatever came.
    events.push(Event::End { side: Side::Mta, how: How::Eof });
    events
}

/// Finds one side's packets.
struct Follower {
    side: Side,
    decoder: Decoder,
    /// What came and made no packet.
    rest: Vec<u8>,
    is_lost: bool,
}

impl Follower {
    fn new(side: Side) -> Self {
        Self { side, decoder: Decoder::new(), rest: Vec::new(), is_lost: false }
    }

    fn follow(&mut self, octets: &[u8], events: &mut Vec<Event>) {
        if octets.is_empty() {
            self.cut(events);
            events.push(Event::End { side: self.side, how: How::Eof });
            return;
        }
        self.rest.extend_from_slice(octets);
        if self.is_lost {
            return;
        }
        self.decoder.receive(octets);
        loop {
            match self.decoder.packet() {
                Ok(Some(packet)) => {
                    let (letter, payload) = (packet.letter, packet.payload.to_vec());
                    let mark = mark(self.side, &packet);
                    self.rest.drain(..payload.len() + 5);
                    events.push(Event::Packet(milter_vectors::Packet {
                        side: self.side,
                        letter,
                        payload,
                        mark,
                        line: 0,
                    }));
                }
                Ok(None) => return,
                Err(_) => {
                    self.is_lost = true;
                    return;
                }
            }
        }
    }

    /// What is left makes no packet.
    fn cut(&mut self, events: &mut Vec<Event>) {
        let mut bytes = std::mem::take(&mut self.rest);
        // More would not be read again: it is no session then.
        bytes.truncate(MAX_PAYLOAD);
        if !bytes.is_empty() {
            events.push(Event::Partial { side: self.side, bytes });
        }
    }
}

/// Whether a packet keeps the rules: ours do.
fn mark(side: Side, packet: &Packet<'_>) -> Mark {
    if side == Side::Mta {
        return Mark::Legal;
    }
    match Response::decode(*packet) {
        Ok(_) => Mark::Legal,
        Err(DecodeError::Unsupported(kind)) => Mark::Unsupported(kind.to_string()),
        Err(error) => Mark::Illegal(error.to_string().replace(['\r', '\n'], " ")),
    }
}
