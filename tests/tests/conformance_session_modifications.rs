//! Conformance statements 106 to 109: modifications leave at the end of the message, in one piece, before its verdict.

mod filter;

use filter::{
    ACCEPT, CONTINUE, DISCARD, Filter, REJECT, Reaction, TEMPFAIL, letter_of, letters, offer, responses, wish,
};
use milter_proto::{
    Actions, Context, Event, Modification, ModificationError, PROGRESS, Protocol, Response, Wish,
};

const ALL: &str = "CHMRTLNBEUAQ";
const MESSAGE: [&str; 7] = ["M<a>\0", "R<b>\0", "T", "Lx\0y\0", "N", "Bx", "E"];

fn with(letters: &str, actions: Actions) -> Wish {
    let mut wish = wish(letters);
    wish.require(actions);
    wish
}

/// Records one of each kind.
fn record_all(cx: &mut Context) {
    cx.quarantine("why").unwrap();
    cx.replace_body("new\r\n").unwrap();
    cx.delete_recipient("<b>").unwrap();
    cx.add_recipient_with_arguments("<d>", "NOTIFY=NEVER").unwrap();
    cx.add_recipient("<c>").unwrap();
    cx.change_sender("<e>", None).unwrap();
    cx.change_header("X", 1, "c").unwrap();
    cx.insert_header(0, "Y", "i").unwrap();
    cx.add_header("Z", "a").unwrap();
}

/// Records one header, named as given, at the events of a letter.
fn header_at(letter: char, name: &'static str) -> impl FnMut(&Event<'_>, &mut Context) -> Reaction {
    move |event, cx| {
        if letter_of(event) == letter {
            cx.add_header(name, "v").unwrap();
        }
        CONTINUE
    }
}

#[test]
fn statement_106_modifications_leave_with_the_verdict_at_the_end_and_never_before() {
    for letter in MESSAGE.map(|packet| packet.chars().next().unwrap()) {
        let mut filter = Filter::negotiated(with(ALL, Actions::all_known())).on(move |event, cx| {
            if letter_of(event) == letter {
                record_all(cx);
            }
            CONTINUE
        });
        assert_eq!(
            filter.packets(&MESSAGE),
            "M (c) R (c) T (c) L (c) N (c) B (c) E (mih-2+eqbc)",
            "{letter}"
        );
        assert!(filter.session.context().is_empty());
        // What was recorded in a message dies with it.
        let again = if letter == 'M' { "M (c) E (mih-2+eqbc)" } else { "M (c) E (c)" };
        if letter != 'E' {
            assert_eq!(filter.packets(&["M<a>\0", "E"]), again);
        }
    }
    // Only with continue or accept.
    for (verdict, expected) in [
        (CONTINUE, "hc"),
        (ACCEPT, "ha"),
        (REJECT, "r"),
        (TEMPFAIL, "t"),
        (DISCARD, "d"),
        (Reaction::Fail, "t"),
    ] {
        let mut filter = Filter::negotiated(with("ME", Actions::ADD_HEADERS)).on(move |event, cx| {
            if letter_of(event) == 'M' {
                return CONTINUE;
            }
            cx.add_header("X", "y").unwrap();
            verdict.clone()
        });
        assert_eq!(filter.packets(&["M<a>\0", "E"]), format!("M (c) E ({expected})"));
        assert_eq!(
            filter.packets(&["M<a>\0", "E"]),
            format!("M (c) E ({expected})"),
            "and none is left over"
        );
    }
    // Also without an event at the end, and by somebody who is never answered.
    let mut filter = Filter::negotiated(with("b", Actions::ADD_HEADERS)).on(header_at('B', "X"));
    assert_eq!(filter.packets(&["Bx", "E"]), "B (hc)");
}

#[test]
fn an_early_accept_waits_for_the_end_of_the_message() {
    for (letter, at) in [('M', 0), ('R', 1), ('T', 2), ('L', 3), ('N', 4), ('B', 5)] {
        let mut filter = Filter::negotiated(with(ALL, Actions::ADD_HEADERS)).on(move |event, cx| {
            if letter_of(event) == letter {
                cx.add_header("X", "y").unwrap();
                return ACCEPT;
            }
            CONTINUE
        });
        let shown =
            MESSAGE[..=at].iter().map(|packet| format!("{} ", &packet[..1])).collect::<Vec<_>>().join("(c) ");
        let swallowed = "c".repeat(6 - at);
        assert_eq!(filter.packets(&MESSAGE), format!("{shown}({swallowed}ha)"));
        assert!(!filter.session.in_message());
    }
    // Nothing is pending: it is accepted at once.
    let mut filter = Filter::negotiated(with(ALL, Actions::ADD_HEADERS)).except([('T', ACCEPT)]);
    assert_eq!(filter.packets(&MESSAGE[..3]), "M (c) R (c) T (a)");
}

#[test]
fn scopes_end_with_their_command() {
    let names = |bytes: &[u8]| {
        let name = responses(bytes, |response| match response {
            Response::Modification(Modification::AddHeader(field)) => field.name().text().to_string(),
            _ => String::new(),
        });
        name.concat()
    };
    let mut count = 0;
    let mut filter = Filter::negotiated(with("CHMRE", Actions::ADD_HEADERS)).on(move |event, cx| {
        count += 1;
        cx.add_header(format!("{}{count}-", letter_of(event)), "v").unwrap();
        CONTINUE
    });
    let mut end = |packets: &[&str]| {
        filter.bytes.clear();
        filter.packets(packets);
        names(&filter.bytes)
    };
    assert_eq!(end(&["Ch\0U", "Hx\0", "M<a>\0", "E"]), "C1-H2-M3-E4-");
    assert_eq!(end(&["M<a>\0", "R<b>\0", "E"]), "C1-H2-M5-R6-E7-");
    assert_eq!(end(&["M<a>\0", "A", "M<a>\0", "M<a>\0", "E"]), "C1-H2-M10-E11-");
    assert_eq!(end(&["Hx\0", "M<a>\0", "E"]), "C1-H12-M13-E14-");
    assert_eq!(end(&["M<a>\0", "Hx\0", "E"]), "", "the end without a message is out of order");
    let mut filter = Filter::negotiated(with("CME", Actions::ADD_HEADERS)).on(header_at('C', "C"));
    filter.packets(&["Ch\0U", "K"]);
    assert_eq!(filter.packets(&["M<a>\0", "E"]), "M (c) E (c)");
}

#[test]
fn statement_107_what_was_not_negotiated_is_refused() {
    type Record = fn(&mut Context) -> Result<(), ModificationError>;
    const EACH: [(Actions, Record); 9] = [
        (Actions::ADD_HEADERS, |cx| cx.add_header("X", "y")),
        (Actions::ADD_HEADERS, |cx| cx.insert_header(0, "X", "y")),
        (Actions::CHANGE_HEADERS, |cx| cx.change_header("X", 1, "y")),
        (Actions::CHANGE_SENDER, |cx| cx.change_sender("a", None)),
        (Actions::ADD_RECIPIENTS, |cx| cx.add_recipient("a")),
        (Actions::ADD_RECIPIENTS_WITH_ARGUMENTS, |cx| cx.add_recipient_with_arguments("a", "b")),
        (Actions::DELETE_RECIPIENTS, |cx| cx.delete_recipient("a")),
        (Actions::CHANGE_BODY, |cx| cx.replace_body("a")),
        (Actions::QUARANTINE, |cx| cx.quarantine("a")),
    ];
    for (needed, record) in EACH {
        // Declared, and offered or not; not declared.
        for (declared, offered, works) in [
            (needed, Actions::all_known(), true),
            (needed, Actions::all_known().difference(needed), false),
            (Actions::all_known().difference(needed), Actions::all_known(), false),
        ] {
            let mut wish = wish("ME");
            wish.prefer(declared);
            let mut filter = Filter::new(wish).on(move |event, cx| {
                if letter_of(event) == 'E' {
                    assert_eq!(record(cx).is_ok(), works, "{needed:?}");
                }
                CONTINUE
            });
            filter.receive(&offer(6, offered.bits(), 0));
            filter.packets(&["M<a>\0", "E"]);
            assert_eq!(letters(&filter.bytes).len(), if works { 4 } else { 3 });
        }
    }
}

#[test]
fn statement_108_the_pieces_of_a_body_are_one_run() {
    for (length, expected) in [
        (0, "M (c) E (hbc)"),
        (1, "M (c) E (hbc)"),
        (65_535, "M (c) E (hbc)"),
        (65_536, "M (c) E (hb) (bc)"),
        (200_000, "M (c) E (hb) (b) (b) (bc)"),
    ] {
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let given = body.clone();
        let mut filter = Filter::negotiated(with("ME", Actions::all_known())).on(move |event, cx| {
            if letter_of(event) == 'E' {
                cx.replace_body("forgotten").unwrap();
                cx.replace_body(given.clone()).unwrap();
                cx.add_header("X", "y").unwrap();
            }
            CONTINUE
        });
        assert_eq!(filter.packets(&["M<a>\0", "E"]), expected);
        let pieces = responses(&filter.bytes, |response| match response {
            Response::Modification(Modification::ReplaceBody(chunk)) => chunk.as_bytes().to_vec(),
            _ => Vec::new(),
        });
        assert!(pieces.concat() == body);
    }
}

#[test]
fn statement_109_quarantine_is_sent_only_at_the_end_and_progress_may_be_written_there() {
    let mut filter = Filter::negotiated(with("ME", Actions::QUARANTINE)).on(|event, cx| {
        if letter_of(event) == 'M' {
            cx.quarantine("why").unwrap();
        }
        CONTINUE
    });
    assert_eq!(filter.packets(&["M<a>\0"]), "M (c)");
    filter.bytes.clear();
    // Nothing is owed at an event, so that a driver may write this before the event is answered.
    filter.bytes.extend_from_slice(PROGRESS);
    filter.packets(&["E"]);
    assert_eq!(letters(&filter.bytes), "pqc");
    assert_eq!(filter.bytes, b"\0\0\0\x01p\0\0\0\x05qwhy\0\0\0\0\x01c");
}

#[test]
fn deletions_of_one_name_go_from_the_highest_down() {
    let mut wish = with("MLE", Actions::CHANGE_HEADERS);
    wish.request(Protocol::LEADING_SPACE);
    let mut filter = Filter::negotiated(wish).on(|event, cx| {
        if letter_of(event) == 'E' {
            assert_eq!(cx.headers_seen("x-spam"), Some(3));
            cx.delete_all_headers("X-Spam").unwrap();
            cx.change_header("X-SPAM", 2, "no").unwrap();
            cx.delete_all_headers("X-None").unwrap();
        }
        CONTINUE
    });
    filter.session.track_headers();
    let headers = ["LX-Spam\0a\0", "LA\0b\0", "Lx-spam\0b\0", "LX-SPAM\0c\0"];
    filter.packets(&[&["M<a>\0"], &headers[..]].concat());
    filter.bytes.clear();
    assert_eq!(filter.packets(&["E"]), "E (mmmc)");
    let expected = [
        &filter::packet(b"m\0\0\0\x03X-Spam\0\0")[..],
        &filter::packet(b"m\0\0\0\x02X-SPAM\0 no\0"),
        &filter::packet(b"m\0\0\0\x01X-Spam\0\0"),
        &filter::packet(b"c"),
    ];
    assert_eq!(filter.bytes, expected.concat());
    // Another message counts anew.
    filter.session.receive(&[filter::packet(b"M<a>\0"), filter::packet(b"LX-Spam\0\0")].concat());
    filter.run();
    assert_eq!(filter.session.context().headers_seen("X-Spam"), Some(1));
}
