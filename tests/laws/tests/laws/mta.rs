//! The law of the MTA's side.

use milter_laws::config;
use milter_laws::mta::{a_filter_may_say_anything, any_script};
use milter_laws::session::any_offer;
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_filter_says_anything(
        offer in any_offer(),
        strict in any::<bool>(),
        script in any_script(),
        sizes in prop::collection::vec(1..60usize, 1..5),
    ) {
        a_filter_may_say_anything(offer, strict, &script, &sizes);
    }
}
