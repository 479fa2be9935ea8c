//! Commands.

use super::{list, octets, text};
use crate::commands::{OwnedCommand, OwnedPeer};
use arbitrary::{Arbitrary, Result, Unstructured};
use milter_proto::CommandKind;

impl<'a> Arbitrary<'a> for OwnedCommand {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        use CommandKind::{
            Body, Connect, DefineMacros, EndOfMessage, Header, Helo, Mail, Negotiate, Rcpt, Unknown,
        };
        Ok(match kind(u)? {
            Negotiate => Self::Negotiate(u.arbitrary()?),
            DefineMacros => {
                let (kind, pairs) = (kind(u)?, list(u, 8, |u| Ok((text(u, 64)?, text(u, 65540)?)))?);
                Self::define_macros(kind, pairs)
            }
            Connect => Self::Connect(text(u, 65533)?, u.arbitrary()?),
            kind @ (Helo | Unknown) => Self::Line(kind, text(u, 65536)?),
            kind @ (Mail | Rcpt) => Self::envelope(kind, text(u, 65536)?, list(u, 8, |u| text(u, 65533))?),
            Header => Self::Header(text(u, 65535)?, text(u, 65535)?),
            kind @ (Body | EndOfMessage) => Self::Body(kind, octets(u, 65537)?),
            bare => Self::Bare(bare),
        })
    }
}

impl<'a> Arbitrary<'a> for OwnedPeer {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary::<u8>()? % 4 {
            0 => Self::Unknown,
            1 => Self::Ipv4(u.arbitrary()?, text(u, 65530)?),
            2 => Self::Ipv6(u.arbitrary()?, text(u, 65530)?),
            _ => Self::Local(text(u, 65530)?),
        })
    }
}

fn kind(u: &mut Unstructured<'_>) -> Result<CommandKind> {
    let letter = *u.choose(b"ODCHMRTLNBEUAQK")?;
    Ok(CommandKind::from_letter(letter).expect("a command's letter"))
}
