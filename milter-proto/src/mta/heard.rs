//! What an MTA hears from a filter, and what it means for which part of an SMTP session.

use crate::command::CommandKind;
use crate::error::{Error, Letter};
use crate::negotiation::{Actions, Agreement, OptionsAnswer, Protocol};
use crate::response::{Modification, Response, SmtpReplyView};
use crate::verdict::BodyVerdict;
use core::fmt;

/// What an MTA hears from a filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Heard<'a> {
    /// The filter's answer to the offer. What it asked for without an offer is ignored.
    Negotiated(OptionsAnswer<'a>),
    /// The filter is at work: wait anew.
    Progress,
    /// A modification, whose action was negotiated. Its verdict follows; a message that is then not accepted is not
    /// modified either.
    Modification(Modification<'a>),
    /// The answer to a command.
    Decided(Decision<'a>),
}

/// The answer to a command, and what it concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// The command that was answered.
    pub command: CommandKind,
    /// What was answered.
    pub outcome: Outcome<'a>,
    /// What it concerns.
    pub scope: Scope,
}

/// What a filter decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
#[allow(missing_docs)] // each is documented at `Response`
pub enum Outcome<'a> {
    Continue,
    Skip,
    Accept,
    Discard,
    Reject,
    TempFail,
    Reply(SmtpReplyView<'a>),
}

impl Outcome<'_> {
    /// The same as a value of its own.
    pub fn to_verdict(&self) -> BodyVerdict {
        match self {
            Self::Continue => BodyVerdict::Continue,
            Self::Skip => BodyVerdict::Skip,
            Self::Accept => BodyVerdict::Accept,
            Self::Discard => BodyVerdict::Discard,
            Self::Reject => BodyVerdict::Reject,
            Self::TempFail => BodyVerdict::TempFail,
            Self::Reply(reply) => BodyVerdict::Reply(reply.to_reply()),
        }
    }
}

/// What a decision concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scope {
    /// The command alone: the dialogue goes on.
    Command,
    /// The recipient that was just named.
    Recipient,
    /// The message: the filter sees no more of it.
    Message,
    /// The SMTP session: the filter sees no more of it.
    Session,
}

/// A sound response at a place where it cannot come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseViolation {
    /// Nothing was asked: no answer is due.
    #[error("the filter sent {} when no answer was due", Letter(*letter))]
    Unasked {
        /// The letter of the response.
        letter: u8,
    },
    /// It is no answer to this command.
    #[error("the filter sent {} to {command}: expected {}", Letter(*letter), Expected(*command))]
    NoAnswer {
        /// The letter of the response.
        letter: u8,
        /// The command that was to be answered.
        command: CommandKind,
    },
    /// A modification whose action was not negotiated.
    #[error("the filter sent {}, for which {needed:?} was not negotiated", Letter(*letter))]
    NotNegotiated {
        /// The letter of the modification.
        letter: u8,
        /// The action that it needs.
        needed: Actions,
    },
    /// The filter closed the connection.
    #[error("the filter closed the connection{}", Waiting(*waiting))]
    Gone {
        /// The command whose answer was due, if one was.
        waiting: Option<CommandKind>,
    },
}

impl<'a> Heard<'a> {
    /// What a response to this command means.
    pub(super) fn of(
        command: CommandKind,
        response: Response<'a>,
        agreement: &Agreement,
    ) -> Result<Self, Error> {
        let letter = response.letter();
        let no_answer = || Err(ResponseViolation::NoAnswer { letter, command }.into());
        let outcome = match response {
            Response::Negotiate(answer) if command == CommandKind::Negotiate => {
                return Ok(Self::Negotiated(answer));
            }
            Response::Negotiate(_) => return no_answer(),
            _ if command == CommandKind::Negotiate => return no_answer(),
            Response::Progress => return Ok(Self::Progress),
            Response::Modification(_) if command != CommandKind::EndOfMessage => return no_answer(),
            Response::Modification(modification) => {
                let needed = modification.action();
                if !agreement.options().actions.contains(needed) {
                    return Err(ResponseViolation::NotNegotiated { letter, needed }.into());
                }
                return Ok(Self::Modification(modification));
            }
            // Interop: Postfix honours it for any command, Sendmail only for the body.
            Response::Skip => {
                let repeats = matches!(command, CommandKind::Body | CommandKind::Header | CommandKind::Rcpt);
                if !repeats || !agreement.options().protocol.contains(Protocol::SKIP) {
                    return no_answer();
                }
                Outcome::Skip
            }
            Response::Discard if scope_of(command) == Scope::Session || command == CommandKind::Unknown => {
                return no_answer();
            }
            Response::Discard => Outcome::Discard,
            Response::Continue => Outcome::Continue,
            Response::Accept => Outcome::Accept,
            Response::Reject => Outcome::Reject,
            Response::TempFail => Outcome::TempFail,
            Response::Reply(reply) => Outcome::Reply(reply),
        };
        let scope = match (outcome, scope_of(command)) {
            (Outcome::Continue | Outcome::Skip, _) if command != CommandKind::EndOfMessage => Scope::Command,
            (Outcome::Accept | Outcome::Discard, Scope::Recipient) => Scope::Message,
            (_, scope) => scope,
        };
        Ok(Self::Decided(Decision { command, outcome, scope }))
    }
}

/// What a final answer to a command concerns.
const fn scope_of(command: CommandKind) -> Scope {
    match command {
        CommandKind::Connect | CommandKind::Helo => Scope::Session,
        CommandKind::Rcpt => Scope::Recipient,
        CommandKind::Unknown => Scope::Command,
        _ => Scope::Message,
    }
}

struct Expected(CommandKind);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            CommandKind::Negotiate => "SMFIC_OPTNEG",
            CommandKind::EndOfMessage => "modifications and a verdict",
            _ => "a verdict",
        })
    }
}

struct Waiting(Option<CommandKind>);

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(command) => write!(f, " instead of answering {command}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiation::{Options, Wish};
    use alloc::string::{String, ToString};

    fn heard(command: CommandKind, response: Response<'_>) -> Result<Heard<'_>, Error> {
        let agreement = Wish::new().agree(Options::CURRENT).unwrap();
        Heard::of(command, response, &agreement)
    }

    #[test]
    fn a_message_can_be_discarded_and_nothing_else() {
        let discards =
            |letter: &u8| heard(CommandKind::from_letter(*letter).unwrap(), Response::Discard).is_ok();
        let letters: String = b"OCHMRTLNBEU"
            .iter()
            .filter(|letter| discards(letter))
            .map(|letter| char::from(*letter))
            .collect();
        assert_eq!(letters, "MRTLNBE");
    }

    #[test]
    fn to_continue_concerns_the_message_only_at_its_end() {
        let scope = |command| match heard(command, Response::Continue) {
            Ok(Heard::Decided(decision)) => decision.scope,
            other => panic!("{other:?}"),
        };
        assert_eq!(scope(CommandKind::Body), Scope::Command);
        assert_eq!(scope(CommandKind::EndOfMessage), Scope::Message);
    }

    #[test]
    fn what_is_no_answer_is_told_beside_what_was_expected() {
        let told = [
            (CommandKind::Negotiate, Response::Continue),
            (CommandKind::EndOfMessage, Response::Skip),
            (CommandKind::Helo, Response::Discard),
        ]
        .map(|(command, response)| heard(command, response).unwrap_err().to_string());
        assert_eq!(
            told,
            [
                "the filter sent 'c' (0x63) to SMFIC_OPTNEG 'O' (0x4f): expected SMFIC_OPTNEG",
                "the filter sent 's' (0x73) to SMFIC_BODYEOB 'E' (0x45): expected modifications and a verdict",
                "the filter sent 'd' (0x64) to SMFIC_HELO 'H' (0x48): expected a verdict",
            ]
        );
    }

    #[test]
    fn a_filter_that_has_gone_is_told_beside_what_it_left_unanswered() {
        let told = |waiting| ResponseViolation::Gone { waiting }.to_string();
        assert_eq!(told(None), "the filter closed the connection");
        assert_eq!(
            told(Some(CommandKind::Mail)),
            "the filter closed the connection instead of answering SMFIC_MAIL 'M' (0x4d)"
        );
    }
}
