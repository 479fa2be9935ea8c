//! What verdicts, messages, connections and their ends allow to be sent.

use super::{ALL, CONTINUE, sent, violation};
use milter_proto::{Command, CommandKind as C, MacroPairsBuf, ResponseViolation, Scope, SendError, Sent};
use milter_tests::{Asking, Told, packet, sample};

#[test]
fn s130_nothing_but_quit_follows_a_verdict_at_connect_and_helo() {
    for command in [C::Connect, C::Helo] {
        for answer in [packet(b'a', b""), packet(b'r', b""), packet(b't', b""), packet(b'y', b"550 no\0")] {
            let mut asking = sent(command, 0);
            assert!(matches!(asking.hear(&answer).unwrap()[..], [Told::Decided(.., Scope::Session)]));
            assert!(asking.mta().is_session_decided());
            for kind in ALL.into_iter().chain([C::Abort, C::DefineMacros]) {
                assert_eq!(asking.sends(kind), Ok((Sent::LeftOut, String::new())), "{kind} after {command}");
            }
            assert_eq!(asking.sends(C::Quit), Ok((Sent::Unanswered, "Q".into())));
        }
    }
}

#[test]
fn s130_a_new_session_may_follow_a_verdict_over_the_old_one() {
    let mut asking = sent(C::Helo, 0);
    asking.answer(b'r');
    assert_eq!(asking.sends(C::QuitNewConnection), Ok((Sent::Unanswered, "K".into())));
    assert!(!asking.mta().is_session_decided());
    for kind in ALL {
        assert_eq!(asking.sends(kind).unwrap().0, Sent::Awaited, "{kind}");
        asking.hear(CONTINUE).unwrap();
    }
}

#[test]
fn s130_a_filter_may_close_after_a_verdict_over_the_session() {
    let mut asking = sent(C::Connect, 0);
    asking.answer(b'a');
    assert_eq!(asking.hear(b""), Ok(vec![Told::Closed]));
    // A QUIT would only be written to nobody.
    assert_eq!(asking.sends(C::Quit), Ok((Sent::Unanswered, String::new())));
}

#[test]
fn s131_nothing_more_of_a_decided_message_is_sent() {
    for command in &ALL[3..] {
        for letter in *b"ad" {
            let mut asking = sent(*command, 0);
            assert_eq!(asking.answer(letter), Scope::Message);
            for kind in &ALL[4..] {
                assert_eq!(asking.sends(*kind), Ok((Sent::LeftOut, String::new())), "{kind} after {command}");
            }
            assert_eq!(asking.sends(C::Mail), Ok((Sent::Awaited, "M".into())));
            asking.answer(b'c');
            assert_eq!(asking.sends(C::Rcpt), Ok((Sent::Awaited, "R".into())));
        }
    }
}

#[test]
fn s131_an_abort_may_stand_before_the_next_message() {
    let mut asking = sent(C::Rcpt, 0);
    asking.answer(b'a');
    assert_eq!(asking.sends(C::Abort), Ok((Sent::Unanswered, "A".into())));
    assert_eq!(asking.sends(C::Mail), Ok((Sent::Awaited, "M".into())));
}

#[test]
fn s131_the_next_message_begins_also_where_mail_is_switched_off() {
    let mut asking = Asking::agreed(0x4);
    for _ in 0..2 {
        assert_eq!(asking.sends(C::Mail), Ok((Sent::LeftOut, String::new())));
        assert_eq!(asking.sends(C::Rcpt), Ok((Sent::Awaited, "R".into())));
        assert_eq!(asking.answer(b'a'), Scope::Message);
        assert_eq!(asking.sends(C::Data), Ok((Sent::LeftOut, String::new())));
    }
}

#[test]
fn s132_what_is_skipped_is_not_sent_until_something_else_is() {
    for (command, next) in [(C::Rcpt, C::Data), (C::Header, C::EndOfHeaders), (C::Body, C::EndOfMessage)] {
        let mut asking = sent(command, 0x400);
        assert_eq!(asking.answer(b's'), Scope::Command);
        for _ in 0..2 {
            assert_eq!(asking.sends(command), Ok((Sent::LeftOut, String::new())), "{command}");
        }
        let letter = char::from(next.letter()).to_string();
        assert_eq!(asking.sends(next), Ok((Sent::Awaited, letter)));
        asking.answer(b'c');
        for kind in ALL[3..].iter().take_while(|kind| **kind != command) {
            asking.passes(*kind);
        }
        assert_eq!(asking.sends(command).unwrap().0, Sent::Awaited, "{command} of the next message");
    }
}

#[test]
fn s132_an_unknown_command_does_not_end_what_is_skipped() {
    let mut asking = sent(C::Rcpt, 0x400);
    asking.answer(b's');
    asking.passes(C::Unknown);
    assert_eq!(asking.sends(C::Rcpt), Ok((Sent::LeftOut, String::new())));
}

#[test]
fn s134_an_open_message_is_aborted_by_what_ends_it() {
    for open in [C::Mail, C::Rcpt, C::Data, C::Header, C::EndOfHeaders, C::Body] {
        for (ends, letters) in
            [(C::Helo, "AH"), (C::Mail, "AM"), (C::Quit, "AQ"), (C::QuitNewConnection, "AK"), (C::Abort, "A")]
        {
            let mut asking = Asking::agreed(0);
            asking.passes(C::Mail);
            if open != C::Mail {
                asking.passes(open);
            }
            assert_eq!(asking.sends(ends).unwrap().1, letters, "{ends} after {open}");
        }
    }
}

#[test]
fn s134_an_open_message_is_aborted_also_where_what_ends_it_is_switched_off() {
    for (ends, bit) in [(C::Helo, 0x2), (C::Mail, 0x4)] {
        let mut asking = Asking::agreed(bit);
        asking.passes(C::Mail);
        asking.passes(C::Rcpt);
        assert_eq!(asking.sends(ends), Ok((Sent::LeftOut, "A".into())), "{ends}");
    }
}

#[test]
fn s134_no_message_is_open_after_its_verdict() {
    for (kind, letter) in [(C::Mail, b'r'), (C::Rcpt, b'a'), (C::Rcpt, b'd'), (C::EndOfMessage, b'c')] {
        for ends in [C::Helo, C::Mail, C::Quit, C::QuitNewConnection] {
            let mut asking = Asking::agreed(0);
            if kind != C::Mail {
                asking.passes(C::Mail);
            }
            asking.sends(kind).unwrap();
            assert_eq!(asking.answer(letter), Scope::Message);
            assert_eq!(asking.sends(ends).unwrap().1, char::from(ends.letter()).to_string());
        }
    }
}

#[test]
fn s134_an_abort_may_come_at_other_times() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Connect);
    for _ in 0..2 {
        assert_eq!(asking.sends(C::Abort), Ok((Sent::Unanswered, "A".into())));
    }
    for kind in [C::Mail, C::EndOfMessage] {
        asking.passes(kind);
    }
    for _ in 0..2 {
        assert_eq!(asking.sends(C::Abort), Ok((Sent::Unanswered, "A".into())));
    }
    assert_eq!(asking.sends(C::Mail), Ok((Sent::Awaited, "M".into())));
}

#[test]
fn s135_rejected_recipients_are_sent_only_where_that_was_agreed() {
    let Command::Rcpt(rcpt) = sample(C::Rcpt) else { panic!() };
    let mut macros = MacroPairsBuf::new();
    macros.push("{rcpt_host}", "5.1.1").unwrap();
    macros.push("{rcpt_addr}", "User unknown").unwrap();
    let mut asking = Asking::agreed(0);
    asking.passes(C::Mail);
    assert_eq!(asking.mta().send_rejected(rcpt, macros.view()), Ok(Sent::LeftOut));
    assert!(asking.written().is_empty());
    let mut asking = Asking::agreed(0x808);
    asking.passes(C::Mail);
    assert_eq!(asking.mta().send_rejected(rcpt, macros.view()), Ok(Sent::LeftOut));
    assert!(asking.written().is_empty(), "no macros either");

    for letter in *b"crt" {
        let mut asking = Asking::agreed(0x800);
        asking.passes(C::Mail);
        assert_eq!(asking.mta().send_rejected(rcpt, macros.view()), Ok(Sent::Awaited));
        let expected = [
            packet(b'D', b"R{rcpt_mailer}\0error\0{rcpt_host}\x005.1.1\0{rcpt_addr}\0User unknown\0"),
            packet(b'R', b"<c@d>\0"),
        ];
        assert_eq!(asking.written(), expected.concat());
        assert_eq!(asking.answer(letter), Scope::Command, "the reply has no effect on the recipient");
        // The next one is a recipient as any other.
        asking.sends(C::Rcpt).unwrap();
        assert_eq!(asking.answer(b'r'), Scope::Recipient);
    }
}

#[test]
fn s135_a_filter_may_decide_over_the_message_at_a_rejected_recipient() {
    let Command::Rcpt(rcpt) = sample(C::Rcpt) else { panic!() };
    for letter in *b"ad" {
        let mut asking = Asking::agreed(0x800);
        asking.passes(C::Mail);
        asking.mta().send_rejected(rcpt, MacroPairsBuf::new().view()).unwrap();
        asking.written();
        assert_eq!(asking.answer(letter), Scope::Message);
        assert_eq!(asking.sends(C::Data), Ok((Sent::LeftOut, String::new())));
    }
}

#[test]
fn s136_a_new_session_is_begun_only_when_the_caller_says_so() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Connect);
    assert_eq!(asking.sends(C::QuitNewConnection), Ok((Sent::Unanswered, "K".into())));
    asking.passes(C::Connect);
}

#[test]
fn s137_an_error_is_final() {
    let mut asking = sent(C::Mail, 0);
    let error = asking.hear(&packet(b'z', b"")).unwrap_err();
    assert_eq!(asking.hear(CONTINUE), Err(error));
    for kind in ALL.into_iter().chain([C::Quit, C::QuitNewConnection, C::Abort]) {
        assert_eq!(asking.sends(kind), Err(SendError::Closed));
    }
    assert_eq!(asking.define(C::Mail, &[("i", "1")]), Err(SendError::Closed));
}

#[test]
fn s137_a_filter_that_closes_in_between_is_gone() {
    for command in ALL {
        let gone = ResponseViolation::Gone { waiting: Some(command) };
        assert_eq!(sent(command, 0).hear(b""), violation(gone));
        let mut asking = sent(command, 0);
        asking.hear(CONTINUE).unwrap();
        assert_eq!(asking.hear(b""), violation(ResponseViolation::Gone { waiting: None }));
    }
}

#[test]
fn s137_nothing_is_written_to_a_filter_that_is_gone() {
    let mut asking = sent(C::Helo, 0);
    asking.answer(b'c');
    asking.mta().receive(b"");
    asking.mta().send(&sample(C::Mail)).unwrap();
    assert_eq!(asking.hear(b""), violation(ResponseViolation::Gone { waiting: Some(C::Mail) }));
}

#[test]
fn s138_quit_is_sent_and_nothing_awaited_after_it() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Connect);
    asking.mta().send(&Command::Quit).unwrap();
    assert_eq!(asking.written(), packet(b'Q', b""));
    assert_eq!(asking.hear(b""), Ok(vec![Told::Closed]));
}

#[test]
fn s138_a_quit_in_good_order_needs_no_filter() {
    let mut asking = sent(C::Helo, 0);
    asking.answer(b'c');
    asking.mta().receive(b"");
    asking.mta().send(&sample(C::Quit)).unwrap();
    assert_eq!(asking.hear(b""), Ok(vec![Told::Closed]));
}
