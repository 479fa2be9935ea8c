//! Define-macro: what an MTA knows besides the command that follows.

use super::CommandKind;
use crate::error::{DecodeError, TextError, TooLong};
use crate::packet;
use crate::parse::{Fields, split_string};
use crate::text::Text;
use alloc::vec::Vec;
use bytes::BufMut;
use core::fmt;

/// Macros for the command whose letter it carries (`D`).
///
/// Interop: Postfix sends one before every command, also without any macro, before every single header and body
/// chunk, and before commands that the filter switched off.
#[doc(alias = "SMFIC_MACRO")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DefineMacros<'a> {
    stage: u8,
    macros: MacroPairs<'a>,
}

impl<'a> DefineMacros<'a> {
    /// Macros for a command. Fails when they do not fit into a packet.
    pub fn new(command: CommandKind, macros: MacroPairs<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[1, macros.0.len()])?;
        Ok(Self { stage: command.letter(), macros })
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::of("SMFIC_MACRO", payload);
        let stage = fields.u8("the letter of a command")?;
        let strings = fields.strings("a macro")?;
        // Not by memchr: strings are short, and only whether their number is odd is asked.
        if strings.iter().fold(0u8, |nuls, octet| nuls.wrapping_add(u8::from(*octet == 0))) % 2 != 0 {
            return Err(DecodeError::MacroWithoutValue);
        }
        // Invariant: `strings` saw the final NUL, and their number is even.
        Ok(Self { stage, macros: MacroPairs(strings) })
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        packet::put(out, b'D', &[&[self.stage], self.macros.0]);
    }

    /// The letter of the command that the macros are for, which may be none that we know.
    pub const fn stage(&self) -> u8 {
        self.stage
    }

    /// Names and values, in the order in which the MTA sent them.
    pub const fn macros(&self) -> MacroPairs<'a> {
        self.macros
    }
}

/// Macro names and values. Names are as they came: `i`, `{auth_type}`.
// Invariant: an even number of strings, each with its final NUL.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct MacroPairs<'a>(&'a [u8]);

impl<'a> MacroPairs<'a> {
    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (name, after) = split_string(rest)?;
            let (value, after) = split_string(after)?;
            rest = after;
            Some((name, value))
        })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) const fn as_wire(&self) -> &'a [u8] {
        self.0
    }

    // Invariant: the octets came from `as_wire`.
    pub(crate) const fn from_wire(wire: &'a [u8]) -> Self {
        Self(wire)
    }
}

impl fmt::Debug for MacroPairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Builds [`MacroPairs`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MacroPairsBuf(Vec<u8>);

impl MacroPairsBuf {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a macro. The name is written as it is given: MTAs write braces around names of more than one octet.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), TextError> {
        let (name, value) = (Text::new(name.as_ref())?, Text::new(value.as_ref())?);
        for text in [name, value] {
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(0);
        }
        Ok(())
    }

    /// The macros so far.
    pub fn view(&self) -> MacroPairs<'_> {
        // Invariant: each push adds two strings with their NUL.
        MacroPairs(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::known_answers;

    #[test]
    fn known_answers() {
        let mut macros = MacroPairsBuf::new();
        macros.push("i", "4F1").unwrap();
        macros.push("{mail_addr}", "").unwrap();
        assert_eq!(alloc::format!("{:?}", macros.view()), r#"{"i": "4F1", "{mail_addr}": ""}"#);
        let define = |macros| Command::DefineMacros(DefineMacros::new(CommandKind::Mail, macros).unwrap());
        known_answers::commands(&[
            (b"DMi\x004F1\0{mail_addr}\0\0", define(macros.view())),
            (b"DM", define(MacroPairs::default())),
        ]);
    }
}
