//! What is sent to a filter, and what is left out.

use super::Mta;
use crate::command::{Command, CommandKind, DefineMacros, MacroPairs, MacroPairsBuf, Rcpt};
use crate::error::{TooLong, Violation};
use crate::macros::without_braces;
use crate::message::lines;
use crate::negotiation::Protocol;
use alloc::borrow::Cow;

/// What became of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sent {
    /// It was not sent: the filter does not want it, or has already decided.
    LeftOut,
    /// It is sent, and no answer is due.
    Unanswered,
    /// It is sent, and nothing else can be sent before the answer has come.
    Awaited,
}

/// A command that cannot be sent now: a mistake of the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The answer to another command is due first.
    #[error("the answer to {waiting} is due before {command} can be sent")]
    Waiting {
        /// The command that was to be sent.
        command: CommandKind,
        /// The command that was not answered yet.
        waiting: CommandKind,
    },
    /// The command has no place here.
    #[error(transparent)]
    Order(#[from] Violation),
    /// Octets of the body in the end of the message: filters disagree about them, so they are sent as chunks before.
    #[error("octets of the body in SMFIC_BODYEOB: expected them in SMFIC_BODY before it")]
    BodyInEndOfMessage,
    /// The macros do not fit into a packet.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The connection is over.
    #[error("the connection with the filter is over")]
    Closed,
}

impl Mta {
    /// Macros for the command that is sent next. Of those the filter asked for, if it did, only these are sent, in the
    /// order asked for. Braces are added to names of more than one octet, and taken from others.
    ///
    /// Interop: as Postfix and Sendmail do, macros of CONNECT, HELO, MAIL, RCPT and DATA are sent even if the command
    /// itself is switched off.
    pub fn define(&mut self, command: CommandKind, macros: MacroPairs<'_>) -> Result<(), SendError> {
        self.send_macros(command, macros).map(drop)
    }

    /// Sends a command, if the filter wants it. An open message is aborted before HELO, MAIL, QUIT and QUIT_NC.
    pub fn send(&mut self, command: &Command<'_>) -> Result<Sent, SendError> {
        let kind = command.kind();
        self.may_send(kind)?;
        match command {
            Command::DefineMacros(define) => {
                return match CommandKind::from_letter(define.stage()) {
                    Ok(stage) => self.send_macros(stage, define.macros()),
                    Err(_) => Ok(Sent::LeftOut),
                };
            }
            Command::EndOfMessage(Some(_)) => return Err(SendError::BodyInEndOfMessage),
            _ => {}
        }
        let unknown = kind == CommandKind::QuitNewConnection && self.agreed.leaves_out(kind);
        if unknown || self.is_over_for(kind) {
            return Ok(Sent::LeftOut);
        }
        self.dialogue.check(kind)?;
        self.make_way(kind);
        // An unknown command moves nothing, here as in the order of commands.
        if kind != CommandKind::Unknown && self.skipped != Some(kind) {
            self.skipped = None;
        }
        if self.agreed.leaves_out(kind) || self.skipped == Some(kind) {
            return Ok(Sent::LeftOut);
        }
        self.encode(command);
        self.quit = kind == CommandKind::Quit;
        self.dialogue.advance(kind);
        if !self.agreed.agreement().expects_reply(kind) {
            return Ok(Sent::Unanswered);
        }
        self.waiting = Some(kind);
        Ok(Sent::Awaited)
    }

    /// Whether this command would be left out if it were sent now: the filter does not want it, or has already decided.
    pub fn leaves_out(&self, command: CommandKind) -> bool {
        self.is_over_for(command) || self.agreed.leaves_out(command) || self.skipped == Some(command)
    }

    /// Sends a recipient that the MTA itself rejected, if the filter asked for those
    /// ([`Protocol::REJECTED_RECIPIENTS`]), with its macros: `{rcpt_mailer}` is `error` whatever is given,
    /// `{rcpt_host}` should be the enhanced code and `{rcpt_addr}` the text of the reply that the client got.
    ///
    /// The answer concerns the recipient no more: of its outcomes only accept and discard mean something, the
    /// message.
    #[doc(alias = "SMFIP_RCPT_REJ")]
    pub fn send_rejected(&mut self, recipient: Rcpt<'_>, macros: MacroPairs<'_>) -> Result<Sent, SendError> {
        self.may_send(CommandKind::Rcpt)?;
        let asked = self.agreed.agreement().options().protocol.contains(Protocol::REJECTED_RECIPIENTS);
        if !asked || self.agreed.leaves_out(CommandKind::Rcpt) {
            return Ok(Sent::LeftOut);
        }
        const MAILER: (&[u8], &[u8]) = (b"rcpt_mailer", b"error");
        let mut marked = MacroPairsBuf::new();
        let is_mailer = |name: &[u8]| without_braces(name) == MAILER.0;
        let missing = !macros.iter().any(|(name, _)| is_mailer(&name));
        let given = macros.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let given = given.map(|given| if is_mailer(given.0) { MAILER } else { given });
        for (name, value) in missing.then_some(MAILER).into_iter().chain(given) {
            // Texts have no NUL.
            let _ = marked.push(name, value);
        }
        self.define(CommandKind::Rcpt, marked.view())?;
        let sent = self.send(&Command::Rcpt(recipient))?;
        self.rejected = sent == Sent::Awaited;
        Ok(sent)
    }

    /// A header's value as this filter is to see it, from what stands after the colon in the message: without the
    /// first space, unless [`Protocol::LEADING_SPACE`] was agreed, folded by LF, without its line end.
    ///
    /// ```
    /// # use milter_proto::{Mta, Options};
    /// let mta = Mta::new(Options::CURRENT);
    /// assert_eq!(*mta.header_value(b" one\r\n\ttwo\r\n"), *b"one\n\ttwo");
    /// ```
    pub fn header_value<'v>(&self, after_colon: &'v [u8]) -> Cow<'v, [u8]> {
        lines::shown(
            after_colon,
            self.agreed.agreement().options().protocol.contains(Protocol::LEADING_SPACE),
        )
    }

    fn send_macros(&mut self, command: CommandKind, macros: MacroPairs<'_>) -> Result<Sent, SendError> {
        self.may_send(CommandKind::DefineMacros)?;
        if !has_macros(command)
            || self.is_over_for(command)
            || self.skipped == Some(command)
            || self.agreed.leaves_out_macros(command)
        {
            return Ok(Sent::LeftOut);
        }
        self.dialogue.check(command)?;
        let macros = self.agreed.macros_for(command, macros);
        if macros.view().is_empty() {
            return Ok(Sent::LeftOut);
        }
        let define = DefineMacros::new(command, macros.view())?;
        // Between the macros and their command nothing is sent.
        self.make_way(command);
        self.encode(&Command::DefineMacros(define));
        Ok(Sent::Unanswered)
    }

    fn may_send(&self, command: CommandKind) -> Result<(), SendError> {
        match self.waiting {
            _ if self.quit || self.failed.is_some() => Err(SendError::Closed),
            Some(waiting) => Err(SendError::Waiting { command, waiting }),
            None => Ok(()),
        }
    }

    /// Whether the filter has decided, so that it sees no more of these commands.
    fn is_over_for(&self, command: CommandKind) -> bool {
        match command {
            CommandKind::Quit | CommandKind::QuitNewConnection => false,
            _ if self.is_session_decided() => true,
            CommandKind::Rcpt
            | CommandKind::Data
            | CommandKind::Header
            | CommandKind::EndOfHeaders
            | CommandKind::Body
            | CommandKind::EndOfMessage => self.message_decided,
            _ => false,
        }
    }

    /// Ends the message where a command does that: one that is open is aborted.
    fn make_way(&mut self, command: CommandKind) {
        match command {
            CommandKind::Abort => {}
            CommandKind::Helo | CommandKind::Mail | CommandKind::Quit | CommandKind::QuitNewConnection => {
                if self.dialogue.in_message() {
                    self.encode(&Command::Abort);
                    self.dialogue.end_message();
                }
            }
            _ => return,
        }
        self.message_decided = false;
    }
}

/// Whether macros are sent for a command.
const fn has_macros(command: CommandKind) -> bool {
    !matches!(
        command,
        CommandKind::Negotiate
            | CommandKind::DefineMacros
            | CommandKind::Abort
            | CommandKind::Quit
            | CommandKind::QuitNewConnection
    )
}
