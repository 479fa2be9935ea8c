//! The order of commands. Everything that knows it stands in this file, and this file does not know which side we
//! play: filter and MTA go by the same table.
//!
//! ```text
//! O ─► C ─► H* ─► ┌─ M < R* < T < L* < N < B* < E ─┐ ─► Q, K or the end of the stream
//!                 └────────── next message ◄───────┘
//! ```
//!
//! Within a message the ladder is only climbed: a rung may be left out (it was switched off, or the MTA is odd), R, L
//! and B repeat, nothing goes back. H, M, A, Q and K are always possible and abort an open message first. U moves
//! nothing, but has no place between DATA and the end of the message. Where MAIL was switched off, a message begins
//! with whatever of it comes first. After a final answer to C or H only Q, K and macros may follow.

use crate::command::CommandKind;
use crate::stages::Stages;
use core::fmt;

/// Where a dialogue is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Position {
    /// Nothing was negotiated.
    #[default]
    Start,
    /// An SMTP session begins: CONNECT has not come yet.
    Negotiated,
    /// In an SMTP session, and in no message.
    Session,
    /// In a message, at the command that came last.
    Message(CommandKind),
    /// The filter has decided over the whole SMTP session.
    Decided,
}

/// A command that may come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// It may come now.
    Now,
    /// It may come once the open message was aborted.
    AfterAbort,
}

/// The order of commands on one connection.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    at: Position,
    mail_is_switched_off: bool,
}

impl Dialogue {
    /// Before the negotiation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where we are.
    pub const fn position(&self) -> Position {
        self.at
    }

    /// Whether a message is open.
    pub const fn in_message(&self) -> bool {
        matches!(self.at, Position::Message(_))
    }

    /// Whether a command may come now.
    #[inline]
    pub fn check(&self, got: CommandKind) -> Result<Order, Violation> {
        use CommandKind as C;
        let violation = Err(Violation { at: self.at, got });
        match (self.at, got) {
            (Position::Start, C::Negotiate) => Ok(Order::Now),
            (Position::Start, _) | (_, C::Negotiate) => violation,
            (_, C::DefineMacros | C::Quit | C::QuitNewConnection) => Ok(Order::Now),
            (Position::Decided, _) => violation,
            (Position::Negotiated, C::Connect) => Ok(Order::Now),
            (_, C::Connect) => violation,
            (Position::Message(_), C::Helo | C::Mail | C::Abort) => Ok(Order::AfterAbort),
            (_, C::Helo | C::Mail | C::Abort) => Ok(Order::Now),
            (Position::Message(at), C::Unknown) if rung(at) >= rung(C::Data) => violation,
            (_, C::Unknown) => Ok(Order::Now),
            (Position::Message(at), _) if rung(at) < rung(got) || (at == got && repeats(got)) => {
                Ok(Order::Now)
            }
            (Position::Message(_), _) => violation,
            (Position::Negotiated | Position::Session, _) if self.mail_is_switched_off => Ok(Order::Now),
            (Position::Negotiated | Position::Session, _) => violation,
        }
    }

    /// The negotiation is done.
    pub fn negotiated(&mut self, mail_is_switched_off: bool) {
        (self.at, self.mail_is_switched_off) = (Position::Negotiated, mail_is_switched_off);
    }

    /// A command came that [`check`](Self::check) allowed. An open message was aborted before where that had to be.
    pub fn advance(&mut self, got: CommandKind) {
        use CommandKind as C;
        match got {
            C::Connect | C::Helo => self.at = Position::Session,
            C::Abort => self.end_message(),
            C::Mail | C::Rcpt | C::Data | C::Header | C::EndOfHeaders | C::Body | C::EndOfMessage => {
                self.at = Position::Message(got);
            }
            C::Quit | C::QuitNewConnection => self.at = Position::Negotiated,
            C::Negotiate | C::DefineMacros | C::Unknown => {}
        }
    }

    /// The message is over: by its verdict, or because it was aborted.
    pub const fn end_message(&mut self) {
        if self.in_message() {
            self.at = Position::Session;
        }
    }

    /// The filter has decided over the whole SMTP session.
    pub const fn decide(&mut self) {
        self.at = Position::Decided;
    }
}

/// A sound command at a place where it cannot come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{got} {}: expected {}", Where(*at), Expected(*at))]
#[non_exhaustive]
pub struct Violation {
    /// Where the dialogue was.
    pub at: Position,
    /// What came.
    pub got: CommandKind,
}

/// How high a command stands on the ladder of a message.
#[inline]
const fn rung(command: CommandKind) -> u16 {
    Stages::of(command).bits()
}

const fn repeats(command: CommandKind) -> bool {
    matches!(command, CommandKind::Rcpt | CommandKind::Header | CommandKind::Body)
}

struct Where(Position);

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Position::Start => f.write_str("before the negotiation"),
            Position::Negotiated => f.write_str("at the beginning of the SMTP session"),
            Position::Session => f.write_str("outside of a message"),
            Position::Message(at) => write!(f, "after {at}"),
            Position::Decided => f.write_str("after the SMTP session was decided"),
        }
    }
}

struct Expected(Position);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Position::Start => "SMFIC_OPTNEG",
            Position::Negotiated => "SMFIC_CONNECT, SMFIC_HELO or SMFIC_MAIL",
            Position::Session => "SMFIC_HELO, SMFIC_MAIL or SMFIC_QUIT",
            Position::Message(_) => {
                "what follows in a message, or SMFIC_HELO, SMFIC_MAIL, SMFIC_ABORT or SMFIC_QUIT"
            }
            Position::Decided => "SMFIC_QUIT or the end of the stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    const MESSAGE: [CommandKind; 7] = [
        CommandKind::Mail,
        CommandKind::Rcpt,
        CommandKind::Data,
        CommandKind::Header,
        CommandKind::EndOfHeaders,
        CommandKind::Body,
        CommandKind::EndOfMessage,
    ];

    fn at(position: Position) -> Dialogue {
        Dialogue { at: position, mail_is_switched_off: false }
    }

    #[test]
    fn the_ladder_of_a_message_is_only_climbed() {
        for (one, from) in MESSAGE.into_iter().enumerate() {
            let dialogue = at(Position::Message(from));
            let may_come: Vec<_> = MESSAGE.map(|to| dialogue.check(to).is_ok()).into();
            let expected: Vec<_> = (0..MESSAGE.len())
                .map(|other| other == 0 || other > one || (other == one && matches!(other, 1 | 3 | 5)))
                .collect();
            assert_eq!(may_come, expected, "{from}");
        }
    }

    #[test]
    fn an_unknown_command_has_a_place_before_data() {
        let may_come =
            MESSAGE.map(|from| at(Position::Message(from)).check(CommandKind::Unknown) == Ok(Order::Now));
        assert_eq!(may_come, [true, true, false, false, false, false, false]);
    }

    #[test]
    fn a_message_begins_with_mail_or_with_anything_where_that_was_switched_off() {
        for mail_is_switched_off in [false, true] {
            for position in [Position::Negotiated, Position::Session] {
                let dialogue = Dialogue { at: position, mail_is_switched_off };
                for first in MESSAGE {
                    let may_come = mail_is_switched_off || first == CommandKind::Mail;
                    assert_eq!(dialogue.check(first).is_ok(), may_come, "{first}");
                }
            }
        }
    }

    #[test]
    fn abort_and_unknown_commands_move_nothing_outside_of_a_message() {
        for position in [Position::Negotiated, Position::Session] {
            for got in [CommandKind::Abort, CommandKind::Unknown, CommandKind::DefineMacros] {
                let mut dialogue = at(position);
                assert_eq!(dialogue.check(got), Ok(Order::Now));
                dialogue.advance(got);
                assert_eq!(dialogue.position(), position);
            }
        }
    }

    #[test]
    fn after_the_session_was_decided_it_can_only_end() {
        let mut dialogue = at(Position::Session);
        dialogue.decide();
        let letters = *b"OCHMRTLNBEUADQK";
        let may_come: Vec<u8> = letters
            .into_iter()
            .filter(|letter| dialogue.check(CommandKind::from_letter(*letter).unwrap()).is_ok())
            .collect();
        assert_eq!(may_come, b"DQK");
    }

    #[test]
    fn a_violation_says_where_it_was_and_what_was_expected() {
        let violation = at(Position::Message(CommandKind::Data)).check(CommandKind::Rcpt).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "SMFIC_RCPT 'R' (0x52) after SMFIC_DATA 'T' (0x54): expected what follows in a message, or SMFIC_HELO, \
             SMFIC_MAIL, SMFIC_ABORT or SMFIC_QUIT"
        );
        let violation = at(Position::Start).check(CommandKind::Mail).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "SMFIC_MAIL 'M' (0x4d) before the negotiation: expected SMFIC_OPTNEG"
        );
    }
}
