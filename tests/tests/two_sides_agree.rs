//! The order of commands, written out: what each side does with every command at every place, for all pairs and
//! triples of commands. What the table allows the MTA's side sends and the filter's side takes; what it refuses, both
//! refuse.

use milter_proto::{BodyVerdict, Command, CommandKind as C, Error, SendError, Sent, Wish};
use milter_tests::{COMMANDS, Filter, Pair, PairError, sample};

/// Rows: what may come after what, with a column for each of [`COMMANDS`]. A cell says what the MTA's side does with a command, and what the filter's side
/// would do if it came:
///
/// | | the MTA's side | the filter's side |
/// | --- | --- | --- |
/// | `+` | sends it | takes it |
/// | `!` | sends it after an abort | takes it with or without the abort |
/// | `-` | refuses it | refuses it |
/// | `d` | leaves it out: the message was decided | refuses it |
/// | `w` | leaves it out: it is not wanted, or the message was decided | takes it |
/// | `*` | leaves it out, and aborts the open message | takes it |
/// | `x` | refuses it: the connection is over | |
type Table = [(&'static str, &'static str); 10];

/// Also where nothing is answered: no-reply stages change nothing in the order.
const NOTHING_SWITCHED_OFF: Table = [
    //         CHMRTLNBEUAQK
    ("start", "+++------++++"),
    ("session", "-++------++++"),
    ("over", "-++dddddd++++"),
    ("M", "-!!++++++++!!"),
    ("R", "-!!++++++++!!"),
    ("T", "-!!--++++-+!!"),
    ("L", "-!!--++++-+!!"),
    ("N", "-!!----++-+!!"),
    ("B", "-!!----++-+!!"),
    ("closed", "xxxxxxxxxxxxx"),
];

const MAIL_SWITCHED_OFF: Table = [
    //         CHMRTLNBEUAQK
    ("start", "++w++++++++++"),
    ("session", "-+w++++++++++"),
    ("over", "-+wwwwwww++++"),
    ("M", ""), // nothing comes there
    ("R", "-!*++++++++!!"),
    ("T", "-!*--++++-+!!"),
    ("L", "-!*--++++-+!!"),
    ("N", "-!*----++-+!!"),
    ("B", "-!*----++-+!!"),
    ("closed", "xxxxxxxxxxxxx"),
];

/// Only the end of the message, abort and the ends of a session are sent.
const ALL_SWITCHED_OFF: Table = [
    //         CHMRTLNBEUAQK
    ("start", "wwwwwwww+w+++"),
    ("session", "-wwwwwww+w+++"),
    ("over", "-wwwwwwwww+++"),
    ("M", ""),
    ("R", ""),
    ("T", ""),
    ("L", ""),
    ("N", ""),
    ("B", ""),
    ("closed", "xxxxxxxxxxxxx"),
];

fn cell(table: &Table, row: &str, command: C) -> u8 {
    let (_, cells) = table.iter().find(|(name, _)| *name == row).unwrap();
    let column = COMMANDS.iter().position(|kind| *kind == command).unwrap();
    *cells.as_bytes().get(column).unwrap_or_else(|| panic!("nothing comes to {row}"))
}

/// The row after a command that the cell does not refuse.
fn next_row(row: &'static str, cell: u8, command: C) -> &'static str {
    match (cell, command) {
        (b'-' | b'x' | b'd', _) => row,
        (b'*', _) => "session",
        (b'w', C::Helo | C::Mail) if row == "over" => "session",
        (b'w', _) | (_, C::Unknown) => row,
        (_, C::Abort) if row == "start" => row,
        (_, C::Connect | C::Helo | C::Abort) => "session",
        (_, C::Mail) => "M",
        (_, C::Rcpt) => "R",
        (_, C::Data) => "T",
        (_, C::Header) => "L",
        (_, C::EndOfHeaders) => "N",
        (_, C::Body) => "B",
        (_, C::EndOfMessage) => "over",
        (_, C::Quit) => "closed",
        (_, C::QuitNewConnection) => "start",
        (_, C::Negotiate | C::DefineMacros) => unreachable!(),
    }
}

/// A filter that answers everything by continue.
fn pair(wish: &Wish) -> Pair<impl Filter> {
    Pair::with_session(wish.clone(), |_, _| Some(BodyVerdict::Continue))
}

/// What the filter's side does with a command that comes after these octets, whatever an MTA may think of it.
fn filter_takes(wish: &Wish, before: &[u8], command: &Command<'_>) -> bool {
    let mut octets = before.to_vec();
    command.encode(&mut octets);
    let mut filter = milter_tests::Played::new(wish.clone(), |_, _| Some(BodyVerdict::Continue));
    filter.receive(&octets);
    match filter.run(&mut Vec::new(), 0) {
        Ok(_) => true,
        Err(Error::Violation(violation)) => {
            assert_eq!(violation.got, command.kind());
            false
        }
        Err(error) => panic!("{error}"),
    }
}

fn check(table: &Table, wish: &Wish, sequence: &[C]) {
    let mut pair = pair(wish);
    pair.negotiate().unwrap();
    let mut row = "start";
    for command in sequence {
        let before = pair.to_filter().to_vec();
        let cell = cell(table, row, *command);
        let told = pair.send(&sample(*command));
        let context = format!("{sequence:?}: {command} at {row} is {}", char::from(cell));
        let written = milter_tests::letters(&pair.to_filter()[before.len()..]);
        let letter = char::from(command.letter());
        match cell {
            b'+' | b'!' => {
                assert!(matches!(told, Ok((Sent::Unanswered | Sent::Awaited, _))), "{context}: {told:?}");
                let abort = if cell == b'!' { "A" } else { "" };
                assert_eq!(written, format!("{abort}{letter}"), "{context}");
            }
            b'-' => assert!(matches!(told, Err(PairError::Send(SendError::Order(_)))), "{context}: {told:?}"),
            b'd' | b'w' | b'*' => {
                assert_eq!(told, Ok((Sent::LeftOut, None)), "{context}");
                assert_eq!(written, if cell == b'*' { "A" } else { "" }, "{context}");
            }
            b'x' => assert_eq!(told, Err(PairError::Send(SendError::Closed)), "{context}"),
            other => panic!("{other}"),
        }
        assert_eq!(pair.filter_error(), None, "{context}");
        if cell != b'x' {
            let takes = filter_takes(wish, &before, &sample(*command));
            assert_eq!(takes, !matches!(cell, b'-' | b'd'), "{context}: the filter's side");
        }
        row = next_row(row, cell, *command);
    }
}

/// All triples, and with them all pairs and all single commands.
fn check_all(table: &Table, wish: &Wish) {
    let mut count = 0;
    for first in COMMANDS {
        for second in COMMANDS {
            for third in COMMANDS {
                check(table, wish, &[first, second, third]);
                count += 1;
            }
        }
    }
    assert_eq!(count, 13 * 13 * 13);
}

fn stages() -> impl Iterator<Item = C> {
    COMMANDS.into_iter().filter(|kind| !matches!(kind, C::QuitNewConnection))
}

#[test]
fn where_nothing_is_switched_off() {
    let mut wish = Wish::new();
    for stage in stages() {
        wish.answers(stage);
    }
    check_all(&NOTHING_SWITCHED_OFF, &wish);
}

#[test]
fn where_mail_is_switched_off() {
    let mut wish = Wish::new();
    for stage in stages().filter(|stage| *stage != C::Mail) {
        wish.answers(stage);
    }
    check_all(&MAIL_SWITCHED_OFF, &wish);
}

#[test]
fn where_everything_is_switched_off() {
    check_all(&ALL_SWITCHED_OFF, &Wish::new());
}

#[test]
fn where_all_is_silent() {
    let mut wish = Wish::new();
    for stage in stages() {
        wish.watches(stage);
    }
    check_all(&NOTHING_SWITCHED_OFF, &wish);
}
