//! Corners of the filter's side of a session, where a slip would go unnoticed with the mail servers of today.

mod filter;

use filter::{Filter, wish};

const ALL: &str = "CHMRTLNBEUAQ";

#[test]
fn abort_outside_of_a_message_changes_nothing_not_even_before_connect() {
    let mut filter = Filter::negotiated(wish(ALL));
    assert_eq!(filter.packets(&["A", "A", "Ch\0U"]), "C (c)");
    assert_eq!(filter.packets(&["K", "A", "Ch\0U"]), "Q C (c)");
}
