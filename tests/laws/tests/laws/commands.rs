//! The laws of commands.

use milter_laws::{commands, config};
use proptest::proptest;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn built_is_encoded_is_decoded(command in commands::command()) {
        commands::built_is_encoded_is_decoded(&command);
    }

    #[test]
    fn decoded_is_encoded_is_decoded((letter, payload) in commands::letter_and_payload()) {
        commands::decoded_is_encoded_is_decoded(letter, &payload);
    }
}
