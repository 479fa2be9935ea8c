//! The stages that hooks are declared for, as types.

use super::state::State;
use crate::command::{
    Abort, BodyChunk, CommandKind, Connect, Data, EndOfHeaders, EndOfMessage, Header, Helo, Mail, Quit, Rcpt,
    Unknown,
};
use crate::event::Event;
use crate::negotiation::MacroStage;

/// A stage of an SMTP session that a hook can be declared for: see the types in [`stage`]. Sealed.
pub trait Stage: sealed::Sealed + 'static {
    /// Its command.
    const COMMAND: CommandKind;

    /// What a hook is given.
    type Command<'a>: Copy + Send;

    /// The value that a hook is called on: the connection's, or the message's.
    type Scope<S: State>: Send + 'static;

    /// That value.
    #[doc(hidden)]
    fn scope<S: State>(state: &mut S) -> &mut Self::Scope<S>;

    /// The command, if the event is of this stage.
    #[doc(hidden)]
    fn claim(event: Event<'_>) -> Option<Self::Command<'_>>;
}

/// A stage whose hook may say nothing: every one but the end of the message.
#[diagnostic::on_unimplemented(
    message = "the stage `{Self}` must be answered: its hook cannot return `()`",
    note = "return a `Verdict`"
)]
pub trait Silenceable: Stage {}

/// A stage whose hook may answer: every one but abort and quit.
#[diagnostic::on_unimplemented(message = "the stage `{Self}` cannot be answered: its hook must return `()`")]
pub trait Answered: Stage {}

/// A stage of a message, which may be answered by DISCARD: MAIL to the end of the message.
#[diagnostic::on_unimplemented(
    message = "the stage `{Self}` is outside of a message: it cannot answer DISCARD",
    note = "return a `Verdict`"
)]
pub trait MessageStage: Stage {}

/// A stage outside of messages: its hook is called on the connection's value.
#[diagnostic::on_unimplemented(
    message = "`.message(…)` comes after a hook for `{Self}`",
    label = "this milter has a hook that is called on the message's value",
    note = "declare the hooks for the stages of a message after `.message(…)`"
)]
pub trait ConnectionStage: Stage {}

/// A stage that macros can be asked for at.
#[diagnostic::on_unimplemented(message = "the protocol has no list of macros for the stage `{Self}`")]
pub trait RequestsMacros: Stage {
    /// The stage by its number on the wire.
    const MACROS: MacroStage;
}

/// The stages, by name.
pub mod stage {
    macro_rules! stages {
        ($($(#[$meta:meta])* $Stage:ident)*) => { $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug)]
            #[allow(clippy::exhaustive_enums)] // a name, not a value
            pub enum $Stage {}
        )* };
    }

    stages! {
        /// An SMTP client connected.
        #[doc(alias = "xxfi_connect")]
        Connect
        /// HELO or EHLO.
        #[doc(alias = "xxfi_helo")]
        Helo
        /// MAIL: the envelope sender.
        #[doc(alias = "xxfi_envfrom")]
        Mail
        /// RCPT: an envelope recipient.
        #[doc(alias = "xxfi_envrcpt")]
        Rcpt
        /// DATA.
        #[doc(alias = "xxfi_data")]
        Data
        /// A header.
        #[doc(alias = "xxfi_header")]
        Header
        /// The end of the headers.
        #[doc(alias = "xxfi_eoh")]
        EndOfHeaders
        /// A body chunk.
        #[doc(alias = "xxfi_body")]
        Body
        /// The end of the message.
        #[doc(alias = "xxfi_eom")]
        EndOfMessage
        /// The message was aborted.
        #[doc(alias = "xxfi_abort")]
        Abort
        /// The SMTP session is over.
        #[doc(alias = "xxfi_close")]
        Quit
        /// A command that the MTA does not know.
        #[doc(alias = "xxfi_unknown")]
        Unknown
    }
}

macro_rules! stages {
    ($($Stage:ident: $Command:ty, $Scope:ident $scope:ident [$($Marker:ident)*];)*) => { $(
        impl Stage for stage::$Stage {
            const COMMAND: CommandKind = CommandKind::$Stage;
            type Command<'a> = $Command;
            type Scope<S: State> = S::$Scope;

            fn scope<S: State>(state: &mut S) -> &mut S::$Scope {
                state.$scope()
            }

            fn claim(event: Event<'_>) -> Option<Self::Command<'_>> {
                match event {
                    Event::$Stage(command) => Some(command),
                    _ => None,
                }
            }
        }

        impl sealed::Sealed for stage::$Stage {}
        $(impl $Marker for stage::$Stage {})*
    )* };
}

stages! {
    Connect: Connect<'a>, Connection connection [ConnectionStage Silenceable Answered];
    Helo: Helo<'a>, Connection connection [ConnectionStage Silenceable Answered];
    Mail: Mail<'a>, Message message [Silenceable Answered MessageStage];
    Rcpt: Rcpt<'a>, Message message [Silenceable Answered MessageStage];
    Data: Data, Message message [Silenceable Answered MessageStage];
    Header: Header<'a>, Message message [Silenceable Answered MessageStage];
    EndOfHeaders: EndOfHeaders, Message message [Silenceable Answered MessageStage];
    Body: BodyChunk<'a>, Message message [Silenceable Answered MessageStage];
    EndOfMessage: EndOfMessage, Message message [Answered MessageStage];
    Abort: Abort, Message message [Silenceable];
    Quit: Quit, Connection connection [ConnectionStage Silenceable];
    Unknown: Unknown<'a>, Connection connection [ConnectionStage Silenceable Answered];
}

macro_rules! macro_stages {
    ($($Stage:ident)*) => { $(
        impl RequestsMacros for stage::$Stage {
            const MACROS: MacroStage = MacroStage::$Stage;
        }
    )* };
}

macro_stages! { Connect Helo Mail Rcpt Data EndOfHeaders EndOfMessage }

mod sealed {
    pub trait Sealed {}
}
