//! The laws of both sides.

use milter_laws::config;
use milter_laws::session::any_packets;
use milter_laws::two_sides::{
    any_mischiefs, any_talk, someone_in_between_breaks_nothing_else, they_never_disagree,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn they_do_not_disagree(talk in any_talk(), packets in any_packets()) {
        they_never_disagree(&talk, &packets);
    }

    #[test]
    fn someone_in_between(
        talk in any_talk(),
        packets in any_packets(),
        to_filter in any_mischiefs(),
        to_mta in any_mischiefs(),
    ) {
        someone_in_between_breaks_nothing_else(&talk, &packets, &to_filter, &to_mta);
    }
}
