//! Negotiation: what an application wants and what an MTA offers become an agreement, by a pure function.
//!
//! The protocol is opt-out, the library reverses it: a [`Wish`] names the commands that are wanted, and everything
//! else is switched off. Nothing is asked for that was not offered. What an MTA cannot switch off the session swallows,
//! and where an MTA insists on a reply the session gives it, so that an application sees the same protocol
//! at every MTA. A missing *action* cannot be made up for: it is an error before the first message.

mod macro_requests;
mod options;

pub use macro_requests::{MacroNames, MacroRequests, MacroRequestsBuf, MacroStage, OptionsAnswer};
pub use options::{Actions, Options, Protocol, Version};

use crate::command::CommandKind;
use crate::packet::MAX_PAYLOAD;
use crate::stages::Stages;

/// What an application wants of an MTA.
///
/// ```
/// # use milter_proto::{Actions, CommandKind, Options, Protocol, Wish};
/// let mut wish = Wish::new();
/// wish.answers(CommandKind::Mail).watches(CommandKind::Body).require(Actions::ADD_HEADERS);
/// let agreement = wish.agree(Options::CURRENT)?;
/// assert!(agreement.expects_reply(CommandKind::Mail));
/// assert!(!agreement.expects_reply(CommandKind::Body));
/// assert!(agreement.options().protocol.contains(Protocol::NO_REPLY_BODY | Protocol::NO_RCPT));
/// # Ok::<(), milter_proto::NegotiationError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wish {
    wanted: Stages,
    silent: Stages,
    required: Actions,
    optional: Actions,
    requests: Protocol,
    macros: MacroRequestsBuf,
}

impl Wish {
    /// Nothing: every command is switched off, but for the end of the message, which cannot be. That one is told only
    /// if it is wanted as well; otherwise it is answered with continue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants a command and answers it.
    pub fn answers(&mut self, command: CommandKind) -> &mut Self {
        self.wanted.insert(Stages::of(command));
        self.silent.remove(Stages::of(command));
        self
    }

    /// Wants a command and never answers it, so that the MTA need not wait. The end of the message is always answered.
    pub fn watches(&mut self, command: CommandKind) -> &mut Self {
        self.wanted.insert(Stages::of(command));
        self.silent.insert(Stages::of(command).difference(Stages::END_OF_MESSAGE));
        self
    }

    /// Actions without which the application cannot work.
    pub fn require(&mut self, actions: Actions) -> &mut Self {
        self.required |= actions;
        self
    }

    /// Actions that are used if the MTA offers them.
    pub fn prefer(&mut self, actions: Actions) -> &mut Self {
        self.optional |= actions;
        self
    }

    /// Abilities that are asked for if they are offered: [`Protocol::SKIP`], [`Protocol::REJECTED_RECIPIENTS`],
    /// [`Protocol::LEADING_SPACE`], and the data sizes, of which the larger one that was offered is taken. Other bits
    /// follow from the commands that are wanted and are ignored here.
    pub fn request(&mut self, abilities: Protocol) -> &mut Self {
        self.requests |= abilities & ABILITIES.union(DATA_SIZES);
        self
    }

    /// Asks for macros at a stage; see [`MacroRequestsBuf::request`].
    pub fn request_macros(&mut self, stage: MacroStage, names: &str) -> &mut Self {
        self.macros.request(stage, names);
        self
    }

    /// Wants the stages that an application has hooks for, and headers if they are to be counted.
    pub(crate) fn declare(&mut self, answered: Stages, silent: Stages, count_headers: bool) {
        self.wanted |= answered | silent;
        self.silent |= silent.difference(answered);
        if count_headers && !self.wanted.contains(Stages::HEADER) {
            self.watches(CommandKind::Header);
        }
    }

    /// What is agreed with an MTA that offers this. Always a part of the offer.
    pub fn agree(&self, offer: Options) -> Result<Agreement, NegotiationError> {
        let version = offer.version.min(Version::CURRENT);
        if version < Version::OLDEST {
            return Err(NegotiationError::Version { offered: offer.version });
        }
        let missing = self.required.difference(offer.actions);
        if !missing.is_empty() {
            return Err(NegotiationError::Actions { missing, offered: offer.actions });
        }
        if self.wanted.contains(Stages::DATA) && version < Version::FIRST_WITH_DATA {
            return Err(NegotiationError::Data { version });
        }
        let mut actions = self.required | (self.optional & offer.actions);
        if !self.macros.granted(offer.actions).is_empty() {
            actions |= Actions::REQUEST_MACROS;
        }
        let mut protocol = self.requests & ABILITIES & offer.protocol;
        if let Some(size) =
            DATA_SIZES_BY_SIZE.into_iter().find(|size| (self.requests & offer.protocol).contains(*size))
        {
            protocol |= size;
        }
        for Switch { stage, off, no_reply } in SWITCHES {
            let unwanted = !self.wanted.contains(stage);
            if unwanted && offer.protocol.contains(off) {
                protocol |= off;
            } else if (unwanted || self.silent.contains(stage)) && offer.protocol.contains(no_reply) {
                protocol |= no_reply;
            }
        }
        Ok(Agreement::new(Options { version, actions, protocol }, self.wanted, self.silent))
    }

    /// The answer that says so. `None` when it does not fit into a packet, which a built wish always does.
    pub(crate) fn answer(&self, offer: Options, agreement: &Agreement) -> Option<OptionsAnswer<'_>> {
        OptionsAnswer::new(agreement.options, self.macros.granted(offer.actions)).ok()
    }
}

/// What was agreed for a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Agreement {
    options: Options,
    wanted: Stages,
    /// What the MTA was told not to send.
    off: Stages,
    /// What the MTA waits for a reply to.
    replies: Stages,
    /// What of it the application answers.
    answered: Stages,
}

/// What is in force before anything was negotiated: nothing.
impl Default for Agreement {
    fn default() -> Self {
        Self::of_actions(Actions::empty())
    }
}

impl Agreement {
    /// These actions and nothing else, for contexts without a session.
    pub(crate) fn of_actions(actions: Actions) -> Self {
        let options = Options { version: Version::CURRENT, actions, protocol: Protocol::empty() };
        Self::new(options, Stages::empty(), Stages::empty())
    }

    /// What a filter answered, for the MTA's side.
    pub(crate) fn answered(options: Options) -> Self {
        Self::new(options, Stages::empty(), Stages::empty())
    }

    fn new(options: Options, wanted: Stages, silent: Stages) -> Self {
        let told = |bits: fn(&Switch) -> Protocol| {
            let switches = SWITCHES.iter().filter(|switch| options.protocol.contains(bits(switch)));
            switches.fold(Stages::empty(), |stages, switch| stages | switch.stage)
        };
        let unanswered = told(|switch| switch.no_reply).union(Stages::ABORT).union(Stages::QUIT);
        let replies = Stages::all().difference(unanswered);
        Self {
            options,
            wanted,
            off: told(|switch| switch.off),
            replies,
            answered: replies.difference(silent),
        }
    }

    /// The words that were answered: version, actions and protocol that both sides go by.
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Whether the MTA waits for a reply to this command.
    pub fn expects_reply(&self, command: CommandKind) -> bool {
        command == CommandKind::Negotiate || self.replies.intersects(Stages::of(command))
    }

    /// Whether the MTA was told not to send this command.
    pub fn is_switched_off(&self, command: CommandKind) -> bool {
        self.off.intersects(Stages::of(command))
    }

    /// The largest payload that may come.
    pub fn max_payload(&self) -> usize {
        if self.options.protocol.contains(Protocol::DATA_SIZE_1M) {
            1_048_575
        } else if self.options.protocol.contains(Protocol::DATA_SIZE_256K) {
            262_143
        } else {
            MAX_PAYLOAD
        }
    }

    /// Whether the application wants to see this command.
    pub(crate) fn wants(&self, command: CommandKind) -> bool {
        self.wanted.intersects(Stages::of(command))
    }

    /// Whether the application's own answer to this command counts.
    pub(crate) fn is_answered(&self, command: CommandKind) -> bool {
        self.answered.intersects(Stages::of(command))
    }
}

/// Peer and application are honest, but do not fit together. Nothing was answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The MTA speaks only versions that are too old.
    #[error("the MTA offers version {offered} of the protocol: expected at least {}", Version::OLDEST)]
    Version {
        /// What it offers.
        offered: Version,
    },
    /// The MTA does not offer actions without which the application cannot work.
    #[error("the MTA does not offer the actions {missing:?}: it offers {offered:?}")]
    Actions {
        /// What was required and not offered.
        missing: Actions,
        /// What it offers.
        offered: Actions,
    },
    /// The application has a hook for DATA, and the MTA is too old to send it.
    #[error(
        "the MTA speaks version {version} of the protocol: the hook for DATA needs at least {}",
        Version::FIRST_WITH_DATA
    )]
    Data {
        /// The version that both could speak.
        version: Version,
    },
}

const ABILITIES: Protocol =
    Protocol::SKIP.union(Protocol::REJECTED_RECIPIENTS).union(Protocol::LEADING_SPACE);
const DATA_SIZES: Protocol = Protocol::DATA_SIZE_256K.union(Protocol::DATA_SIZE_1M);
const DATA_SIZES_BY_SIZE: [Protocol; 2] = [Protocol::DATA_SIZE_1M, Protocol::DATA_SIZE_256K];

/// The bits that switch off a command, and the reply to it.
struct Switch {
    stage: Stages,
    off: Protocol,
    no_reply: Protocol,
}

const SWITCHES: [Switch; 9] = {
    const fn switch(stage: Stages, off: Protocol, no_reply: Protocol) -> Switch {
        Switch { stage, off, no_reply }
    }
    [
        switch(Stages::CONNECT, Protocol::NO_CONNECT, Protocol::NO_REPLY_CONNECT),
        switch(Stages::HELO, Protocol::NO_HELO, Protocol::NO_REPLY_HELO),
        switch(Stages::MAIL, Protocol::NO_MAIL, Protocol::NO_REPLY_MAIL),
        switch(Stages::RCPT, Protocol::NO_RCPT, Protocol::NO_REPLY_RCPT),
        switch(Stages::DATA, Protocol::NO_DATA, Protocol::NO_REPLY_DATA),
        switch(Stages::HEADER, Protocol::NO_HEADERS, Protocol::NO_REPLY_HEADER),
        switch(Stages::END_OF_HEADERS, Protocol::NO_END_OF_HEADERS, Protocol::NO_REPLY_END_OF_HEADERS),
        switch(Stages::BODY, Protocol::NO_BODY, Protocol::NO_REPLY_BODY),
        switch(Stages::UNKNOWN, Protocol::NO_UNKNOWN, Protocol::NO_REPLY_UNKNOWN),
    ]
};

#[cfg(test)]
mod tests;
