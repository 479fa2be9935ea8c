//! What MTAs said in the recorded sessions, and what can go wrong with it.

use std::sync::LazyLock;

use fastrand::Rng;
use milter_vectors::{Side, sessions};

use crate::asking::{packet as framed, words};

/// The packets of the MTA in each recorded connection.
static RECORDED: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
    let connections = sessions().into_iter().flat_map(|session| session.connections);
    let from_mta = connections.map(|connection| {
        let packets = connection.packets().filter(|packet| packet.side == Side::Mta);
        packets.map(|found| framed(found.letter, shortened(found.letter, &found.payload))).collect()
    });
    from_mta.filter(|packets: &Vec<_>| !packets.is_empty()).collect()
});

/// Letters of commands, the likelier ones in wrong places more than once.
const LETTERS: &[u8] = b"OCHMRTLNBEUADQKHMUUAKKE";

/// The packets of a session: a recorded one, changed in a few places.
pub(super) fn session(rng: &mut Rng) -> Vec<Vec<u8>> {
    let changes = [0, 0, 1, 1, 1, 1, 2, 3][rng.usize(..8)];
    let mut mutant = Mutant { packets: recorded(rng).clone(), rng: rng.fork() };
    mutant.reword();
    for _ in 0..changes {
        if !mutant.packets.is_empty() {
            MUTATIONS[mutant.rng.usize(..MUTATIONS.len())](&mut mutant);
        }
    }
    mutant.packets
}

const MUTATIONS: [fn(&mut Mutant); 25] = [
    Mutant::flip,
    Mutant::insert_octet,
    Mutant::delete_octet,
    Mutant::cut_off,
    Mutant::drop_one,
    Mutant::drop_one,
    Mutant::double,
    Mutant::swap,
    Mutant::swap,
    Mutant::shift,
    Mutant::length,
    Mutant::length,
    Mutant::letter,
    Mutant::letter,
    Mutant::shorten,
    Mutant::lengthen,
    Mutant::nul,
    Mutant::insert,
    Mutant::insert,
    Mutant::insert,
    Mutant::without_letter,
    Mutant::mangle_macros,
    Mutant::offer,
    Mutant::again,
    Mutant::last_piece,
];

/// A session that is being changed.
struct Mutant {
    packets: Vec<Vec<u8>>,
    rng: Rng,
}

impl Mutant {
    /// Other letters in texts, from which other answers follow.
    fn reword(&mut self) {
        for packet in &mut self.packets {
            let odds = if packet[4] == b'M' { 1 } else { 4 };
            if b"CHMRLU".contains(&packet[4]) && self.rng.usize(..odds) == 0 {
                let texts: Vec<_> = (5..packet.len()).filter(|at| packet[*at].is_ascii_lowercase()).collect();
                if let Some(at) = self.rng.choice(texts) {
                    packet[at] = self.rng.u8(b'a'..=b'z');
                }
            }
        }
    }

    fn any(&mut self) -> usize {
        self.rng.usize(..self.packets.len())
    }

    /// A packet and an octet in it.
    fn octet(&mut self) -> (usize, usize) {
        let packet = self.any();
        (packet, self.rng.usize(..self.packets[packet].len()))
    }

    fn flip(&mut self) {
        let (packet, at) = self.octet();
        self.packets[packet][at] ^= 1 << self.rng.u8(..8);
    }

    fn insert_octet(&mut self) {
        let (packet, at) = self.octet();
        self.packets[packet].insert(at, self.rng.u8(..));
    }

    fn delete_octet(&mut self) {
        let at = self.any();
        if self.packets[at].len() > 5 {
            let octet = self.rng.usize(..self.packets[at].len());
            self.packets[at].remove(octet);
        }
    }

    fn cut_off(&mut self) {
        let last = self.any();
        self.packets.truncate(last + 1);
        let length = self.packets[last].len();
        self.packets[last].truncate(self.rng.usize(5..=length.max(5)));
    }

    fn drop_one(&mut self) {
        let at = self.any();
        self.packets.remove(at);
    }

    fn double(&mut self) {
        let at = self.any();
        self.packets.insert(at, self.packets[at].clone());
    }

    fn swap(&mut self) {
        let at = self.any();
        let other = (at + 1 + self.rng.usize(..3)) % self.packets.len();
        self.packets.swap(at, other);
    }

    fn shift(&mut self) {
        let at = self.any();
        let moved = self.packets.remove(at);
        self.packets.insert(self.rng.usize(..=self.packets.len()), moved);
    }

    fn length(&mut self) {
        let at = self.any();
        let length = self.packets[at].len() as u32 - 4;
        let words = [
            0,
            1,
            length - 1,
            length + 1,
            length + 5,
            65_535,
            65_536,
            65_537,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_0001,
            0xffff_ffff,
            self.rng.u32(..),
        ];
        self.packets[at][..4].copy_from_slice(&words[self.rng.usize(..words.len())].to_be_bytes());
    }

    fn letter(&mut self) {
        let at = self.any();
        self.packets[at][4] =
            if self.rng.usize(..8) == 0 { self.rng.u8(..) } else { LETTERS[self.rng.usize(..LETTERS.len())] };
    }

    fn shorten(&mut self) {
        let at = self.any();
        rewrite(&mut self.packets[at], |payload| {
            let length = payload.len();
            payload.truncate(if self.rng.bool() {
                length.saturating_sub(1)
            } else {
                self.rng.usize(..=length)
            });
        });
    }

    fn lengthen(&mut self) {
        let at = self.any();
        let tail: &[u8] = [&b"\0"[..], b"x", b"x\0", b"\0\0", b"IPv6:::1\0"][self.rng.usize(..5)];
        rewrite(&mut self.packets[at], |payload| payload.extend_from_slice(tail));
    }

    /// A NUL where there is none, or none where there is one.
    fn nul(&mut self) {
        let (packet, at) = self.octet();
        if at > 4 {
            let octet = &mut self.packets[packet][at];
            *octet = if *octet == 0 { b'x' } else { 0 };
        }
    }

    /// A packet of another session, or a bare one.
    fn insert(&mut self) {
        let other = recorded(&mut self.rng);
        let inserted = if self.rng.bool() {
            other[self.rng.usize(..other.len())].clone()
        } else {
            let payload: &[u8] =
                [&b""[..], b"", b"x\0", b"x\0y\0", b"h\x004\x00\x00127.0.0.1\0"][self.rng.usize(..5)];
            framed(LETTERS[self.rng.usize(..LETTERS.len())], payload)
        };
        self.packets.insert(self.rng.usize(..=self.packets.len()), inserted);
    }

    fn without_letter(&mut self) {
        let at = self.any();
        let letter = self.packets[at][4];
        self.packets.retain(|packet| packet[4] != letter || packet[4] == b'O');
    }

    fn mangle_macros(&mut self) {
        let macros: Vec<_> = (0..self.packets.len()).filter(|at| self.packets[*at][4] == b'D').collect();
        let Some(at) = self.rng.choice(macros) else { return };
        rewrite(&mut self.packets[at], |payload| match self.rng.usize(..5) {
            0 => payload.truncate(1),
            1 => drop(payload.pop()),
            2 => payload.extend_from_slice(b"{odd}\0"),
            3 => payload
                .splice(..payload.len().min(1), [LETTERS[self.rng.usize(..LETTERS.len())]])
                .for_each(drop),
            _ => payload.retain(|octet| !b"{}".contains(octet)),
        });
    }

    /// Another version, other actions or steps.
    fn offer(&mut self) {
        let version = [0, 1, 2, 3, 4, 5, 6, 7, 0x0100_0001, 0x8000_0006][self.rng.usize(..10)];
        let versions = [6, 6, version];
        let actions = [0x1ff, 0, 0x0f, 0x3f, 0xffff_ffff, self.rng.u32(..)];
        let steps = [0x1f_ffff, 0, 0x3f, 0x7f, 0x37f, 0xffff_ffff, self.rng.u32(..)];
        let payload =
            words(versions[self.rng.usize(..3)], actions[self.rng.usize(..6)], steps[self.rng.usize(..7)]);
        if let Some(offer) = self.packets.iter_mut().find(|packet| packet[4] == b'O') {
            *offer = framed(b'O', &payload);
        }
    }

    /// Body octets in the end of a message.
    fn last_piece(&mut self) {
        let ends: Vec<_> = (0..self.packets.len()).filter(|at| self.packets[*at][4] == b'E').collect();
        if let Some(at) = self.rng.choice(ends) {
            rewrite(&mut self.packets[at], |payload| payload.extend_from_slice(&[b'x', self.rng.u8(..)]));
        }
    }

    /// Another SMTP session over the same connection.
    fn again(&mut self) {
        self.packets.retain(|packet| packet[4] != b'Q');
        self.packets.push(framed(b'K', b""));
        self.packets.extend(recorded(&mut self.rng).iter().filter(|packet| packet[4] != b'O').cloned());
    }
}

fn recorded(rng: &mut Rng) -> &'static Vec<Vec<u8>> {
    &RECORDED[rng.usize(..RECORDED.len())]
}

/// Changes a payload, and the length with it.
fn rewrite(packet: &mut Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) {
    let mut payload = packet.split_off(5);
    change(&mut payload);
    *packet = framed(packet[4], &payload);
}

/// Large bodies say no more than small ones.
fn shortened(letter: u8, payload: &[u8]) -> &[u8] {
    if letter == b'B' { &payload[..payload.len().min(2000)] } else { payload }
}
