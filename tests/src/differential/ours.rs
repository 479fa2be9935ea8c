//! Our side of a differential run: what the filter is told and what is answered, packet by packet.

use milter_proto::{Decoder, Error, Session, Step};

use super::filter::{Kind, Memory, Told};
use super::packets::{letter_of, packets};

/// How our library lived a session.
#[derive(Debug)]
pub(super) struct Ours {
    /// What the filter was told, and with which packet of the session.
    pub(super) told: Vec<(usize, Told)>,
    /// What was answered, and to which packet.
    pub(super) said: Vec<(usize, Vec<u8>)>,
    /// With which packet it ended; the number of packets is the end of the stream.
    pub(super) ended_at: usize,
    /// Why it was refused, if it was.
    pub(super) refused: Option<Error>,
}

impl Ours {
    /// What was told and asked for an answer, or could have been.
    pub(super) fn asked(&self) -> impl Iterator<Item = (usize, &Told)> {
        self.told.iter().filter(|(_, told)| told.is_asked()).map(|(at, told)| (*at, told))
    }

    /// The letter of the last answer to a packet.
    pub(super) fn verdict(&self, at: usize) -> Option<u8> {
        self.said.iter().rfind(|(said_at, _)| *said_at == at).map(|(_, said)| said[4])
    }
}

/// Lives a session.
pub(super) fn live(kind: &Kind, packets: &[Vec<u8>]) -> Ours {
    let mut living = Living::new(kind);
    for packet in packets.iter().map(Vec::as_slice).chain([&[][..]]) {
        if living.receive(packet) {
            break;
        }
    }
    living.ours
}

/// What an MTA that heeds the answers would send of these packets.
pub(super) fn heeding(kind: &Kind, packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut living = Living::new(kind);
    let mut heeds = Heeds::Nothing;
    let mut sent = Vec::new();
    for packet in packets {
        let letter = letter_of(&packet);
        let command = if letter == b'D' { packet.get(5).copied().unwrap_or_default() } else { letter };
        if kind.unwanted.as_bytes().contains(&letter) || heeds.leaves_out(command) {
            continue;
        }
        let answered = living.ours.said.len();
        living.receive(&packet);
        sent.push(packet);
        if letter != b'D' {
            let verdict = living.ours.said.get(answered..).and_then(<[_]>::last);
            heeds = Heeds::of(letter, verdict.map_or(b'c', |(_, packet)| packet[4]));
        }
    }
    sent
}

/// What is left out after an answer.
enum Heeds {
    Nothing,
    /// The rest of the body.
    Body,
    /// The rest of the message.
    Message,
    /// All but the end.
    Session,
}

impl Heeds {
    fn of(command: u8, verdict: u8) -> Self {
        match (command, verdict) {
            (b'B', b's') => Self::Body,
            (b'C' | b'H', b'a' | b'r' | b't' | b'y') => Self::Session,
            (b'R', b'a' | b'd') | (b'M' | b'T' | b'L' | b'N' | b'B', b'a' | b'd' | b'r' | b't' | b'y') => {
                Self::Message
            }
            _ => Self::Nothing,
        }
    }

    fn leaves_out(&self, command: u8) -> bool {
        match self {
            Self::Nothing => false,
            Self::Body => command == b'B',
            Self::Message => b"RTLNBE".contains(&command),
            Self::Session => command != b'Q',
        }
    }
}

struct Living {
    session: Session,
    memory: Memory,
    received: usize,
    ours: Ours,
}

impl Living {
    fn new(kind: &Kind) -> Self {
        let ours = Ours { told: Vec::new(), said: Vec::new(), ended_at: 0, refused: None };
        Self { session: Session::new(kind.wish()), memory: Memory::default(), received: 0, ours }
    }

    /// Takes a packet, or the end of the stream; says whether the session ended.
    fn receive(&mut self, packet: &[u8]) -> bool {
        let at = self.received;
        self.received += 1;
        self.ours.ended_at = at;
        self.session.receive(packet);
        let mut written = Decoder::new();
        let ended = loop {
            let verdict = match self.session.step() {
                Ok(Step::Read) => break false,
                Ok(Step::Close) => break true,
                Ok(Step::Write(bytes)) => {
                    written.receive(bytes);
                    continue;
                }
                Ok(Step::Event(happened)) => {
                    let (told, verdict) = self.memory.tell(&happened.event, happened.context);
                    self.ours.told.push((at, told));
                    verdict
                }
                Err(error) => {
                    self.ours.refused = Some(error);
                    break true;
                }
            };
            self.session.answer(verdict).unwrap_or_else(|error| panic!("{error}"));
        };
        self.ours.said.extend(packets(written).map(|packet| (at, packet)));
        ended
    }
}
