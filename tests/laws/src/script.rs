//! What two sides say, one after the other, in the short form that fuzzers are given: no length word to get right, and
//! whatever is cut out or spliced in, the rest stays what it was.
//!
//! ```text
//! who letter payload 0xFE who letter payload 0xFE …
//! M   M      <a@b>\0      F   c
//! ```

use crate::frame;
use arbitrary::{Arbitrary, Result, Unstructured};

/// A list of what is said.
#[derive(Clone, Debug, Default)]
pub struct Script(pub Vec<Said>);

/// Something that is said.
#[derive(Clone, Debug)]
pub enum Said {
    /// A packet from the MTA.
    Mta(u8, Vec<u8>),
    /// A recipient that the MTA itself rejected.
    Rejected(Vec<u8>),
    /// A packet from the filter.
    Filter(u8, Vec<u8>),
    /// Octets from the filter that need be no packet; none are the end of the stream.
    Octets(Vec<u8>),
}

const END: u8 = 0xfe;

impl Script {
    /// Reads any octets.
    pub fn read(octets: &[u8]) -> Self {
        let said = octets.split(|octet| *octet == END).filter_map(|part| match part {
            [b'P', octets @ ..] => Some(Said::Octets(octets.to_vec())),
            [b'X', payload @ ..] => Some(Said::Rejected(payload.to_vec())),
            [b'F', letter, payload @ ..] => Some(Said::Filter(*letter, payload.to_vec())),
            [_, letter, payload @ ..] => Some(Said::Mta(*letter, payload.to_vec())),
            _ => None,
        });
        Self(said.collect())
    }

    /// The short form. Octets that end a part become others, so this is for what has few of them.
    pub fn write(&self) -> Vec<u8> {
        let part = |said: &Said| match said {
            Said::Mta(letter, payload) => [&[b'M', *letter], &payload[..]].concat(),
            Said::Rejected(payload) => [b"X", &payload[..]].concat(),
            Said::Filter(letter, payload) => [&[b'F', *letter], &payload[..]].concat(),
            Said::Octets(octets) => [b"P", &octets[..]].concat(),
        };
        let parts = self.0.iter().map(|said| {
            let mut part = part(said);
            part.iter_mut().filter(|octet| **octet == END).for_each(|octet| *octet = END - 1);
            part
        });
        parts.collect::<Vec<_>>().join(&END)
    }

    /// The packets from the MTA.
    pub fn commands(&self) -> Vec<(u8, Vec<u8>)> {
        let commands = self.0.iter().filter_map(|said| match said {
            Said::Mta(letter, payload) => Some((*letter, payload.clone())),
            _ => None,
        });
        commands.collect()
    }

    /// The packets from the filter.
    pub fn responses(&self) -> Vec<(u8, Vec<u8>)> {
        let responses = self.0.iter().filter_map(|said| match said {
            Said::Filter(letter, payload) => Some((*letter, payload.clone())),
            _ => None,
        });
        responses.collect()
    }
}

impl Said {
    /// What it is on the wire, if it comes from the filter.
    pub fn from_filter(&self) -> Option<Vec<u8>> {
        match self {
            Self::Filter(letter, payload) => Some(frame(*letter, payload)),
            Self::Octets(octets) => Some(octets.clone()),
            Self::Mta(..) | Self::Rejected(_) => None,
        }
    }
}

/// The rest of the octets.
impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let rest = u.len();
        Ok(Self::read(u.bytes(rest)?))
    }
}
