//! The offer, and what may be answered to it.

use super::{answered, offering, written};
use milter_proto::{
    AnswerError, CommandKind as C, DecodeError, Error, Mta, Options, Protocol, ResponseViolation, SendError,
    Sent, Version,
};
use milter_tests::{Asking, Told, letters, packet, words};

#[test]
fn s014_the_offer_comes_first_and_has_twelve_octets() {
    let mut asking = Asking::offering(Options::CURRENT);
    assert_eq!(asking.written(), b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
    let waiting = |command| SendError::Waiting { command, waiting: C::Negotiate };
    assert_eq!(asking.sends(C::Connect), Err(waiting(C::Connect)));
    assert_eq!(asking.define(C::Connect, &[("j", "mta")]), Err(waiting(C::DefineMacros)));
    assert_eq!(asking.mta().agreement(), None);
}

#[test]
fn s014_there_is_one_offer() {
    assert!(matches!(Asking::agreed(0).sends(C::Negotiate), Err(SendError::Order(_))));
}

#[test]
fn s025_a_version_above_the_offer_is_refused() {
    for (offered, answered) in [(6, 7), (2, 3), (4, 6)] {
        let refused = AnswerError::Version { answered: Version(answered), offered: Version(offered) };
        let mut asking = offering(offered, 0x1ff, 0);
        assert_eq!(asking.hear(&packet(b'O', &words(answered, 0, 0))), Err(refused.into()));
        assert_eq!(asking.hear(b""), Err(refused.into()), "errors are final");
        assert_eq!(asking.sends(C::Connect), Err(SendError::Closed));
    }
}

#[test]
fn s025_s026_versions_between_are_obeyed() {
    for version in 2..=6 {
        assert_eq!(answered(&words(version, 0, 0)), Ok(vec![Told::Negotiated]));
    }
}

#[test]
fn s026_the_versions_0_and_1_are_refused() {
    for version in [0, 1] {
        let refused = AnswerError::Version { answered: Version(version), offered: Version(6) };
        assert_eq!(answered(&words(version, 0, 0)), Err(refused.into()));
    }
}

#[test]
fn s027_actions_beyond_the_offer_are_refused() {
    assert!(matches!(
        answered(&words(6, 0x3ff, 0)),
        Err(Error::Answer(AnswerError::Actions { unoffered })) if unoffered.bits() == 0x200
    ));
    let mut asking = offering(6, 0, 0);
    assert!(matches!(
        asking.hear(&packet(b'O', &words(6, 1, 0))),
        Err(Error::Answer(AnswerError::Actions { .. }))
    ));
}

#[test]
fn s028_steps_beyond_the_offer_are_not_acted_on() {
    // The filter asks for no MAIL and no reply to HELO, and for a bit that nobody knows.
    let mut asking = offering(6, 0x1ff, 0x1);
    assert_eq!(asking.hear(&packet(b'O', &words(6, 0, 0x0020_2005))), Ok(vec![Told::Negotiated]));
    assert_eq!(asking.mta().agreement().unwrap().options().protocol, Protocol::NO_CONNECT);
    assert_eq!(asking.sends(C::Connect), Ok((Sent::LeftOut, String::new())));
    assert_eq!(asking.sends(C::Helo), Ok((Sent::Awaited, "H".into())));
    asking.answer(b'c');
    assert_eq!(asking.sends(C::Mail), Ok((Sent::Awaited, "M".into())));
}

#[test]
fn s028_a_strict_mta_refuses_steps_beyond_the_offer() {
    let offer = Options { protocol: Protocol::NO_CONNECT, ..Options::CURRENT };
    let mut asking = Asking::with(Mta::new(offer).strict());
    asking.written();
    let unoffered = Protocol::NO_MAIL;
    assert_eq!(
        asking.hear(&packet(b'O', &words(6, 0, 0x5))),
        Err(AnswerError::Protocol { unoffered }.into())
    );
    let mut asking = Asking::with(Mta::new(offer).strict());
    asking.written();
    assert_eq!(asking.hear(&packet(b'O', &words(6, 0, 0x1))), Ok(vec![Told::Negotiated]));
}

#[test]
fn s029_commands_that_the_version_does_not_have_are_not_sent() {
    for (version, unknown, data, new_connection) in [
        (2, false, false, false),
        (3, true, false, false),
        (4, true, true, false),
        (5, true, true, false),
        (6, true, true, true),
    ] {
        let mut asking = Asking::answered(&words(version, 0, 0));
        let mut is_sent = |kind| {
            let macros = letters(&written(&mut asking, kind, &[("i", "1")]));
            let (sent, letters) = asking.sends(kind).unwrap();
            assert_eq!(sent == Sent::LeftOut, letters.is_empty());
            if sent == Sent::Awaited {
                asking.answer(b'c');
            }
            assert!(macros.is_empty() || sent != Sent::LeftOut, "macros of what does not exist");
            sent != Sent::LeftOut
        };
        assert_eq!(is_sent(C::Unknown), unknown, "U, version {version}");
        assert!(is_sent(C::Mail) && is_sent(C::Rcpt));
        assert_eq!(is_sent(C::Data), data, "T, version {version}");
        assert!(is_sent(C::EndOfMessage));
        assert_eq!(is_sent(C::QuitNewConnection), new_connection, "K, version {version}");
    }
}

#[test]
fn s029_what_a_version_does_not_have_ends_no_message() {
    let mut asking = Asking::answered(&words(5, 0, 0));
    asking.passes(C::Mail);
    assert_eq!(asking.sends(C::QuitNewConnection), Ok((Sent::LeftOut, String::new())));
    assert_eq!(asking.sends(C::Rcpt), Ok((Sent::Awaited, "R".into())));
}

#[test]
fn s030_the_first_answer_is_an_offer_of_twelve_octets() {
    assert!(matches!(answered(&[0; 8]), Err(Error::Decode(DecodeError::Truncated { .. }))));
    assert!(matches!(answered(&[0; 11]), Err(Error::Decode(DecodeError::Truncated { .. }))));
    for letter in *b"cartdsp" {
        let refused = ResponseViolation::NoAnswer { letter, command: C::Negotiate };
        assert_eq!(offering(6, 0x1ff, 0).hear(&packet(letter, b"")), Err(refused.into()));
    }
    let refused = ResponseViolation::NoAnswer { letter: b'h', command: C::Negotiate };
    assert_eq!(offering(6, 0x1ff, 0).hear(&packet(b'h', b"A\0b\0")), Err(refused.into()));
}

#[test]
fn s030_a_filter_that_does_not_like_the_offer_is_gone() {
    let gone = ResponseViolation::Gone { waiting: Some(C::Negotiate) };
    assert_eq!(offering(6, 0x1ff, 0).hear(b""), Err(gone.into()));
}

#[test]
fn s030_an_answer_before_the_offer_was_written_is_none() {
    let mut asking = Asking::offering(Options::CURRENT);
    let unasked = ResponseViolation::Unasked { letter: b'O' };
    assert_eq!(asking.hear(&packet(b'O', &words(6, 0, 0))), Err(unasked.into()));
}
