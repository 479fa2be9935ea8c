//! What a session needs, each of a fixed length, so that a script or a stream can stand behind it.

use crate::packets::Feed;
use crate::session::{Act, App, Offer, Wanted};
use crate::two_sides::{Mischief, Talk};
use arbitrary::{Arbitrary, Result, Unstructured};
use milter_proto::{Actions, BUFFER_SIZE, MacroStage, Options, Protocol, Version};

impl<'a> Arbitrary<'a> for Wanted {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let required: u32 = u.arbitrary()?;
        let all_is_offered = required & 0xf000_0000 != 0;
        Ok(Self {
            answered: u.arbitrary()?,
            watched: u.arbitrary()?,
            actions: u.arbitrary::<u32>()? & !REQUEST_MACROS,
            required: if all_is_offered { 0 } else { required & 0x1ff & !REQUEST_MACROS },
            abilities: u.arbitrary()?,
        })
    }
}

/// Follows from the lists that are asked for.
const REQUEST_MACROS: u32 = Actions::REQUEST_MACROS.bits();

impl<'a> Arbitrary<'a> for Offer {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (version, actions, protocol): (u8, u32, u32) = u.arbitrary()?;
        // The highest bit stands for all others, since that is what MTAs offer.
        let word = |bits: u32| if bits >> 31 == 1 { u32::MAX } else { bits };
        Ok(Self(Options {
            version: Version(match version {
                0..=0x7f => 6,
                0x80..=0xef => 2 + u32::from(version % 5),
                odd => u32::from(odd - 0xf0),
            }),
            actions: Actions::from_bits_retain(word(actions)),
            protocol: Protocol::from_bits_retain(word(protocol)),
        }))
    }
}

impl<'a> Arbitrary<'a> for Act {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary::<u8>()? {
            verdict @ 0..=0x7f => Self::Answer(if verdict < 0x40 { 0 } else { verdict % 7 }),
            0x80..=0x8f => Self::Nothing,
            0x90..=0x97 => Self::Fail,
            0x98..=0x9b => Self::Abandon,
            0x9c..=0xdf => Self::AddHeader,
            u8::MAX => Self::ReplaceBody(70_000),
            length => Self::ReplaceBody(u32::from(length - 0xe0)),
        })
    }
}

impl<'a> Arbitrary<'a> for App {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let acts: [Act; 8] = u.arbitrary()?;
        Ok(Self { wanted: u.arbitrary()?, acts: acts.to_vec(), failure: u.arbitrary::<u8>()? / 64 })
    }
}

impl<'a> Arbitrary<'a> for Feed {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (what, count): (u8, u8) = u.arbitrary()?;
        let count = usize::from(count);
        let count = if count < 0xc0 { count } else { (count - 0xbf) * 1500 };
        Ok(match what % 8 {
            0 | 1 => Self::Receive(count),
            2..=4 => Self::Read(count),
            5 => Self::Lend(if count < 0xc0 { count * count } else { BUFFER_SIZE }),
            6 => Self::Reclaim,
            _ => Self::Take(if count < 4 { count } else { usize::MAX }),
        })
    }
}

impl<'a> Arbitrary<'a> for Mischief {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (what, octet): (u8, u8) = u.arbitrary()?;
        Ok(match what % 8 {
            0..=2 => Self::Flip(octet),
            3 | 4 => Self::Drop,
            5 | 6 => Self::Insert(octet),
            _ => Self::Cut,
        })
    }
}

impl<'a> Arbitrary<'a> for Talk {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut wanted: Wanted = u.arbitrary()?;
        wanted.required = 0;
        let (stage, names): (u8, u8) = u.arbitrary()?;
        let names = ["i", "j,{auth_type}", "", "{i} {}"][usize::from(names % 4)].to_owned();
        let stage = MacroStage::from_number(u32::from(stage % 8));
        let Offer(offer) = u.arbitrary()?;
        let (turns, sizes): ([u8; 8], [u8; 3]) = u.arbitrary()?;
        Ok(Self {
            wanted,
            macros: stage.map(|stage| (stage, names)).into_iter().collect(),
            offer,
            strict: u.arbitrary()?,
            turns: turns.to_vec(),
            sizes: sizes.map(usize::from).to_vec(),
            progress: usize::from(u.arbitrary::<u8>()? % 3),
        })
    }
}
