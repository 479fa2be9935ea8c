//! Commands that carry one line of SMTP: HELO, and commands that the MTA does not know.

use crate::error::{DecodeError, TooLong};
use crate::parse::Fields;
use crate::text::Text;

/// HELO or EHLO (`H`).
///
/// Interop: it may be missing (MAIL without HELO) and may come again, also in the middle of a message and after
/// STARTTLS. Postfix sends the abort of the open message after it, Sendmail before it.
#[doc(alias = "SMFIC_HELO")]
#[doc(alias = "xxfi_helo")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Helo<'a> {
    name: Text<'a>,
}

impl<'a> Helo<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(name: Text<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[name.len(), 1])?;
        Ok(Self { name })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::of("SMFIC_HELO", payload);
        let name = fields.string("the name")?;
        fields.end()?;
        Ok(Self { name })
    }

    /// What the client calls itself; may be empty.
    pub const fn name(&self) -> Text<'a> {
        self.name
    }
}

/// An SMTP command that the MTA does not know (`U`). It fails in any case.
///
/// Interop: Sendmail sends the whole line. Postfix sends the line as well, but before 3.8 only its first word, and
/// uses our answer only when it is a temporary failure.
#[doc(alias = "SMFIC_UNKNOWN")]
#[doc(alias = "xxfi_unknown")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unknown<'a> {
    line: Text<'a>,
}

impl<'a> Unknown<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(line: Text<'a>) -> Result<Self, TooLong> {
        TooLong::check(&[line.len(), 1])?;
        Ok(Self { line })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::of("SMFIC_UNKNOWN", payload);
        let line = fields.string("the line")?;
        fields.end()?;
        Ok(Self { line })
    }

    /// The command without its line end.
    pub const fn line(&self) -> Text<'a> {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::known_answers;

    #[test]
    fn known_answers() {
        let text = |text| Text::new(text).unwrap();
        known_answers::commands(&[
            (b"Hcli\0", Command::Helo(Helo::new(text(b"cli")).unwrap())),
            (b"H\0", Command::Helo(Helo::new(text(b"")).unwrap())),
            (b"UFOO bar\0", Command::Unknown(Unknown::new(text(b"FOO bar")).unwrap())),
        ]);
    }
}
