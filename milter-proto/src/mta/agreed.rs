//! What a filter asked for, checked against what was offered.

use crate::command::{CommandKind, MacroPairs, MacroPairsBuf};
use crate::macros::without_braces;
use crate::negotiation::{Actions, Agreement, MacroStage, Options, OptionsAnswer, Protocol, Version};
use crate::text::Text;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// What was agreed, as the MTA goes by it.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    agreement: Agreement,
    /// The names that were asked for, by stage, without braces.
    macros: Vec<(MacroStage, Vec<Vec<u8>>)>,
}

/// A filter's answer to the offer that cannot be accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// A version that was not offered, or that is too old.
    #[error(
        "the filter answers version {answered} of the protocol: expected {} to {offered}",
        Version::OLDEST
    )]
    Version {
        /// What it answered.
        answered: Version,
        /// What was offered.
        offered: Version,
    },
    /// Actions that were not offered.
    #[error("the filter asks for the actions {unoffered:?}, which were not offered")]
    Actions {
        /// What it asks for beyond the offer.
        unoffered: Actions,
    },
    /// Protocol steps that were not offered, to a strict MTA.
    #[error("the filter asks for the protocol steps {unoffered:?}, which were not offered")]
    Protocol {
        /// What it asks for beyond the offer.
        unoffered: Protocol,
    },
}

impl Agreed {
    pub(super) fn new(offer: Options, answer: &OptionsAnswer<'_>, strict: bool) -> Result<Self, AnswerError> {
        let Options { version, actions, protocol } = answer.options();
        if version > offer.version || version < Version::OLDEST {
            return Err(AnswerError::Version { answered: version, offered: offer.version });
        }
        let unoffered = actions.difference(offer.actions);
        if !unoffered.is_empty() {
            return Err(AnswerError::Actions { unoffered });
        }
        let unoffered = protocol.difference(offer.protocol);
        if strict && !unoffered.is_empty() {
            return Err(AnswerError::Protocol { unoffered });
        }
        let protocol = protocol & offer.protocol;
        let mut macros = Vec::new();
        // Interop: Postfix ignores stages that it does not know, and takes an empty list for none.
        // libmilter sends its lists also where they were not offered: such are ignored.
        let lists = offer.actions.contains(Actions::REQUEST_MACROS).then(|| answer.macros().iter());
        for (stage, list) in lists.into_iter().flatten() {
            let mut seen = BTreeSet::new();
            let names = list.iter().map(without_braces).filter(|name| seen.insert(*name));
            let names: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
            if let (Some(stage), false) = (MacroStage::from_number(stage), names.is_empty()) {
                macros.push((stage, names));
            }
        }
        Ok(Self { agreement: Agreement::answered(Options { version, actions, protocol }), macros })
    }

    pub(super) const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Whether a command is not sent: the filter said so, or its version does not have it.
    pub(super) fn leaves_out(&self, command: CommandKind) -> bool {
        let version = self.agreement.options().version;
        let unknown = match command {
            CommandKind::Data => version < Version::FIRST_WITH_DATA,
            CommandKind::Unknown => version < Version::FIRST_WITH_UNKNOWN,
            CommandKind::QuitNewConnection => version < Version::CURRENT,
            _ => false,
        };
        unknown || self.agreement.is_switched_off(command)
    }

    /// Interop: as both MTAs do, macros are sent for commands that are switched off, but not for those of the content,
    /// nor for those that the version does not have.
    pub(super) fn leaves_out_macros(&self, command: CommandKind) -> bool {
        let sent_anyway = matches!(
            command,
            CommandKind::Connect
                | CommandKind::Helo
                | CommandKind::Mail
                | CommandKind::Rcpt
                | CommandKind::Data
        );
        let version_has_it =
            command != CommandKind::Data || self.agreement.options().version >= Version::FIRST_WITH_DATA;
        self.leaves_out(command) && !(sent_anyway && version_has_it)
    }

    /// The names that were asked for at a stage, if any were.
    pub(super) fn names_asked(&self, stage: MacroStage) -> Option<&[Vec<u8>]> {
        let (_, names) = self.macros.iter().find(|(asked, _)| *asked == stage)?;
        Some(names)
    }

    /// Of these macros what is sent for a command: what was asked for, in the order asked for, or all.
    pub(super) fn macros_for(&self, command: CommandKind, macros: MacroPairs<'_>) -> MacroPairsBuf {
        let mut sent = MacroPairsBuf::new();
        let mut send = |bare: &[u8], value: Text<'_>| {
            let (open, close): (&[u8], &[u8]) = if bare.len() > 1 { (b"{", b"}") } else { (b"", b"") };
            // Texts have no NUL.
            let _ = sent.push([open, bare, close].concat(), value);
        };
        match stage_of(command).and_then(|stage| self.names_asked(stage)) {
            Some(names) => {
                for wanted in names {
                    let mut known = macros.iter();
                    if let Some((_, value)) = known.find(|(name, _)| without_braces(name) == *wanted) {
                        send(wanted, value);
                    }
                }
            }
            None => macros.iter().for_each(|(name, value)| send(without_braces(&name), value)),
        }
        sent
    }
}

const fn stage_of(command: CommandKind) -> Option<MacroStage> {
    Some(match command {
        CommandKind::Connect => MacroStage::Connect,
        CommandKind::Helo => MacroStage::Helo,
        CommandKind::Mail => MacroStage::Mail,
        CommandKind::Rcpt => MacroStage::Rcpt,
        CommandKind::Data => MacroStage::Data,
        CommandKind::Header | CommandKind::EndOfHeaders => MacroStage::EndOfHeaders,
        CommandKind::Body | CommandKind::EndOfMessage => MacroStage::EndOfMessage,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiation::MacroRequestsBuf;
    use alloc::format;
    use alloc::string::String;

    fn agreed(version: Version, protocol: Protocol, macros: &MacroRequestsBuf) -> Agreed {
        let options = Options { version, actions: Actions::empty(), protocol };
        let answer = OptionsAnswer::new(options, macros.view()).unwrap();
        Agreed::new(Options::CURRENT, &answer, true).unwrap()
    }

    /// The letters of the commands of which this holds.
    fn letters(holds: impl Fn(CommandKind) -> bool) -> String {
        let kinds = b"CHMRTLNBEUAQK".map(|letter| CommandKind::from_letter(letter).unwrap());
        kinds.into_iter().filter(|kind| holds(*kind)).map(|kind| char::from(kind.letter())).collect()
    }

    #[test]
    fn commands_are_left_out_that_the_version_does_not_have_or_that_are_switched_off() {
        for (version, commands) in [
            (Version::OLDEST, "TUK"),
            (Version::FIRST_WITH_UNKNOWN, "TK"),
            (Version::FIRST_WITH_DATA, "K"),
            (Version::CURRENT, ""),
        ] {
            let agreed = agreed(version, Protocol::empty(), &MacroRequestsBuf::new());
            assert_eq!(letters(|command| agreed.leaves_out(command)), commands, "{version:?}");
        }
        let agreed =
            agreed(Version::CURRENT, Protocol::NO_MAIL | Protocol::NO_BODY, &MacroRequestsBuf::new());
        assert_eq!(letters(|command| agreed.leaves_out(command)), "MB");
    }

    #[test]
    fn macros_of_the_envelope_are_sent_for_what_is_switched_off_but_not_for_what_the_version_does_not_have() {
        let off = Protocol::all_known();
        for (version, commands) in [(Version::OLDEST, "TLNBUK"), (Version::FIRST_WITH_DATA, "LNBUK")] {
            let agreed = agreed(version, off, &MacroRequestsBuf::new());
            assert_eq!(letters(|command| agreed.leaves_out_macros(command)), commands, "{version:?}");
        }
        let agreed = agreed(Version::OLDEST, Protocol::empty(), &MacroRequestsBuf::new());
        assert_eq!(letters(|command| agreed.leaves_out_macros(command)), "TUK");
    }

    #[test]
    fn each_command_has_the_macros_of_its_stage_in_the_order_asked_for_or_all() {
        use MacroStage::{Connect, Data, EndOfHeaders, EndOfMessage, Helo, Mail, Rcpt};
        let mut given = MacroPairsBuf::new();
        for name in ["{i}", "cc", "h", "m", "r", "t", "n", "e"] {
            given.push(name, name).unwrap();
        }
        let sent = |requests: &MacroRequestsBuf| {
            let agreed = agreed(Version::CURRENT, Protocol::empty(), requests);
            let kinds = b"CHMRTLNBEU".map(|letter| CommandKind::from_letter(letter).unwrap());
            kinds.map(|command| {
                let sent = agreed.macros_for(command, given.view());
                sent.view().iter().map(|(name, _)| format!("{} ", name.to_string_lossy())).collect::<String>()
            })
        };
        let all = "i {cc} h m r t n e ";
        assert_eq!(sent(&MacroRequestsBuf::new()), [all; 10]);

        let mut requests = MacroRequestsBuf::new();
        let lists = [(Connect, "cc"), (Helo, "h"), (Mail, "m x i"), (Rcpt, "r"), (Data, "t")];
        for (stage, names) in lists.into_iter().chain([(EndOfHeaders, "n"), (EndOfMessage, "e")]) {
            requests.request(stage, names);
        }
        assert_eq!(sent(&requests), ["{cc} ", "h ", "m i ", "r ", "t ", "n ", "n ", "e ", "e ", all]);
    }
}
