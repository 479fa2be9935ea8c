//! Responses, and what they are built of.

use super::{list, octets, string, text};
use crate::replies::Parts;
use crate::responses::{OwnedResponse, Requests};
use arbitrary::{Arbitrary, Result, Unstructured};
use milter_proto::{MacroStage, SmtpReply};

impl<'a> Arbitrary<'a> for OwnedResponse {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let optional =
            |u: &mut Unstructured<'a>| Ok(if u.arbitrary()? { Some(text(u, 32767)?) } else { None });
        Ok(match *u.choose(b"Ocadrtspyhime+2-bq")? {
            b'O' => Self::negotiate(u.arbitrary()?, &u.arbitrary::<Requests>()?.0),
            b'y' => {
                let Parts { code, enhanced, lines } = u.arbitrary()?;
                // What cannot be sent is the matter of another law.
                SmtpReply::lines(code, enhanced.as_deref(), &lines).map_or(Self::Bare(b'c'), Self::Reply)
            }
            letter @ (b'h' | b'i' | b'm') => {
                Self::Header(letter, u.arbitrary()?, text(u, 65530)?, text(u, 65530)?)
            }
            letter @ (b'e' | b'+' | b'2' | b'-') => Self::Address(letter, text(u, 32767)?, optional(u)?),
            b'b' => Self::ReplaceBody(octets(u, 65537)?),
            b'q' => Self::Quarantine(text(u, 32767)?),
            bare => Self::Bare(bare),
        })
    }
}

impl<'a> Arbitrary<'a> for Parts {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let code = if u.arbitrary::<u8>()? < 0xf0 { u.int_in_range(400..=599)? } else { u.arbitrary()? };
        let enhanced = match u.arbitrary::<u8>()? % 4 {
            0 => None,
            1 => Some(format!("{}.{}.{}", code / 100, u.arbitrary::<u8>()?, u.arbitrary::<u8>()?)),
            2 => Some((*u.choose(&["2.0.0", "5.7", "5.7.1 ", "5.1234.1", "5..1", "4.7.1"])?).to_owned()),
            _ => Some(string(u, 20)?),
        };
        Ok(Self { code, enhanced, lines: list(u, 34, |u| string(u, 981))? })
    }
}

impl<'a> Arbitrary<'a> for Requests {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let request = |u: &mut Unstructured<'a>| {
            let stage = MacroStage::from_number(u32::from(u.arbitrary::<u8>()? % 7)).expect("a stage");
            Ok((stage, string(u, 33000)?))
        };
        list(u, 9, request).map(Self)
    }
}
