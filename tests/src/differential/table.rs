//! libmilter's table of states, for what it drops without an answer (`next_states` and `trans_ok` in its engine.c).

use super::filter::Kind;
use super::ours::Ours;
use super::packets::letter_of;

/// Each state, by the letter of its command, and what may follow; `i` is the beginning. The order is libmilter's: a state
/// that a filter opted out of is passed over to the next one.
const STATES: [(u8, &[u8]); 15] = [
    (b'i', b"O"),
    (b'O', b"CU"),
    (b'C', b"HMU"),
    (b'H', b"HMU"),
    (b'M', b"RAU"),
    (b'R', b"LNTBERAU"),
    (b'T', b"NLA"),
    (b'L', b"NLA"),
    (b'N', b"BEA"),
    (b'B', b"EBA"),
    (b'E', b"QMUK"),
    (b'Q', b""),
    (b'A', b""),
    (b'U', b"HMRATBUQK"),
    (b'K', b"CU"),
];

/// What libmilter does about a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Passed {
    /// The state in which it came.
    pub(super) state: u8,
    /// Whether it is taken; otherwise it is dropped without an answer.
    pub(super) taken: bool,
}

/// What libmilter does about each packet, as long as it gives the answers that we give.
pub(super) fn passed(kind: &Kind, packets: &[Vec<u8>], ours: &Ours) -> Vec<Passed> {
    let mut state = b'i';
    let pass = |(at, packet): (usize, &Vec<u8>)| {
        let (came_in, letter) = (state, letter_of(packet));
        if letter == b'D' {
            return Passed { state, taken: true };
        }
        if !reaches(kind, state, letter) {
            state = b'H';
        }
        let taken = reaches(kind, state, letter);
        if taken {
            state = match ours.verdict(at) {
                Some(b'a') => b'H',
                Some(b'd' | b'r' | b't' | b'y') if !b"RU".contains(&letter) => b'H',
                _ => letter,
            };
        }
        Passed { state: came_in, taken }
    };
    packets.iter().enumerate().map(pass).collect()
}

fn reaches(kind: &Kind, state: u8, command: u8) -> bool {
    let from = STATES.iter().position(|(known, _)| *known == state).unwrap_or_default();
    let passed_over =
        STATES[from + 1..].iter().take_while(|(state, _)| kind.unwanted.as_bytes().contains(state));
    [&STATES[from]].into_iter().chain(passed_over).any(|(_, next)| next.contains(&command))
}
