//! Asking for macros: the lists behind the 12 octets of a filter's answer.

use super::{Actions, Options};
use crate::error::{DecodeError, TooLong};
use crate::packet;
use crate::parse::Fields;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::BufMut;
use core::fmt;

/// A filter's answer to an offer: what it wants, and the macros it asks for.
#[doc(alias = "SMFIC_OPTNEG")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OptionsAnswer<'a> {
    options: Options,
    macros: MacroRequests<'a>,
}

impl<'a> OptionsAnswer<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(options: Options, macros: MacroRequests<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[12, macros.0.len()])?;
        Ok(Self { options, macros })
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::of("SMFIC_OPTNEG", payload);
        let options = Options::take(&mut fields)?;
        let macros = fields.rest();
        while !fields.rest().is_empty() {
            fields.u32("the stage of a macro list")?;
            fields.string("a macro list")?;
        }
        // Invariant: pairs of a stage and a string, to the end.
        Ok(Self { options, macros: MacroRequests(macros) })
    }

    pub(crate) fn encode(&self, out: &mut impl BufMut) {
        packet::put(out, b'O', &[&self.options.to_wire(), self.macros.0]);
    }

    /// Version, actions and protocol.
    pub const fn options(&self) -> Options {
        self.options
    }

    /// The macros that are asked for.
    pub const fn macros(&self) -> MacroRequests<'a> {
        self.macros
    }
}

/// Where macros can be asked for (`SMFIM_*`). The numbers are historic: the end of the message comes before the end
/// of the headers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
pub enum MacroStage {
    /// With CONNECT.
    #[doc(alias = "SMFIM_CONNECT")]
    Connect = 0,
    /// With HELO.
    #[doc(alias = "SMFIM_HELO")]
    Helo = 1,
    /// With MAIL.
    #[doc(alias = "SMFIM_ENVFROM")]
    Mail = 2,
    /// With RCPT.
    #[doc(alias = "SMFIM_ENVRCPT")]
    Rcpt = 3,
    /// With DATA.
    #[doc(alias = "SMFIM_DATA")]
    Data = 4,
    /// With the end of the message; at Postfix also with every body chunk.
    #[doc(alias = "SMFIM_EOM")]
    EndOfMessage = 5,
    /// With the end of the headers; at Postfix also with every header.
    #[doc(alias = "SMFIM_EOH")]
    EndOfHeaders = 6,
}

impl MacroStage {
    /// The stage that has this number on the wire.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Connect,
            1 => Self::Helo,
            2 => Self::Mail,
            3 => Self::Rcpt,
            4 => Self::Data,
            5 => Self::EndOfMessage,
            6 => Self::EndOfHeaders,
            _ => return None,
        })
    }
}

/// Macro lists, each for a stage.
///
/// Interop: a stage without a list gets the MTA's default. An empty list means none at Sendmail and the default at
/// Postfix. A macro that the MTA does not know, or does not have at that stage, is left out silently.
// Invariant: pairs of a big-endian stage number and a string with its NUL.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct MacroRequests<'a>(&'a [u8]);

impl<'a> MacroRequests<'a> {
    /// The stage numbers and their lists as they came. Numbers that are no [`MacroStage`] are to be ignored.
    pub fn iter(&self) -> impl Iterator<Item = (u32, MacroNames<'a>)> + use<'a> {
        let mut fields = Fields::of("SMFIC_OPTNEG", self.0);
        core::iter::from_fn(move || {
            let stage = fields.u32("the stage").ok()?;
            Some((stage, MacroNames(fields.string("the list").ok()?.as_bytes())))
        })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for MacroRequests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A list of macro names.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct MacroNames<'a>(&'a [u8]);

impl<'a> MacroNames<'a> {
    /// The names, which may be separated by white space or commas.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(|octet| octet.is_ascii_whitespace() || *octet == b',').filter(|name| !name.is_empty())
    }
}

impl fmt::Debug for MacroNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Builds [`MacroRequests`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MacroRequestsBuf {
    wire: Vec<u8>,
    /// Where the lists end that were asked for. Behind them stands at most one that follows from them.
    asked: usize,
}

impl MacroRequestsBuf {
    /// None yet: the MTA's defaults everywhere.
    pub const fn new() -> Self {
        Self { wire: Vec::new(), asked: 0 }
    }

    /// Asks for these macros at a stage: `"i {auth_authen}"`. Names are separated by white space, commas or control
    /// octets, and braces around names of more than one octet may be left out. A second list for a stage is ignored,
    /// and so is what would not fit into the answer. A list for the end of the message also serves for the end of the
    /// headers, unless that has one of its own.
    pub fn request(&mut self, stage: MacroStage, names: &str) {
        let mut list = String::new();
        for name in names.split(|c: char| c == ',' || c.is_whitespace() || c.is_control()) {
            let bare = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
            let (open, close) = if bare.len() > 1 { ("{", "}") } else { ("", "") };
            if !bare.is_empty() {
                let space = if list.is_empty() { "" } else { " " };
                list.extend([space, open, bare, close]);
            }
        }
        self.wire.truncate(self.asked);
        self.add(stage, list.as_bytes());
        self.asked = self.wire.len();
        // Interop: Sendmail 8.17 uses the list for the end of the message only if there is one for the end of the
        // headers.
        if let Some(list) = self.list(MacroStage::EndOfMessage).map(<[u8]>::to_vec) {
            self.add(MacroStage::EndOfHeaders, &list);
        }
    }

    /// The requests so far.
    pub fn view(&self) -> MacroRequests<'_> {
        // Invariant: each list is a number and a string without control octets.
        MacroRequests(&self.wire)
    }

    /// What is asked for of an MTA that offers these actions: all, or nothing.
    pub(super) fn granted(&self, offered: Actions) -> MacroRequests<'_> {
        if offered.contains(Actions::REQUEST_MACROS) { self.view() } else { MacroRequests::default() }
    }

    fn add(&mut self, stage: MacroStage, list: &[u8]) {
        let fits = TooLong::check(&[12, self.wire.len(), 4, list.len(), 1]).is_ok();
        if fits && self.list(stage).is_none() {
            self.wire.extend_from_slice(&(stage as u32).to_be_bytes());
            self.wire.extend_from_slice(list);
            self.wire.push(0);
        }
    }

    fn list(&self, stage: MacroStage) -> Option<&[u8]> {
        self.view().iter().find(|(number, _)| *number == stage as u32).map(|(_, MacroNames(list))| list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MacroStage::{EndOfHeaders, EndOfMessage, Mail};

    fn wire(requests: &[(MacroStage, &str)]) -> Vec<u8> {
        let mut lists = MacroRequestsBuf::new();
        requests.iter().for_each(|(stage, names)| lists.request(*stage, names));
        lists.wire
    }

    #[test]
    fn names_are_written_as_mtas_write_them() {
        assert_eq!(wire(&[(Mail, "")]), b"\0\0\0\x02\0");
        assert_eq!(
            wire(&[(Mail, " i,auth_type\t{mail_addr}\0{i} {}"), (Mail, "j")]),
            b"\0\0\0\x02i {auth_type} {mail_addr} i\0"
        );
    }

    #[test]
    fn lists_are_shown_as_they_stand_on_the_wire() {
        let mut lists = MacroRequestsBuf::new();
        lists.request(Mail, "i auth_type");
        assert_eq!(alloc::format!("{:?}", lists.view()), r#"{2: "i {auth_type}"}"#);
    }

    #[test]
    fn the_end_of_the_headers_has_its_own_list_or_that_of_the_end_of_the_message() {
        assert_eq!(wire(&[(EndOfMessage, "i"), (Mail, "j")]), b"\0\0\0\x05i\0\0\0\0\x02j\0\0\0\0\x06i\0");
        let both = b"\0\0\0\x05i\0\0\0\0\x06j\0";
        assert_eq!(wire(&[(EndOfMessage, "i"), (EndOfHeaders, "j")]), both);
        assert_eq!(wire(&[(EndOfHeaders, "j"), (EndOfMessage, "i")]), b"\0\0\0\x06j\0\0\0\0\x05i\0");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = "m".repeat(40_000);
        let lists = wire(&[(EndOfMessage, &long), (Mail, &long), (EndOfHeaders, "i")]);
        assert_eq!(lists.len(), 4 + 40_002 + 1 + 6);
    }
}
