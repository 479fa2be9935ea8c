//! Conformance statements 112 to 123, as far as they say which command may follow which. Every pair and triple of
//! commands stands in `order_of_commands.rs`.

mod filter;

use filter::{CONTINUE, Filter, OFFER, REJECT, letter_of, packet, wish};
use milter_proto::Error;

const ALL: &str = "CHMRTLNBEUAQ";

#[test]
fn statement_112_abort_in_any_state_drops_the_message_and_takes_no_reply() {
    let states: [&[&str]; 10] = [
        &[],
        &["Ch\0U"],
        &["Ch\0U", "Hx\0"],
        &["M<a>\0"],
        &["M<a>\0", "R<b>\0"],
        &["M<a>\0", "T"],
        &["M<a>\0", "Lx\0y\0"],
        &["M<a>\0", "N"],
        &["M<a>\0", "Bx"],
        &["M<a>\0", "E"],
    ];
    for state in states {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(&[&["DCc\x001\0", "DHh\x001\0"], state].concat());
        let open = filter.session.in_message();
        assert_eq!(filter.packets(&["A"]), if open { "A" } else { "" }, "{state:?}");
        assert_eq!(filter.packets(&["A", "A"]), "");
        assert_eq!(filter.packets(&["M<a>\0"]), "M (c)", "{state:?}");
    }
}

#[test]
fn statement_113_only_an_open_message_is_reported_as_aborted() {
    // Before MAIL, after each final verdict, and after an abort there is none.
    for (letter, packets) in [
        ('M', &["M<a>\0"][..]),
        ('T', &["M<a>\0", "T"]),
        ('L', &["M<a>\0", "Lx\0y\0"]),
        ('N', &["M<a>\0", "N"]),
        ('B', &["M<a>\0", "Bx"]),
        ('E', &["M<a>\0", "E"]),
    ] {
        let mut filter = Filter::negotiated(wish(ALL)).except([(letter, REJECT)]);
        filter.packets(packets);
        assert_eq!(
            filter.packets(&["A", "Hx\0", "M<a>\0"]),
            if letter == 'M' { "H (c) M (r)" } else { "H (c) M (c)" }
        );
    }
    // A rejected recipient and a rejected unknown command leave the message open.
    for (letter, second) in [('R', "R<b>\0"), ('U', "UFOO\0")] {
        let mut filter = Filter::negotiated(wish(ALL)).except([(letter, REJECT)]);
        filter.packets(&["M<a>\0", second]);
        assert_eq!(filter.packets(&["A", "A"]), "A");
    }
}

#[test]
fn statement_114_mail_aborts_an_open_message_and_is_processed() {
    let mut filter = Filter::negotiated(wish(ALL));
    assert_eq!(filter.packets(&["M<a>\0", "M<c>\0", "R<b>\0", "M<d>\0"]), "M (c) A M (c) R (c) A M (c)");
    let mut filter = Filter::negotiated(wish("ME"));
    assert_eq!(filter.packets(&["M<a>\0", "M<c>\0"]), "M (c) M (c)", "without a hook for it");
}

#[test]
fn statement_115_helo_may_come_at_any_time_and_aborts_an_open_message() {
    let mut filter = Filter::negotiated(wish(ALL));
    assert_eq!(filter.packets(&["Ch\0U", "Hx\0", "Hy\0", "A"]), "C (c) H (c) H (c)");
    // As Postfix does it: HELO, then abort twice. As Sendmail does it: abort, then HELO.
    assert_eq!(filter.packets(&["M<a>\0", "T", "Hx\0", "A", "A"]), "M (c) T (c) A H (c)");
    assert_eq!(filter.packets(&["M<a>\0", "T", "A", "Hx\0"]), "M (c) T (c) A H (c)");
    assert_eq!(filter.packets(&["M<a>\0", "E", "Hx\0"]), "M (c) E (c) H (c)");
}

#[test]
fn statement_116_helo_and_connect_may_be_missing() {
    for packets in [&["Ch\0U", "M<a>\0"][..], &["Hx\0", "M<a>\0"], &["M<a>\0"]] {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(packets);
        assert_eq!(filter.packets(&["R<b>\0", "E"]), "R (c) E (c)");
    }
}

#[test]
fn statement_122_what_is_out_of_order_is_an_error_and_never_silence() {
    for (before, wrong) in [
        (&[][..], "R<b>\0"),
        (&[], "T"),
        (&[], "E"),
        (&["Ch\0U"], "Ch\0U"),
        (&["Hx\0"], "Ch\0U"),
        (&["M<a>\0"], "Ch\0U"),
        (&["M<a>\0", "T"], "R<b>\0"),
        (&["M<a>\0", "T"], "UFOO\0"),
        (&["M<a>\0", "N"], "Lx\0y\0"),
        (&["M<a>\0", "E"], "E"),
    ] {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(before);
        let open = filter.session.in_message();
        let seen = filter.packets(&[wrong, "M<a>\0"]);
        assert_eq!(seen, if open { "A Q !" } else { "Q !" }, "{before:?} {wrong}");
        let Some(Error::Violation(violation)) = filter.error else { panic!("{:?}", filter.error) };
        assert_eq!(violation.got.letter(), wrong.as_bytes()[0]);
    }
}

#[test]
fn statement_123_any_rung_of_a_message_may_be_missing() {
    const RUNGS: [&str; 5] = ["R<b>\0", "T", "Lx\0y\0", "N", "Bx"];
    for present in 0..1 << RUNGS.len() {
        let some =
            RUNGS.iter().enumerate().filter(|(at, _)| present & 1 << at != 0).map(|(_, packet)| *packet);
        let packets: Vec<&str> = ["M<a>\0"].into_iter().chain(some).chain(["E"]).collect();
        let mut filter = Filter::negotiated(wish(ALL));
        let expected: Vec<String> = packets.iter().map(|packet| format!("{} (c)", &packet[..1])).collect();
        assert_eq!(filter.packets(&packets), expected.join(" "));
    }
}

#[test]
fn where_mail_is_switched_off_a_message_begins_with_what_comes_first() {
    for first in ["R<b>\0", "T", "Lx\0y\0", "N", "Bx", "E"] {
        let mut filter = Filter::negotiated(wish("HRTLNBEAQ"));
        let letter = &first[..1];
        assert_eq!(filter.packets(&["Hx\0", first]), format!("H (c) {letter} (c)"));
        let aborted = if first == "E" { "" } else { "A " };
        // The macros of MAIL stand for it.
        assert_eq!(filter.packets(&["DM", first]), format!("{aborted}{letter} (c)"));
    }
}

#[test]
fn each_message_has_a_number() {
    let (sender, numbers) = std::sync::mpsc::channel();
    let mut filter = Filter::negotiated(wish("CMRA")).on(move |event, cx| {
        sender.send((letter_of(event), cx.message_number())).unwrap();
        CONTINUE
    });
    filter.packets(&["Ch\0U", "M<a>\0", "R<b>\0", "E", "M<a>\0", "M<a>\0", "A", "K", "Ch\0U", "M<a>\0"]);
    let expected = [('C', 0), ('M', 1), ('R', 1), ('M', 2), ('A', 2), ('M', 3), ('A', 3), ('C', 3), ('M', 4)];
    assert_eq!(numbers.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn whole_packets_are_all_acted_on_however_they_are_cut() {
    let packets =
        ["Ch\0U", "DHi\x001\0", "Hx\0", "M<a>\0", "R<b>\0", "A", "M<a>\0", "T", "Lx\0y\0", "N", "Exyz", "Q"];
    let bytes: Vec<u8> =
        OFFER.iter().copied().chain(packets.iter().flat_map(|text| packet(text.as_bytes()))).collect();
    for letters in [ALL, "ME", "chmrtlnbE", "RTAQ"] {
        let mut whole = Filter::new(wish(letters));
        whole.receive(&bytes);
        let mut cut = Filter::new(wish(letters));
        bytes.iter().for_each(|byte| drop(cut.receive(&[*byte])));
        assert_eq!(whole.bytes, cut.bytes);
        let events = |seen: &str| seen.split(' ').filter(|what| !what.starts_with('(')).collect::<String>();
        assert_eq!(events(&whole.seen), events(&cut.seen));
    }
}
