//! The laws of packets.

use milter_laws::{config, packets};
use milter_proto::MAX_PAYLOAD;
use proptest::prelude::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_feeding_gives_the_same(
        stream in packets::stream(),
        feeds in packets::feeds(),
        limit in prop_oneof![4 => Just(0), 1 => Just(MAX_PAYLOAD + 1), 1 => Just(1_048_575)],
    ) {
        packets::any_feeding_gives_the_same(&stream, &feeds, limit);
    }

    #[test]
    fn single_bytes_give_the_same(stream in packets::stream()) {
        packets::single_bytes_give_the_same(&stream);
    }
}
