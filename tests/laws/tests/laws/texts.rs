//! The laws of checked texts.

use milter_laws::{config, octets, texts};
use proptest::proptest;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn header_texts_are_checked(octets in octets::octets(2000)) {
        texts::header_texts_are_checked(&octets);
    }

    #[test]
    fn texts_are_checked(octets in octets::octets(32767)) {
        texts::texts_are_checked(&octets);
    }

    #[test]
    fn endpoints_read_back(text in "(inet|inet6|unix|local|fd)?:?[a-z0-9:@./\\[\\]]{0,16}") {
        texts::endpoints_read_back(&text);
    }
}
