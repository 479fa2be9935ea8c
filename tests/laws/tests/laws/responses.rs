//! The laws of responses and of what they are built of.

use milter_laws::{config, octets, replies, responses};
use proptest::proptest;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn built_is_encoded_is_decoded(response in responses::response()) {
        responses::built_is_encoded_is_decoded(&response);
    }

    #[test]
    fn decoded_is_encoded((letter, payload) in responses::letter_and_payload()) {
        responses::decoded_is_encoded(letter, &payload);
    }

    #[test]
    fn any_requests_make_an_answer(requests in responses::requests()) {
        responses::any_requests_make_an_answer(&requests);
    }

    #[test]
    fn strict_reply_constructor_takes_what_can_be_sent(parts in replies::parts()) {
        replies::strict_constructor_takes_what_can_be_sent(&parts);
    }

    #[test]
    fn total_reply_constructors_take_any_text(text in octets::string(2000)) {
        replies::total_constructors_take_any_text(&text);
    }

    #[test]
    fn any_reply_text_is_read_or_refused(line in replies::line()) {
        replies::any_text_is_read_or_refused(&line);
    }
}
