//! The vocabulary that payloads are parsed with. The only file that names nom.

use crate::error::DecodeError;
use crate::text::Text;
use nom::Parser;
use nom::error::{ErrorKind, ParseError};
use nom::number::complete;

/// Parses fields of one packet, one after the other, and names packet and field when one is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    packet: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `packet` is the C name, for errors.
    pub(crate) const fn of(packet: &'static str, payload: &'a [u8]) -> Self {
        Self { packet, rest: payload }
    }

    /// A string with its final NUL.
    pub(crate) fn string(&mut self, field: &'static str) -> Result<Text<'a>, DecodeError> {
        self.take(string, field)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.take(complete::u8, field)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.take(complete::be_u16, field)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.take(complete::be_u32, field)
    }

    /// Zero or more strings, each with its final NUL: all that is left.
    pub(crate) fn strings(self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.rest.last() {
            None | Some(0) => Ok(self.rest),
            Some(_) => Err(self.failed(field, Fault::Unterminated)),
        }
    }

    /// What was not parsed yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(crate) const fn end(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::Excess { packet: self.packet, count }),
        }
    }

    fn take<T>(
        &mut self,
        mut parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        match parser.parse(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Err(self.failed(field, fault)),
            Err(nom::Err::Incomplete(_)) => Err(self.failed(field, Fault::Truncated)),
        }
    }

    const fn failed(&self, field: &'static str, fault: Fault) -> DecodeError {
        let packet = self.packet;
        match fault {
            Fault::Truncated => DecodeError::Truncated { packet, field, got: self.rest.len() },
            Fault::Unterminated => DecodeError::Unterminated { packet, field },
        }
    }
}

/// Splits the first string off a run of strings that was checked by [`Fields::strings`].
pub(crate) fn split_string(strings: &[u8]) -> Option<(Text<'_>, &[u8])> {
    let (rest, text) = string(strings).ok()?;
    Some((text, rest))
}

fn string(input: &[u8]) -> nom::IResult<&[u8], Text<'_>, Fault> {
    if input.is_empty() {
        return Err(nom::Err::Error(Fault::Truncated));
    }
    // Not `take_until`: that one looks for a sequence and is slower than memchr for one octet.
    let length = memchr::memchr(0, input).unwrap_or(input.len());
    match input.split_at_checked(length) {
        // Invariant: these are the octets before the first NUL.
        Some((text, [_, rest @ ..])) => Ok((rest, Text::trusted(text))),
        _ => Err(nom::Err::Error(Fault::Unterminated)),
    }
}

enum Fault {
    Truncated,
    Unterminated,
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self::Truncated
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}
