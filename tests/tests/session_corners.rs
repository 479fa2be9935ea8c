//! Corners of the filter's side of a session, where a slip would go unnoticed with the mail servers of today.

mod filter;

use filter::{DISCARD, Filter, Reaction, SKIP, wish};

const ALL: &str = "CHMRTLNBEUAQ";

#[test]
fn abort_outside_of_a_message_changes_nothing_not_even_before_connect() {
    let mut filter = Filter::negotiated(wish(ALL));
    assert_eq!(filter.packets(&["A", "A", "Ch\0U"]), "C (c)");
    assert_eq!(filter.packets(&["K", "A", "Ch\0U"]), "Q C (c)");
}

#[test]
fn octets_in_the_end_of_message_are_shown_only_where_a_body_chunk_would_be() {
    // Nobody wants the body.
    let mut filter = Filter::negotiated(wish("ME"));
    assert_eq!(filter.packets(&["M<a>\0", "Exyz"]), "M (c) E (c)");
    // The rest of the body was skipped.
    let mut filter = Filter::negotiated(wish("MBE")).except([('B', SKIP)]);
    assert_eq!(filter.packets(&["M<a>\0", "Bxyz", "Exyz"]), "M (c) B (c) E (c)");
    // The last piece itself is skipped.
    assert_eq!(filter.packets(&["M<a>\0", "Exyz"]), "M (c) B E (c)");
    // Nobody wants the end.
    let mut filter = Filter::negotiated(wish("MB")).except([('B', SKIP)]);
    assert_eq!(filter.packets(&["M<a>\0", "Exyz", "M<a>\0", "E"]), "M (c) B (c) M (cc)");
    // Nobody wants either.
    let mut filter = Filter::negotiated(wish("M"));
    assert_eq!(filter.packets(&["M<a>\0", "Exyz"]), "M (cc)");
    // A final verdict over the last piece is the one answer.
    let mut filter = Filter::negotiated(wish("MBE")).except([('B', DISCARD)]);
    assert_eq!(filter.packets(&["M<a>\0", "Exyz", "M<a>\0"]), "M (c) B (d) M (c)");
    // The message was decided before.
    let mut filter = Filter::negotiated(wish("mBE")).except([('M', Reaction::Fail)]);
    assert_eq!(filter.packets(&["M<a>\0", "Exyz"]), "M (t)");
}

#[test]
fn a_failure_over_the_last_piece_of_the_body_is_the_one_answer() {
    for body in ["B", "b"] {
        for reaction in [Reaction::Fail, Reaction::Nothing] {
            let mut filter = Filter::negotiated(wish(&format!("M{body}E"))).except([('B', reaction.clone())]);
            let fails = body == "B" || matches!(reaction, Reaction::Fail);
            let expected = if fails { "M (c) B (t)" } else { "M (c) B E (c)" };
            assert_eq!(filter.packets(&["M<a>\0", "Exyz"]), expected, "{body} {reaction:?}");
        }
    }
}
