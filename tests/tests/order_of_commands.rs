//! Every sequence of one, two and three commands after the negotiation, against tables that were written by hand.

mod filter;

use filter::{Filter, packet, wish};

/// A row for each state: `f` a fresh SMTP session, `s` in one, a letter: in a message, at that command. A column for each
/// command; `D` are the macros of MAIL. In a cell stands the state that follows, `!` for a violation, `.` for the close,
/// with an `a` before it when an open message is aborted first.
type Table = [&'static str; 9];

const NOTHING_SWITCHED_OFF: Table = [
    "    O   C   H   M   R   T   L   N   B   E   U   A   D   Q   K",
    "f   !   s   s   M   !   !   !   !   !   !   f   f   f   .   f",
    "s   !   !   s   M   !   !   !   !   !   !   s   s   s   .   f",
    "M   a!  a!  as  aM  R   T   L   N   B   s   M   as  M   a.  af",
    "R   a!  a!  as  aM  R   T   L   N   B   s   R   as  R   a.  af",
    "T   a!  a!  as  aM  a!  a!  L   N   B   s   a!  as  T   a.  af",
    "L   a!  a!  as  aM  a!  a!  L   N   B   s   a!  as  L   a.  af",
    "N   a!  a!  as  aM  a!  a!  a!  a!  B   s   a!  as  N   a.  af",
    "B   a!  a!  as  aM  a!  a!  a!  a!  B   s   a!  as  B   a.  af",
];

/// A message begins with what comes first, and the macros of MAIL stand for MAIL.
const MAIL_SWITCHED_OFF: Table = [
    "    O   C   H   M   R   T   L   N   B   E   U   A   D   Q   K",
    "f   !   s   s   M   R   T   L   N   B   s   f   f   f   .   f",
    "s   !   !   s   M   R   T   L   N   B   s   s   s   s   .   f",
    "M   a!  a!  as  aM  R   T   L   N   B   s   M   as  as  a.  af",
    "R   a!  a!  as  aM  R   T   L   N   B   s   R   as  as  a.  af",
    "T   a!  a!  as  aM  a!  a!  L   N   B   s   a!  as  as  a.  af",
    "L   a!  a!  as  aM  a!  a!  L   N   B   s   a!  as  as  a.  af",
    "N   a!  a!  as  aM  a!  a!  a!  a!  B   s   a!  as  as  a.  af",
    "B   a!  a!  as  aM  a!  a!  a!  a!  B   s   a!  as  as  a.  af",
];

const COMMANDS: [&[u8]; 15] = [
    b"O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff",
    b"Ch\0U",
    b"Hx\0",
    b"M<a>\0",
    b"R<b>\0",
    b"T",
    b"Lx\0y\0",
    b"N",
    b"Bx",
    b"E",
    b"UFOO\0",
    b"A",
    b"DM{x}\0y\0",
    b"Q",
    b"K",
];

/// What an agreement makes of the commands.
struct Agreed {
    table: Table,
    letters: &'static str,
    /// The commands that are told, and those that are answered.
    told: &'static str,
    answered: &'static str,
}

const AGREEMENTS: [Agreed; 3] = [
    Agreed {
        table: NOTHING_SWITCHED_OFF,
        letters: "CHMRTLNBEUAQ",
        told: "CHMRTLNBEU",
        answered: "CHMRTLNBEU",
    },
    // An MTA that sends MAIL all the same is answered.
    Agreed { table: MAIL_SWITCHED_OFF, letters: "CHRTLNBEUAQ", told: "CHRTLNBEU", answered: "CHMRTLNBEU" },
    Agreed { table: NOTHING_SWITCHED_OFF, letters: "chmrtlnbeuaq", told: "CHMRTLNBEU", answered: "E" },
];

fn next(table: &Table, state: char, command: char) -> &'static str {
    let column = table[0].split_whitespace().position(|letter| letter.starts_with(command)).unwrap();
    let row = table.iter().find(|row| row.starts_with(state)).unwrap();
    row.split_whitespace().nth(column + 1).unwrap()
}

/// The events and the answers, in their order, as the table has them.
fn expected(agreed: &Agreed, commands: &[&[u8]]) -> String {
    let (mut state, mut seen) = ('f', String::new());
    for command in commands {
        let letter = char::from(command[0]);
        let cell = next(&agreed.table, state, letter);
        let after = cell.chars().last().unwrap();
        if cell.starts_with('a') {
            seen.push('A');
        }
        match (after, letter) {
            ('!', _) => return seen + "Q!",
            ('.', _) => return seen + "Q.",
            (_, 'K') => seen.push('Q'),
            _ => {
                if agreed.told.contains(letter) {
                    seen.push(letter);
                }
                if agreed.answered.contains(letter) {
                    seen.push('c');
                }
            }
        }
        state = after;
    }
    seen
}

fn check(agreed: &Agreed, commands: &[&[u8]]) {
    let expected = expected(agreed, commands);
    let bytes: Vec<u8> = commands.iter().flat_map(|command| packet(command)).collect();
    let answers = packet(b"c").repeat(expected.matches('c').count());
    for step in [bytes.len(), 1] {
        let mut filter = Filter::negotiated(wish(agreed.letters));
        for piece in bytes.chunks(step) {
            if filter.receive(piece).ends_with(['!', '.']) {
                break;
            }
        }
        let seen: String = filter.seen.chars().filter(|c| !matches!(c, '(' | ')' | ' ')).collect();
        assert_eq!(seen, expected, "{} {commands:?}", agreed.letters);
        assert_eq!(filter.bytes, answers);
        let violated = matches!(filter.error, Some(milter_proto::Error::Violation(_)));
        assert_eq!(violated, expected.ends_with('!'));
    }
}

#[test]
fn every_pair_of_commands() {
    for agreed in &AGREEMENTS {
        for one in COMMANDS {
            check(agreed, &[one]);
            COMMANDS.iter().for_each(|two| check(agreed, &[one, two]));
        }
    }
}

/// Two commands lead into every state, so that every cell of the tables is tried.
#[test]
fn every_triple_of_commands() {
    for agreed in &AGREEMENTS {
        for one in COMMANDS {
            for two in COMMANDS {
                COMMANDS.iter().for_each(|three| check(agreed, &[one, two, three]));
            }
        }
    }
}
