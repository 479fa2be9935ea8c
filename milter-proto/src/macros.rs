//! Macros: what an MTA knows besides the commands, by stage.
//!
//! A set arrives before the command that it belongs to and lives in the slot of its stage:
//!
//! ```text
//! CONNECT   HELO   MAIL   RCPT   DATA   end of headers   end of message   (header, body, unknown)
//! session   session message recipient     message          message          the next command only
//! ```
//!
//! A set replaces the one before it whole. CONNECT, HELO, MAIL and RCPT clear their own slot and all later ones, the
//! end of a message those from MAIL on; a set that arrived since the last command belongs to the next one and
//! survives its clearing. A lookup goes from the newest stage to the oldest, so that a hook finds what is known *now*.

use crate::command::{CommandKind, DefineMacros, MacroPairs};
use crate::text::Text;
use alloc::vec::Vec;
use core::fmt;

/// The macros that are known at a stage.
///
/// Names are found with and without braces: `i` and `{i}`, `auth_type` and `{auth_type}`. Their case counts. A macro
/// that is not defined is missing, which is not the same as an empty one.
///
/// Interop: which macro comes when depends on the MTA and its configuration. The queue id (`i`) is known at MAIL in
/// Sendmail, but in Postfix only after the first accepted recipient.
#[doc(alias = "smfi_getsymval")]
#[derive(Clone, Default)]
pub struct Macros {
    slots: [Vec<u8>; SLOTS],
    /// Slots that were set since the last command.
    fresh: u16,
    /// The letter and the octets of a set that waits for its command, so that what that one ends still sees its own.
    later: Vec<u8>,
}

impl Macros {
    /// The value of a macro.
    ///
    /// ```
    /// # use milter_proto::testing::detached;
    /// let cx = detached().with_macro("{auth_authen}", "alice");
    /// assert_eq!(cx.macros.get("auth_authen").unwrap(), "alice");
    /// assert_eq!(cx.macros.get("{auth_type}"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<Text<'_>> {
        let name = without_braces(name.as_bytes());
        self.slots.iter().rev().find_map(|slot| {
            let mut pairs = MacroPairs::from_wire(slot).iter();
            pairs.find(|(found, _)| without_braces(found) == name).map(|(_, value)| value)
        })
    }

    /// The queue id of the message (`i`), once the MTA has given it one.
    pub fn queue_id(&self) -> Option<Text<'_>> {
        self.get("i")
    }

    /// Every macro, newest stage first. A name may come twice: the first one counts.
    pub fn iter(&self) -> impl Iterator<Item = (Text<'_>, Text<'_>)> {
        self.slots.iter().rev().flat_map(|slot| MacroPairs::from_wire(slot).iter())
    }

    pub(crate) fn define(&mut self, define: &DefineMacros<'_>) {
        let slot = slot_of(define.stage());
        self.fresh |= bit(slot);
        self.clear(slot);
        if let Some(octets) = self.slots.get_mut(slot) {
            octets.extend_from_slice(define.macros().as_wire());
        }
    }

    /// Like [`define`](Self::define), but seen only when the next command begins.
    pub(crate) fn define_later(&mut self, define: &DefineMacros<'_>) {
        self.later.clear();
        self.later.push(define.stage());
        self.later.extend_from_slice(define.macros().as_wire());
    }

    /// A command begins: what is older than it and belongs to later stages is gone.
    #[inline]
    pub(crate) fn begin(&mut self, command: CommandKind) {
        let letter = command.letter();
        match command {
            CommandKind::Connect | CommandKind::Helo | CommandKind::Mail | CommandKind::Rcpt => {
                self.clear_from(slot_of(letter));
            }
            CommandKind::Abort => self.clear_from(slot_of(b'M')),
            _ => {}
        }
        if self.fresh & bit(VOLATILE) == 0 {
            self.clear(VOLATILE);
        }
        self.fresh = 0;
        if !self.later.is_empty() {
            self.begin_later();
        }
    }

    /// What waited for its command is seen now.
    fn begin_later(&mut self) {
        let later = core::mem::take(&mut self.later);
        let Some((letter, octets)) = later.split_first() else { return };
        if let Some(slot) = self.slots.get_mut(slot_of(*letter)) {
            slot.clear();
            slot.extend_from_slice(octets);
        }
    }

    /// A message is over.
    pub(crate) fn end_message(&mut self) {
        self.clear_from(slot_of(b'M'));
    }

    /// An SMTP session is over.
    pub(crate) fn end_session(&mut self) {
        *self = Self::default();
    }

    #[inline(never)]
    fn clear_from(&mut self, first: usize) {
        for slot in first..SLOTS {
            if self.fresh & bit(slot) == 0 {
                self.clear(slot);
            }
        }
    }

    fn clear(&mut self, slot: usize) {
        if let Some(octets) = self.slots.get_mut(slot) {
            octets.clear();
            octets.shrink_to(KEPT);
        }
    }
}

impl fmt::Debug for Macros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

const SLOTS: usize = 8;
const VOLATILE: usize = 7;
/// Octets that a slot keeps for the next set, so that a busy connection does not allocate.
const KEPT: usize = 256;

const fn slot_of(letter: u8) -> usize {
    match letter {
        b'C' => 0,
        b'H' => 1,
        b'M' => 2,
        b'R' => 3,
        b'T' => 4,
        b'N' => 5,
        b'E' => 6,
        _ => VOLATILE,
    }
}

const fn bit(slot: usize) -> u16 {
    // A slot is below 8.
    #[allow(clippy::cast_possible_truncation)]
    1u16.wrapping_shl(slot as u32)
}

pub(crate) fn without_braces(name: &[u8]) -> &[u8] {
    match name {
        [b'{', inner @ .., b'}'] => inner,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::MacroPairsBuf;
    use alloc::string::{String, ToString};

    fn define(macros: &mut Macros, stage: CommandKind, value: &str) {
        let mut pairs = MacroPairsBuf::new();
        pairs.push("{n}", value).unwrap();
        macros.define(&DefineMacros::new(stage, pairs.view()).unwrap());
    }

    fn values(macros: &Macros) -> String {
        macros.iter().map(|(_, value)| value.to_string()).collect()
    }

    #[test]
    fn a_lookup_goes_from_the_newest_stage_to_the_oldest() {
        use CommandKind::{Body, Connect, Data, EndOfHeaders, EndOfMessage, Helo, Mail, Rcpt};
        let mut macros = Macros::default();
        for stage in [Connect, Helo, Mail, Rcpt, Data, EndOfHeaders, EndOfMessage, Body] {
            define(&mut macros, stage, &char::from(stage.letter()).to_string());
            assert_eq!(macros.get("n").unwrap().to_string().as_bytes(), [stage.letter()]);
        }
        assert_eq!(values(&macros), "BENTRMHC");
        macros.begin(Body);
        assert_eq!(values(&macros), "BENTRMHC", "the volatile slot is for this command");
        for (begins, left) in [(Data, "ENTRMHC"), (Rcpt, "MHC"), (Mail, "HC"), (Helo, "C"), (Connect, "")] {
            macros.begin(begins);
            assert_eq!(values(&macros), left, "{begins}");
        }
    }

    #[test]
    fn what_came_since_the_last_command_survives_the_next_ones_clearing() {
        let mut macros = Macros::default();
        define(&mut macros, CommandKind::Mail, "1");
        macros.begin(CommandKind::Mail);
        define(&mut macros, CommandKind::Mail, "2");
        macros.end_message(); // the open message is aborted by the MAIL that follows
        macros.begin(CommandKind::Mail);
        assert_eq!(values(&macros), "2");
        define(&mut macros, CommandKind::Rcpt, "3");
        macros.begin(CommandKind::Mail);
        assert_eq!(values(&macros), "3", "and nothing beside it");
    }

    #[test]
    fn an_abort_takes_the_macros_of_the_message_and_no_others() {
        let mut macros = Macros::default();
        define(&mut macros, CommandKind::Helo, "1");
        define(&mut macros, CommandKind::Mail, "2");
        macros.begin(CommandKind::Mail);
        macros.begin(CommandKind::Abort);
        assert_eq!(values(&macros), "1");
    }

    #[test]
    fn what_is_for_the_next_command_is_seen_when_that_begins() {
        let mut macros = Macros::default();
        let mut pairs = MacroPairsBuf::new();
        pairs.push("i", "4Q").unwrap();
        macros.define_later(&DefineMacros::new(CommandKind::Mail, pairs.view()).unwrap());
        assert_eq!(macros.queue_id(), None);
        macros.begin(CommandKind::Mail);
        assert_eq!(macros.queue_id().unwrap(), "4Q");
        assert_eq!(alloc::format!("{macros:?}"), r#"{"i": "4Q"}"#);
        macros.end_session();
        assert_eq!(values(&macros), "");
    }

    #[test]
    fn a_large_set_is_not_kept_when_it_is_gone() {
        let mut macros = Macros::default();
        define(&mut macros, CommandKind::Mail, &"x".repeat(60_000));
        macros.begin(CommandKind::Mail);
        macros.end_message();
        assert!(macros.slots.iter().all(|slot| slot.capacity() <= KEPT));
    }

    #[test]
    fn braces_belong_to_no_name() {
        assert_eq!(without_braces(b"{i}"), b"i");
        assert_eq!(without_braces(b"i"), b"i");
        assert_eq!(without_braces(b"{i"), b"{i");
        assert_eq!(without_braces(b"{}"), b"");
    }
}
