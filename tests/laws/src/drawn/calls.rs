//! What an application says: mostly what can be sent.

use super::{list, octets, string, text};
use crate::application::{Call, Ending, Filter};
use arbitrary::{Arbitrary, Result, Unstructured};
use milter_proto::Actions;

const NAMES: [&str; 5] = ["Subject", "subject", "X-A", "X", "DKIM-Signature"];

impl<'a> Arbitrary<'a> for Filter {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let actions = u.arbitrary::<u16>()?;
        Ok(Self {
            actions: if actions >> 15 == 0 {
                Actions::all()
            } else {
                Actions::from_bits_retain(actions.into())
            },
            leading_space: u.arbitrary()?,
            track_headers: u.arbitrary()?,
            headers: list(u, 6, |u| Ok((*u.choose(&NAMES)?).to_owned()))?,
            ending: ending(u)?,
            calls: list(u, 20, call)?,
        })
    }
}

fn ending(u: &mut Unstructured<'_>) -> Result<Ending> {
    Ok(match u.arbitrary::<u8>()? % 8 {
        0..=3 => Ending::Continue,
        4 => Ending::Accept,
        5 => Ending::Reject(string(u, 990)?),
        6 => Ending::Quote(u.int_in_range(390..=610)?, string(u, 9)?, string(u, 990)?),
        _ => Ending::Read(string(u, 990)?),
    })
}

fn call(u: &mut Unstructured<'_>) -> Result<Call> {
    Ok(match u.arbitrary::<u8>()? % 13 {
        0 => Call::AddHeader(name(u)?, value(u)?),
        1 => Call::InsertHeader(u.arbitrary()?, name(u)?, value(u)?),
        2 | 3 => Call::ChangeHeader(name(u)?, occurrence(u)?, value(u)?),
        4 => Call::DeleteHeader(name(u)?, occurrence(u)?),
        5 => Call::DeleteAllHeaders(name(u)?),
        6 => Call::AddHeaderRaw(name(u)?, value(u)?),
        7 => Call::InsertHeaderRaw(u.arbitrary()?, name(u)?, value(u)?),
        8 => Call::ChangeHeaderRaw(name(u)?, occurrence(u)?, value(u)?),
        9 => {
            let arguments = if u.arbitrary()? { Some(string(u, 32767)?) } else { None };
            Call::ChangeSender(octets(u, 32767)?, arguments)
        }
        10 => match u.arbitrary::<u8>()? % 3 {
            0 => Call::AddRecipient(octets(u, 32767)?),
            1 => Call::AddRecipientWithArguments(octets(u, 32767)?, string(u, 32767)?),
            _ => Call::DeleteRecipient(octets(u, 32767)?),
        },
        11 => Call::ReplaceBody(octets(u, 131_072)?),
        _ => Call::Quarantine(octets(u, 32767)?),
    })
}

fn name(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    match u.arbitrary::<u8>()? {
        any if any % 4 == 3 => octets(u, 65530),
        known => Ok(NAMES[usize::from(known) % NAMES.len()].as_bytes().to_vec()),
    }
}

fn value(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.arbitrary()? { octets(u, 65530) } else { text(u, 65530) }
}

fn occurrence(u: &mut Unstructured<'_>) -> Result<u32> {
    let few = u.arbitrary::<u8>()?;
    if few == u8::MAX { u.arbitrary() } else { Ok(u32::from(few % 4)) }
}
