//! Corners of the filter's side of a session, where a slip would go unnoticed with the mail servers of today.

mod filter;

use filter::{ACCEPT, CONTINUE, DISCARD, Filter, OFFER, REJECT, Reaction, SKIP, letter_of, offer, wish};
use milter_proto::{Actions, Context, Event};

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

#[test]
fn an_answer_where_none_is_due_is_ignored_whether_or_not_the_mta_waits() {
    let unasked =
        |event: &Event<'_>, _: &mut Context| if letter_of(event) == 'E' { CONTINUE } else { REJECT };
    let mut filter = Filter::new(wish("mrblnE")).on(unasked);
    filter.receive(OFFER);
    assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "Lx\0y\0", "N", "Bx", "Exyz"]), "M R L N B B E (c)");
    // This MTA offers no "no reply".
    let mut filter = Filter::new(wish("mrblnE")).on(unasked);
    filter.receive(&offer(6, 0, 0x7f));
    let expected = "M (c) R (c) L (c) N (c) B (c) B E (c)";
    assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "Lx\0y\0", "N", "Bx", "Exyz"]), expected);
}

#[test]
fn nothing_comes_between_the_pieces_of_a_body_and_its_verdict_even_if_the_mta_does_not_wait() {
    let body = vec![b'x'; 200_000];
    let mut wish = wish("M");
    wish.require(Actions::CHANGE_BODY);
    let mut filter = Filter::new(wish).on(move |_, cx| {
        cx.replace_body(body.clone()).unwrap();
        CONTINUE
    });
    filter.receive(&offer(6, 0x1ff, 0));
    assert_eq!(filter.packets(&["M<a>\0", "E", "Hx\0", "Hy\0"]), "M (cb) (b) (b) (bc) (cc)");
}

/// An early ACCEPT while modifications wait becomes "swallow the rest, send them with accept at E".
#[test]
fn an_early_accept_does_not_lose_what_was_recorded_for_the_session() {
    for stage in ['C', 'H'] {
        let mut wish = wish(ALL);
        wish.require(Actions::ADD_HEADERS);
        let mut filter = Filter::negotiated(wish).on(move |event, cx| match letter_of(event) {
            letter if letter == stage => {
                cx.add_header("X", "y").unwrap();
                ACCEPT
            }
            'C' | 'H' => CONTINUE,
            _ => REJECT,
        });
        let begin = filter.packets(&["Ch\0U", "Hx\0"]);
        assert_eq!(begin, if stage == 'C' { "C (cc)" } else { "C (c) H (c)" });
        // Nothing is shown any more, and HELO drops nothing.
        let message = &["Hy\0", "M<a>\0", "R<b>\0", "UFOO\0", "Lx\0y\0", "N", "Bx", "E"];
        assert_eq!(filter.packets(message), "(cccccccha)");
        assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "A", "M<a>\0", "E"]), "(cccha)");
        // A new SMTP session is asked again.
        assert_eq!(filter.packets(&["M<a>\0", "K", "Ch\0U"]), "(c) Q C (c)");
    }
}

#[test]
fn an_accepted_message_is_not_aborted() {
    let mut wish = wish(ALL);
    wish.require(Actions::ADD_HEADERS);
    let mut filter = Filter::negotiated(wish).on(|event, cx| {
        if letter_of(event) == 'R' {
            cx.add_header("X", "y").unwrap();
        }
        if letter_of(event) == 'T' { ACCEPT } else { CONTINUE }
    });
    let expected = "M (c) R (c) T (c) M (c) R (c)";
    assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "T", "A", "M<a>\0", "R<b>\0"]), expected);
    assert_eq!(filter.packets(&["T", "Lx\0y\0", "N", "Bx", "E", "Q"]), "T (ccccha) Q .");
}

#[test]
fn macros_of_a_switched_off_mail_or_helo_end_the_message_that_they_would_end() {
    for (off, letter) in [("M", "M"), ("H", "H")] {
        let letters: String = ALL.chars().filter(|letter| !off.contains(*letter)).collect();
        let mut filter = Filter::negotiated(wish(&letters)).on(|event, cx| {
            if letter_of(event) == 'A' {
                assert_eq!(cx.macros.get("i").unwrap(), "1");
            }
            CONTINUE
        });
        let open: &[&str] = if off == "M" { &[] } else { &["M<a>\0"] };
        filter.packets(&[&["DC", "Ch\0U"], open, &["DRi\x001\0", "R<b>\0", "T"]].concat());
        assert_eq!(filter.packets(&[&format!("D{letter}{{x}}\0y\0")]), "A", "{letter}");
        assert_eq!(filter.session.context().macros.get("i"), None);
        assert_eq!(filter.session.context().macros.get("x").unwrap(), "y");
    }
}

#[test]
fn an_unknown_command_is_shown_also_where_the_message_is_decided_already() {
    let mut failed = Filter::negotiated(wish("mUE")).except([('M', Reaction::Fail)]);
    assert_eq!(failed.packets(&["M<a>\0", "Ux\0", "E"]), "M U (ct)");
}

#[test]
fn a_failure_of_who_is_silent_over_a_recipient_concerns_the_message_also_where_the_mta_waits() {
    for (offer, told) in [(OFFER.to_vec(), "M (c) R (t)"), (offer(6, 0, 0x7f), "M (c) R (tt)")] {
        let mut filter = Filter::new(wish("MrE")).except([('R', Reaction::Fail)]);
        filter.receive(&offer);
        assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "E"]), told);
    }
}

#[test]
fn a_failure_of_who_is_silent_over_an_unknown_command_concerns_its_message_or_else_the_session() {
    let mut filter = Filter::negotiated(wish("uM")).except([('U', Reaction::Fail)]);
    assert_eq!(filter.packets(&["M<a>\0", "Ux\0", "E", "M<b>\0", "E"]), "M (c) U (t) M (cc)");
    assert_eq!(filter.packets(&["Ux\0", "M<c>\0", "M<d>\0"]), "U (tt)");
}
