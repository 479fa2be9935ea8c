//! What a filter may answer, and to what.

use super::{ALL, CONTINUE, sent, violation};
use milter_proto::{
    Actions, BodyVerdict as V, CommandKind as C, DecodeError, Error, PacketError, ReplyError,
    ResponseViolation, Scope, SendError, Sent,
};
use milter_tests::{Asking, Told, offer, packet, words};

#[test]
fn s088_doubled_percents_are_read_as_one() {
    let mut asking = sent(C::Mail, 0);
    let told = asking.hear(&packet(b'y', b"550 5.7.1 100%% sure\0")).unwrap();
    let [Told::Decided(C::Mail, V::Reply(reply), Scope::Message)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(reply.to_string(), "550 5.7.1 100% sure");
}

#[test]
fn s088_a_lone_percent_fails_the_filter() {
    let refused = sent(C::Mail, 0).hear(&packet(b'y', b"550 5.7.1 %d\0"));
    assert_eq!(refused, Err(DecodeError::Reply(ReplyError::Percent).into()));
}

#[test]
fn s126_progress_is_taken_at_any_wait() {
    for command in ALL {
        let mut asking = sent(command, 0);
        let told = asking.hear(&[&packet(b'p', b"").repeat(3)[..], CONTINUE].concat()).unwrap();
        assert_eq!(told[..3], [Told::Progress, Told::Progress, Told::Progress], "{command}");
        assert!(matches!(told[3], Told::Decided(kind, V::Continue, _) if kind == command));
    }
}

#[test]
fn s126_the_wait_goes_on_after_progress() {
    let mut asking = sent(C::EndOfMessage, 0);
    assert_eq!(asking.hear(&packet(b'p', b"")), Ok(vec![Told::Progress]));
    assert_eq!(asking.mta().waits_for(), Some(C::EndOfMessage));
    let waiting = SendError::Waiting { command: C::Mail, waiting: C::EndOfMessage };
    assert_eq!(asking.sends(C::Mail), Err(waiting));
    assert_eq!(asking.answer(b'c'), Scope::Message);
}

#[test]
fn s127_progress_is_no_answer_when_none_is_due() {
    let unasked = ResponseViolation::Unasked { letter: b'p' };
    assert_eq!(Asking::agreed(0).hear(&packet(b'p', b"")), violation(unasked));
}

#[test]
fn s127_a_modification_outside_of_the_end_of_the_message_fails_the_filter() {
    for command in ALL.into_iter().filter(|kind| *kind != C::EndOfMessage) {
        for (letter, payload) in [(b'h', &b"X\0y\0"[..]), (b'q', b"why\0"), (b'b', b"new")] {
            let refused = ResponseViolation::NoAnswer { letter, command };
            assert_eq!(sent(command, 0).hear(&packet(letter, payload)), violation(refused));
        }
    }
}

#[test]
fn s127_an_unknown_letter_fails_the_filter() {
    for (letter, error) in [(b'z', DecodeError::UnknownResponse(b'z')), (0, DecodeError::UnknownResponse(0))]
    {
        assert_eq!(sent(C::Mail, 0).hear(&packet(letter, b"")), Err(error.into()));
    }
    for letter in *b"f4" {
        let refused = sent(C::Mail, 0).hear(&packet(letter, b""));
        assert!(matches!(refused, Err(Error::Decode(DecodeError::Unsupported(_)))), "{refused:?}");
    }
}

#[test]
fn s127_a_second_verdict_fails_the_filter() {
    // In the same read as the first: it is not taken for the answer to the next command.
    let both = [packet(b'y', b"451 4.7.1 later\0"), packet(b'r', b"")].concat();
    let unasked = ResponseViolation::Unasked { letter: b'r' };
    assert_eq!(sent(C::Mail, 0).hear(&both), violation(unasked));

    // Also when nobody looked for more after the first.
    let mut asking = sent(C::Mail, 0);
    asking.mta().receive(&both);
    assert!(matches!(asking.mta().step(), Ok(milter_proto::Step::Event(_))));
    assert_eq!(asking.mta().waits_for(), None);
    asking.mta().send(&milter_tests::sample(C::Mail)).unwrap();
    assert_eq!(asking.hear(CONTINUE), violation(unasked));

    // And before a QUIT.
    let mut asking = sent(C::Connect, 0);
    asking.mta().receive(&both);
    assert!(matches!(asking.mta().step(), Ok(milter_proto::Step::Event(_))));
    asking.mta().send(&milter_tests::sample(C::Quit)).unwrap();
    assert_eq!(asking.hear(b""), violation(unasked));
}

#[test]
fn s127_a_modification_after_the_verdict_fails_the_filter() {
    let late = [CONTINUE, &packet(b'h', b"X\0y\0")].concat();
    let unasked = ResponseViolation::Unasked { letter: b'h' };
    assert_eq!(sent(C::EndOfMessage, 0).hear(&late), violation(unasked));
}

#[test]
fn s127_a_second_negotiation_fails_the_filter() {
    let again = packet(b'O', &words(6, 0, 0));
    let unasked = ResponseViolation::Unasked { letter: b'O' };
    assert_eq!(Asking::agreed(0).hear(&again), violation(unasked));
    let refused = ResponseViolation::NoAnswer { letter: b'O', command: C::Mail };
    assert_eq!(sent(C::Mail, 0).hear(&again), violation(refused));
}

#[test]
fn s127_what_is_no_packet_fails_the_filter() {
    assert_eq!(sent(C::Mail, 0).hear(&[0; 5]), Err(PacketError::Empty.into()));
    let too_long = sent(C::Mail, 0).hear(&[0, 1, 0, 1, b'b']);
    assert!(matches!(too_long, Err(Error::Packet(PacketError::TooLong { .. }))));
    let mut asking = sent(C::Mail, 0);
    assert_eq!(asking.hear(b"\0\0\0\x02y"), Ok(vec![]));
    let cut = PacketError::EndInsidePacket { expected: 2, got: 1 };
    assert_eq!(asking.hear(b""), Err(cut.into()));
}

#[test]
fn larger_packets_are_taken_where_that_was_agreed() {
    let long = packet(b'y', &[b"550 ", &b"x".repeat(100_000)[..], b"\0"].concat());
    let mut asking = Asking::offering(offer(6, 0x1ff, 0x101f_ffff));
    asking.written();
    asking.hear(&packet(b'O', &words(6, 0x1ff, 0x1000_0000))).unwrap();
    asking.sends(C::Mail).unwrap();
    assert!(matches!(&asking.hear(&long).unwrap()[..], [Told::Decided(C::Mail, V::Reply(_), _)]));

    // Not offered, and so not agreed either.
    let mut asking = Asking::agreed(0x1000_0000);
    asking.sends(C::Mail).unwrap();
    assert!(matches!(asking.hear(&long), Err(Error::Packet(PacketError::TooLong { .. }))));
}

#[test]
fn s128_a_modification_that_was_not_negotiated_fails_the_filter() {
    let modifications: [(u32, u8, &[u8]); 9] = [
        (0x1, b'h', b"X\0y\0"),
        (0x1, b'i', b"\0\0\0\0X\0y\0"),
        (0x10, b'm', b"\0\0\0\x01X\0y\0"),
        (0x2, b'b', b"new\r\n"),
        (0x4, b'+', b"<a@b>\0"),
        (0x80, b'2', b"<a@b>\0NOTIFY=NEVER\0"),
        (0x8, b'-', b"<a@b>\0"),
        (0x40, b'e', b"<a@b>\0"),
        (0x20, b'q', b"why\0"),
    ];
    for (bit, letter, payload) in modifications {
        for (actions, allowed) in [(bit, true), (0x1ff & !bit, false)] {
            let mut asking = Asking::answered(&words(6, actions, 0));
            asking.passes(C::Mail);
            asking.sends(C::EndOfMessage).unwrap();
            let heard = asking.hear(&packet(letter, payload));
            let needed = Actions::from_bits_retain(bit);
            match heard {
                Ok(told) => assert!(allowed && matches!(told[..], [Told::Modification(_)])),
                refused => {
                    assert_eq!(refused, violation(ResponseViolation::NotNegotiated { letter, needed }));
                    assert!(!allowed);
                }
            }
        }
    }
}

#[test]
fn s129_continue_and_accept_are_equal_at_the_end_of_the_message() {
    for letter in *b"ca" {
        let mut asking = sent(C::EndOfMessage, 0);
        let modified = [packet(b'h', b"X\0y\0"), packet(letter, b"")].concat();
        let told = asking.hear(&modified).unwrap();
        assert_eq!(told[0], Told::Modification("h X: y".into()));
        assert!(matches!(told[1], Told::Decided(C::EndOfMessage, V::Continue | V::Accept, Scope::Message)));
        assert_eq!(asking.sends(C::Mail), Ok((Sent::Awaited, "M".into())));
    }
}

#[test]
fn s132_skip_is_refused_where_it_was_not_agreed_or_has_no_place() {
    for command in ALL {
        let refused = violation(ResponseViolation::NoAnswer { letter: b's', command });
        assert_eq!(sent(command, 0).hear(&packet(b's', b"")), refused);
        if !matches!(command, C::Rcpt | C::Header | C::Body) {
            assert_eq!(sent(command, 0x400).hear(&packet(b's', b"")), refused);
        }
    }
}

#[test]
fn discard_is_refused_outside_of_a_message() {
    for command in [C::Connect, C::Helo, C::Unknown] {
        let refused = ResponseViolation::NoAnswer { letter: b'd', command };
        assert_eq!(sent(command, 0).hear(&packet(b'd', b"")), violation(refused));
    }
}

#[test]
fn s133_failures_concern_the_recipient_or_the_message() {
    for answer in [packet(b'r', b""), packet(b't', b""), packet(b'y', b"451 4.7.1 later\0")] {
        for command in ALL {
            let mut asking = sent(command, 0);
            let told = asking.hear(&answer).unwrap();
            let expected = match command {
                C::Connect | C::Helo => Scope::Session,
                C::Rcpt => Scope::Recipient,
                C::Unknown => Scope::Command,
                _ => Scope::Message,
            };
            assert!(matches!(told[..], [Told::Decided(.., scope)] if scope == expected), "{command}");
        }
        let mut asking = sent(C::Rcpt, 0);
        asking.hear(&answer).unwrap();
        assert_eq!(asking.sends(C::Rcpt), Ok((Sent::Awaited, "R".into())), "the next recipient");
        asking.answer(b'c');
        assert_eq!(asking.sends(C::Data), Ok((Sent::Awaited, "T".into())));
    }
}
