//! Conformance statements 63, 120 and 121, and every other way in which an SMTP session or a connection ends: what is
//! owed is written, an open message is aborted, the session is quit once, then the connection closes.

mod filter;

use filter::{CONTINUE, Filter, OFFER, Reaction, letter_of, packet, wish};
use milter_proto::{Actions, DecodeError, Error, PacketError};

const ALL: &str = "CHMRTLNBEUAQ";
const PACKETS: [&str; 12] =
    ["DCj\0x\0", "Ch\0U", "Hx\0", "M<a>\0", "R<b>\0", "T", "Lx\0y\0", "N", "Bxyz", "E", "M<a>\0", "A"];

#[test]
fn statement_63_helo_without_its_final_nul_is_closed() {
    let mut filter = Filter::negotiated(wish(ALL));
    assert_eq!(filter.packets(&["Ch\0U", "Hcli"]), "C (c) Q !");
    assert!(matches!(filter.error, Some(Error::Decode(DecodeError::Unterminated { .. }))));
}

#[test]
fn statement_120_quit_nc_begins_anew_with_the_same_agreement() {
    let mut wish = wish(ALL);
    wish.require(Actions::ADD_HEADERS);
    let mut filter = Filter::negotiated(wish).on(|event, cx| {
        if letter_of(event) == 'C' && cx.macros.get("j").is_some() {
            cx.add_header("X", "y").unwrap();
        }
        CONTINUE
    });
    let agreement = *filter.session.agreement().unwrap();
    assert_eq!(
        filter.packets(&["DCj\0x\0", "Ch\0U", "DHn\0x\0", "Hx\0", "M<a>\0", "K"]),
        "C (c) H (c) M (c) A Q"
    );
    let context = filter.session.context();
    assert!(context.is_empty() && context.macros.iter().next().is_none());
    assert_eq!((filter.session.smtp_session(), filter.session.agreement()), (1, Some(&agreement)));
    assert_eq!(filter.packets(&["Ch\0U", "M<a>\0", "E", "K", "K"]), "C (c) M (c) E (c) Q Q");
    // An offer is not expected again, CONNECT is.
    assert_eq!(filter.receive(&[packet(b"Ch\0U"), OFFER.to_vec()].concat()), "C (c) Q !");
}

#[test]
fn statement_121_quit_and_the_end_of_the_stream_abort_and_close() {
    for count in 0..=PACKETS.len() {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(&PACKETS[..count]);
        let expected = if filter.session.in_message() { "A Q ." } else { "Q ." };
        let mut ends =
            [Filter::negotiated(wish(ALL)), Filter::negotiated(wish(ALL)), Filter::negotiated(wish(ALL))];
        for filter in &mut ends {
            filter.packets(&PACKETS[..count]);
        }
        let [quit, eof, finish] = &mut ends;
        assert_eq!(quit.packets(&["Q"]), expected);
        assert_eq!(eof.end(), expected);
        finish.session.finish();
        assert_eq!(finish.run(), expected);
        for filter in &mut ends {
            assert_eq!(
                (filter.run(), filter.packets(&["M<a>\0"])),
                (".".into(), ".".into()),
                "it stays closed"
            );
        }
    }
}

#[test]
fn the_stream_may_end_at_any_byte() {
    let bytes: Vec<u8> = PACKETS.iter().flat_map(|text| packet(text.as_bytes())).collect();
    let ends: Vec<usize> = PACKETS
        .iter()
        .scan(0, |end, text| {
            *end += text.len() + 4;
            Some(*end)
        })
        .collect();
    for cut in 0..=bytes.len() {
        let mut filter = Filter::negotiated(wish(ALL));
        if cut > 0 {
            filter.receive(&bytes[..cut]);
        }
        let open = filter.session.in_message();
        let whole = cut == 0 || ends.contains(&cut);
        let expected = format!("{}Q {}", if open { "A " } else { "" }, if whole { "." } else { "!" });
        assert_eq!(filter.end(), expected, "{cut}");
        let is_cut = matches!(filter.error, Some(Error::Packet(PacketError::EndInsidePacket { .. })));
        assert_eq!(is_cut, !whole);
    }
    // Within the offer there is no session yet.
    for cut in 0..OFFER.len() {
        let mut filter = Filter::new(wish(ALL));
        filter.session.receive(&OFFER[..cut]);
        assert_eq!(filter.end(), if cut == 0 { "." } else { "!" });
    }
}

#[test]
fn what_is_owed_is_written_before_an_error_and_the_error_stays() {
    for last in [
        "L\0v\0",  // a malformed header
        "R<b>",    // a malformed recipient
        "DM{x}\0", // malformed macros
        "Zx",      // no command
        "M<a>",    // a malformed MAIL: the open message is aborted for it, none begins
        "Hx",      // likewise
        "Ch\0U",   // out of order
    ] {
        // Nobody wants recipients, and the MTA waits for replies to them.
        let mut filter = Filter::new(wish("CHMTLNBEAQ"));
        filter.receive(&filter::offer(6, 0, 0));
        assert_eq!(
            filter.packets(&["M<a>\0", "R<b>\0", "R<b>\0", last, "M<c>\0"]),
            "M (ccc) A Q !",
            "{last}"
        );
        assert_eq!(filter.session.context().message_number(), 1, "no message began");
        let error = filter.error;
        assert_eq!(
            (filter.packets(&["M<a>\0"]), filter.end(), filter.run()),
            ("!".into(), "!".into(), "!".into())
        );
        assert_eq!(filter.error, error);
    }
    // A malformed packet begins no message, wanted or not.
    for letters in [ALL, "HRTLNBEUAQ", "Q"] {
        for malformed in ["M<a>", "R<b>", "Lx\0", "B"] {
            let mut filter = Filter::negotiated(wish(letters));
            assert_eq!(filter.packets(&[malformed]), "Q !", "{letters} {malformed}");
            assert_eq!(filter.session.context().message_number(), 0);
        }
    }
}

#[test]
fn packets_of_no_length_or_too_much_end_the_connection() {
    for bad in [&[0, 0, 0, 0][..], &[0, 1, 0, 1], b"EHLO x\r\n"] {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(&["M<a>\0"]);
        assert_eq!(filter.receive(&[&packet(b"R<b>\0"), bad].concat()), "R (c) A Q !");
        assert!(matches!(filter.error, Some(Error::Packet(_))));
    }
}

#[test]
fn each_smtp_session_is_quit_once() {
    let ends: [fn(&mut Filter) -> String; 6] = [
        |filter| filter.packets(&["Q"]),
        |filter| filter.end(),
        |filter| filter.packets(&["Ch\0U", "Ch\0U"]),
        |filter| filter.packets(&["Mx"]),
        |filter| filter.receive(&[0, 0, 0, 0]),
        |filter| {
            filter.session.finish();
            filter.session.finish();
            filter.run()
        },
    ];
    for end in ends {
        for sessions in 1..4 {
            let mut filter = Filter::negotiated(wish("CMQ"));
            for _ in 1..sessions {
                filter.packets(&["Ch\0U", "M<a>\0", "K"]);
            }
            end(&mut filter);
            filter.end();
            filter.run();
            assert_eq!(filter.seen.matches('Q').count(), sessions, "{}", filter.seen);
        }
    }
    // A driver that gives up while the session is being quit for QUIT_NC.
    for letter in ['A', 'Q'] {
        let mut filter = Filter::negotiated(wish("MAQ")).except([(letter, Reaction::Finish)]);
        assert_eq!(filter.packets(&["M<a>\0", "K", "M<a>\0"]), "M (c) A Q .");
    }
    // Nothing was negotiated: there was no session.
    let mut filter = Filter::new(wish("CMQ"));
    assert_eq!(filter.end(), ".");
}

#[test]
fn an_event_without_an_answer_fails_before_the_session_ends() {
    let mut filter = Filter::negotiated(wish(ALL)).except([('R', Reaction::Finish)]);
    assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "T"]), "M (c) R (t) A Q .");
}

#[test]
fn a_connection_without_hooks_for_its_ends_just_closes() {
    let mut filter = Filter::negotiated(wish("ME"));
    assert_eq!(filter.packets(&["M<a>\0", "K", "M<a>\0", "A", "M<a>\0", "Q"]), "M (c) M (c) M (c) .");
}
