//! What two sides may want, and what someone between them may do.

use super::{Mischief, Talk};
use crate::session::{any_offer, any_wanted};
use milter_proto::MacroStage;
use proptest::collection::vec;
use proptest::prelude::*;

/// Two sides that can mostly come to an agreement.
pub fn any_talk() -> impl Strategy<Value = Talk> {
    let macros = vec((0..7u32, "[a-z{},_ ]{0,12}"), 0..3).prop_map(|lists| {
        let lists = lists.into_iter();
        lists.filter_map(|(stage, names)| Some((MacroStage::from_number(stage)?, names))).collect()
    });
    let sizes = prop_oneof![1 => Just(Vec::new()), 1 => vec(1..60usize, 1..5)];
    (any_wanted(), macros, any_offer(), any::<bool>(), vec(any::<u8>(), 0..20), sizes, 0..3usize).prop_map(
        |(wanted, macros, offer, strict, turns, sizes, progress)| Talk {
            wanted,
            macros,
            offer,
            strict,
            turns,
            sizes,
            progress,
        },
    )
}

/// A few wounds in the first octets.
pub fn any_mischiefs() -> impl Strategy<Value = Vec<(u16, Mischief)>> {
    let mischief = prop_oneof![
        3 => any::<u8>().prop_map(Mischief::Flip),
        2 => Just(Mischief::Drop),
        3 => any::<u8>().prop_map(Mischief::Insert),
        1 => Just(Mischief::Cut),
    ];
    vec((0..400u16, mischief), 0..4)
}
