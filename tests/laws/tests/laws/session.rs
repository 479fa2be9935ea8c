//! The laws of the filter's side of a session.

use milter_laws::config;
use milter_laws::session::{
    an_agreement_is_a_part_of_the_offer, any_app, any_offer, any_packets, any_wanted, bytes,
    cuts_change_nothing, each_reply_is_given_once_and_in_time, live,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn agreements(wanted in any_wanted(), offer in any_offer()) {
        an_agreement_is_a_part_of_the_offer(wanted, offer);
    }

    #[test]
    fn cuts(app in any_app(), packets in any_packets(), sizes in prop::collection::vec(1..60usize, 1..5)) {
        cuts_change_nothing(&app, &bytes(&packets), &sizes);
    }

    #[test]
    fn replies(app in any_app(), packets in any_packets()) {
        each_reply_is_given_once_and_in_time(&app, &packets);
    }

    /// Packets of which some octets were changed, and no packets at all.
    #[test]
    fn anything_ends(
        app in any_app(),
        packets in any_packets(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..80),
        from in 0..3usize,
    ) {
        let mut bytes = bytes(&packets);
        for (at, octet) in changes {
            let at = at.index(bytes.len());
            bytes[at] = octet;
        }
        let bytes = if from == 0 { noise } else { [bytes, noise].concat() };
        live(&app, &bytes, &[7]);
        cuts_change_nothing(&app, &bytes, &[5, 3]);
    }
}
