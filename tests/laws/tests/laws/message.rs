//! The laws of a message that filters change.

use milter_laws::message::{
    Held, content, deleting_by_name_leaves_none, modifications_do_what_they_say, ways,
    what_is_not_changed_is_written_as_it_was_read,
};
use milter_laws::{config, responses};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn unchanged((rules, leading_space, has_own_received) in ways(), content in content()) {
        let held = Held { rules, leading_space, has_own_received, content: &content };
        what_is_not_changed_is_written_as_it_was_read(held);
        deleting_by_name_leaves_none(held);
    }

    #[test]
    fn changed(
        (rules, leading_space, has_own_received) in ways(),
        content in content(),
        packets in prop::collection::vec(responses::modification(), 0..8),
    ) {
        let held = Held { rules, leading_space, has_own_received, content: &content };
        modifications_do_what_they_say(held, &packets);
    }
}
