//! Conformance statements 15 to 37: what a filter makes of an offer.

mod filter;

use filter::{Filter, OFFER, offer, packet, wish};
use milter_proto::{
    Actions, DecodeError, Error, MacroStage, NegotiationError, Position, Protocol, Version, Wish,
};

/// The words of the answer: version, actions, protocol. What follows them comes last.
fn words(answer: &[u8]) -> (u32, u32, u32, &[u8]) {
    assert_eq!(answer[4], b'O');
    let word = |at: usize| u32::from_be_bytes(answer[at..at + 4].try_into().unwrap());
    (word(5), word(9), word(13), &answer[17..])
}

/// The answer to an offer; the words of it.
fn answer(wish: Wish, version: u32, actions: u32, protocol: u32) -> (u32, u32, u32) {
    let mut filter = Filter::new(wish);
    assert_eq!(filter.receive(&offer(version, actions, protocol)), "(O)");
    let (version, actions, protocol, rest) = words(&filter.bytes);
    assert_eq!(rest, b"");
    (version, actions, protocol)
}

/// Nothing is written, and the connection ends with this error; also later.
fn refused(wish: Wish, bytes: &[u8]) -> Error {
    let mut filter = Filter::new(wish);
    assert_eq!(filter.receive(bytes), "!");
    assert_eq!((filter.run(), filter.end()), ("!".into(), "!".into()));
    assert!(filter.session.agreement().is_none());
    filter.error.unwrap()
}

fn everything() -> Wish {
    let mut wish = wish("CHMRTLNBEUAQ");
    wish.require(Actions::all_known().difference(Actions::REQUEST_MACROS));
    wish.request(Protocol::all_known() | Protocol::DATA_SIZE_256K | Protocol::DATA_SIZE_1M);
    wish.request_macros(MacroStage::Mail, "i");
    wish
}

#[test]
fn statement_15_the_first_frame_must_be_a_whole_offer() {
    for first in ["Ch\0U", "DC", "M<a>\0", "A", "Q", "K", "E"] {
        let error = refused(wish("Q"), &packet(first.as_bytes()));
        assert!(matches!(error, Error::Violation(violation) if violation.at == Position::Start), "{first}");
    }
    for length in 0..12 {
        let error = refused(wish("Q"), &packet(&OFFER[4..5 + length]));
        assert!(matches!(error, Error::Decode(DecodeError::Truncated { .. })), "{length}");
    }
}

#[test]
fn statement_16_octets_after_the_twelfth_are_ignored() {
    let mut filter = Filter::new(wish("E"));
    assert_eq!(filter.receive(&packet(&[&OFFER[4..], b"\0\0\0\0"].concat())), "(O)");
    let mut same = Filter::new(wish("E"));
    same.receive(OFFER);
    assert_eq!(filter.bytes, same.bytes);
}

#[test]
fn statement_17_the_answer_has_the_same_letter_and_the_smaller_version() {
    for version in 2..=6 {
        let wish = wish("ME");
        assert_eq!(answer(wish, version, 0, 0), (version, 0, 0));
    }
}

#[test]
fn statement_18_to_more_than_version_6_the_answer_is_6() {
    for version in [7, 9, u32::MAX] {
        assert_eq!(answer(wish("E"), version, 0x1ff, 0).0, 6);
    }
}

#[test]
fn statement_19_versions_0_and_1_are_closed_without_an_answer() {
    for version in 0..2 {
        let error = refused(wish("CMEQ"), &offer(version, 0x0f, 0x3f));
        let offered = Version(version);
        assert_eq!(error, Error::Negotiation(NegotiationError::Version { offered }));
    }
}

#[test]
fn statement_20_only_offered_actions_are_asked_for_and_a_missing_one_closes_before_the_answer() {
    for bit in 0..9 {
        let (needed, offered) = (1u32 << bit, 0x1ff & !(1u32 << bit));
        let mut required = wish("E");
        required.require(Actions::from_bits_retain(needed));
        assert_eq!(answer(required.clone(), 6, 0x1ff, 0).1, needed);
        assert!(matches!(
            refused(required, &offer(6, offered, 0)),
            Error::Negotiation(NegotiationError::Actions { missing, .. }) if missing.bits() == needed
        ));
        let mut preferred = wish("E");
        preferred.prefer(Actions::from_bits_retain(needed));
        assert_eq!(answer(preferred.clone(), 6, 0x1ff, 0).1, needed);
        assert_eq!(answer(preferred, 6, offered, 0).1, 0);
    }
}

#[test]
fn statement_21_only_offered_protocol_bits_are_asked_for() {
    for bit in 0..32 {
        for offered in [1u32 << bit, !(1u32 << bit)] {
            for wish in [Wish::new(), wish("chmrtlnbeu"), everything()] {
                let (_, actions, protocol) = match wish == everything() {
                    true => {
                        let mut filter = Filter::new(wish);
                        filter.receive(&offer(6, 0x1ff, offered));
                        let (version, actions, protocol, _) = words(&filter.bytes);
                        (version, actions, protocol)
                    }
                    false => answer(wish, 6, 0x1ff, offered),
                };
                assert_eq!((actions & !0x1ff, protocol & !offered), (0, 0), "{offered:#x}");
            }
        }
    }
}

#[test]
fn statement_22_an_offered_word_of_0_offers_nothing_and_no_reply_is_emulated() {
    let mut filter = Filter::new(wish("chmrlnbe"));
    assert_eq!(filter.receive(&offer(2, 0, 0)), "(O)");
    assert_eq!(words(&filter.bytes), (2, 0, 0, &b""[..]));
    let expected = "C (c) H (c) M (c) R (c) L (c) N (c) B (c) E (c)";
    let packets = ["Ch\0U", "Hx\0", "M<a>\0", "R<b>\0", "Lx\0y\0", "N", "Bx", "E"];
    assert_eq!(filter.packets(&packets), expected);
}

#[test]
fn statement_23_what_cannot_be_switched_off_is_swallowed_and_answered() {
    // Only the end of the message is wanted, and this MTA can switch off the commands of version 2, but no reply.
    assert_eq!(answer(wish("E"), 2, 0x3f, 0x7f), (2, 0, 0x7f));
    // It can switch off nothing: each is answered, none is shown.
    let mut filter = Filter::new(wish("E"));
    assert_eq!(filter.receive(&offer(4, 0, 0)), "(O)");
    let packets = ["Ch\0U", "Hx\0", "UFOO\0", "M<a>\0", "R<b>\0", "T", "Lx\0y\0", "N", "Bx"];
    assert_eq!(filter.packets(&packets), "(ccccccccc)");
    assert_eq!(filter.packets(&["E"]), "E (c)");
    // It can only leave out the replies.
    let mut filter = Filter::new(wish("E"));
    let no_replies = 0xf_f080;
    assert_eq!(filter.receive(&offer(6, 0, no_replies)), "(O)");
    assert_eq!(words(&filter.bytes), (6, 0, no_replies, &b""[..]));
    assert_eq!(filter.packets(&packets), "");
    assert_eq!(filter.packets(&["E"]), "E (c)");
}

#[test]
fn statement_24_one_data_size_at_most_and_limits_are_raised_only_after_it() {
    let (small, middle, large) = (65_535, 262_143, 1_048_575);
    let (kib, mib) = (Protocol::DATA_SIZE_256K, Protocol::DATA_SIZE_1M);
    for (wanted, offered, agreed, limit) in [
        (kib | mib, kib | mib, mib, large),
        (kib | mib, kib, kib, middle),
        (kib, kib | mib, kib, middle),
        (kib, mib, Protocol::empty(), small),
        (Protocol::empty(), kib | mib, Protocol::empty(), small),
    ] {
        let mut wish = wish("ME");
        wish.request(wanted);
        assert_eq!(answer(wish.clone(), 6, 0, offered.bits()).2, agreed.bits());
        for (payload, fits) in [(limit, true), (limit + 1, false)] {
            let mut filter = Filter::new(wish.clone());
            filter.receive(&offer(6, 0, offered.bits()));
            let header = [b"Lx\0", &*vec![b'y'; payload - 3], b"\0"].concat();
            let seen = filter.receive(&[packet(b"M<a>\0"), packet(&header)].concat());
            assert_eq!(seen, if fits { "M (cc)" } else { "M (c) !" });
        }
        // Not before: an offer of that size is refused.
        let mut filter = Filter::new(wish);
        assert_eq!(filter.receive(&packet(&[&OFFER[4..], &*vec![0; 65_536]].concat())), "!");
    }
}

#[test]
fn statement_36_macro_lists_are_sent_only_if_they_were_offered() {
    let mut filter = Filter::new(everything());
    filter.receive(OFFER);
    assert_eq!(words(&filter.bytes), (6, 0x1ff, 0x1f_ffff & 0x10_0c00, &b"\0\0\0\x02i\0"[..]));
    let mut filter = Filter::new(everything());
    filter.receive(&offer(6, 0xff, 0));
    assert_eq!(words(&filter.bytes), (6, 0xff, 0, &b""[..]));
}

#[test]
fn statement_37_a_second_offer_is_a_violation() {
    let mut filter = Filter::negotiated(wish("MAQ"));
    assert_eq!(filter.receive(&[packet(b"M<a>\0"), OFFER.to_vec()].concat()), "M (c) A Q !");
    assert!(matches!(filter.error, Some(Error::Violation(violation)) if violation.got.letter() == b'O'));
    let mut filter = Filter::negotiated(wish("MAQ"));
    assert_eq!(filter.packets(&["K"]), "Q");
    assert_eq!(filter.receive(OFFER), "Q !", "one negotiation for the connection");
}

#[test]
fn a_hook_that_the_version_cannot_deliver_is_an_error_only_for_data() {
    for version in 2..4 {
        let version = Version(version);
        let error = refused(wish("T"), &offer(version.0, 0x1ff, 0x7f));
        assert_eq!(error, Error::Negotiation(NegotiationError::Data { version }));
    }
    assert_eq!(answer(wish("T"), 4, 0, 0), (4, 0, 0));
    assert_eq!(answer(wish("U"), 2, 0, 0), (2, 0, 0));
}
