//! Conformance statements 72 and 103 to 119: one reply where one is due, and what it ends.

mod filter;

use filter::{ACCEPT, CONTINUE, DISCARD, Filter, REJECT, Reaction, SKIP, TEMPFAIL, letters, offer, wish};
use milter_proto::{BodyVerdict, CommandKind, FailureVerdict, Options, Protocol, SmtpReply};

const ALL: &str = "CHMRTLNBEUAQ";

fn reply() -> Reaction {
    Reaction::Answer(BodyVerdict::Reply(SmtpReply::new(451, "4.7.1", "later").unwrap()))
}

/// Each command that may be answered, and what brings the session there.
const STAGES: [(char, &str, &[&str]); 10] = [
    ('C', "Ch\0U", &[]),
    ('H', "Hx\0", &["Ch\0U"]),
    ('M', "M<a>\0", &["Hx\0"]),
    ('R', "R<b>\0", &["M<a>\0"]),
    ('T', "T", &["M<a>\0"]),
    ('L', "Lx\0y\0", &["M<a>\0"]),
    ('N', "N", &["M<a>\0"]),
    ('B', "Bx", &["M<a>\0"]),
    ('E', "E", &["M<a>\0"]),
    ('U', "UFOO\0", &["M<a>\0"]),
];

#[test]
fn statement_72_octets_in_the_end_of_message_are_a_chunk_and_an_end_with_one_final_answer() {
    for (reaction, expected) in [
        (CONTINUE, "B E (c)"),
        (SKIP, "B E (c)"),
        (ACCEPT, "B (a)"),
        (REJECT, "B (r)"),
        (TEMPFAIL, "B (t)"),
        (DISCARD, "B (d)"),
        (reply(), "B (y)"),
        (Reaction::Fail, "B (t)"),
        (Reaction::Nothing, "B (t)"),
        (Reaction::Abandon, "B (t) Q ."),
        (Reaction::Finish, "B (t) Q ."),
    ] {
        let mut filter = Filter::negotiated(wish(ALL)).except([('B', reaction.clone())]);
        filter.packets(&["M<a>\0"]);
        assert_eq!(filter.packets(&["Exyz"]), expected, "{reaction:?}");
    }
}

#[test]
fn statement_103_exactly_one_reply_where_the_mta_waits_and_none_where_it_does_not() {
    for (letter, packet, before) in STAGES {
        if letter == 'E' {
            continue;
        }
        for reaction in [CONTINUE, ACCEPT, REJECT, TEMPFAIL, reply(), Reaction::Fail, Reaction::Nothing] {
            // It waits for an answer.
            let mut filter = Filter::negotiated(wish(ALL)).except([(letter, reaction.clone())]);
            filter.packets(before);
            let expected = match &reaction {
                Reaction::Answer(BodyVerdict::Accept) if letter == 'U' => "c",
                Reaction::Answer(BodyVerdict::Continue) => "c",
                Reaction::Answer(BodyVerdict::Accept) => "a",
                Reaction::Answer(BodyVerdict::Reject) => "r",
                Reaction::Answer(BodyVerdict::Reply(_)) => "y",
                _ => "t",
            };
            assert_eq!(filter.packets(&[packet]), format!("{letter} ({expected})"), "{reaction:?}");
            // "No reply" was agreed.
            let silent = ALL.replace(letter, &letter.to_lowercase().to_string());
            let mut filter = Filter::negotiated(wish(&silent)).except([(letter, reaction.clone())]);
            filter.packets(before);
            assert_eq!(filter.packets(&[packet]), letter.to_string(), "{reaction:?}");
            // The application is silent, and the MTA waits.
            let mut filter = Filter::new(wish(&silent)).except([(letter, reaction.clone())]);
            filter.receive(&offer(6, 0x1ff, 0x37f));
            filter.packets(before);
            let expected = if matches!(reaction, Reaction::Fail) { "t" } else { "c" };
            assert_eq!(filter.packets(&[packet]), format!("{letter} ({expected})"), "{reaction:?}");
        }
        // Nobody wants it, and the MTA sends it and waits.
        let mut filter = Filter::new(wish(&ALL.replace(letter, "")));
        filter.receive(&offer(6, 0x1ff, 0));
        filter.packets(before);
        assert_eq!(filter.packets(&[packet]), "(c)", "{letter}");
    }
}

#[test]
fn statement_104_the_end_of_the_message_is_always_answered() {
    for letters in ["E", "e", "", "Bb"] {
        let mut filter = Filter::new(wish(letters));
        filter.receive(&offer(6, 0x1ff, Protocol::all_known().bits()));
        let seen = filter.packets(&["E"]);
        assert!(seen.ends_with("(c)"), "{letters}: {seen}");
    }
    for (reaction, expected) in [
        (CONTINUE, "c"),
        (ACCEPT, "a"),
        (REJECT, "r"),
        (TEMPFAIL, "t"),
        (DISCARD, "d"),
        (reply(), "y"),
        (Reaction::Fail, "t"),
        (Reaction::Nothing, "t"),
    ] {
        let mut filter = Filter::negotiated(wish(ALL)).except([('E', reaction)]);
        assert_eq!(filter.packets(&["M<a>\0", "E"]), format!("M (c) E ({expected})"));
    }
}

#[test]
fn statement_105_a_second_answer_to_an_event_is_ignored() {
    let mut filter = Filter::negotiated(wish(ALL)).except([('M', reply())]);
    filter.packets(&["M<a>\0"]);
    filter.session.answer(BodyVerdict::Reject).unwrap();
    filter.session.fail();
    assert_eq!(filter.run(), "");
    assert_eq!(letters(&filter.bytes), "y");
    assert_eq!(filter.packets(&["M<a>\0"]), "M (y)", "and M is not open");
}

#[test]
fn statement_110_skip_is_sent_only_for_the_body_and_only_if_it_was_negotiated() {
    for offered in [true, false] {
        let mut wish = wish(ALL);
        wish.request(Protocol::SKIP);
        let protocol = if offered { Protocol::all_known() } else { Protocol::all_known() - Protocol::SKIP };
        let mut filter = Filter::new(wish).except([('B', SKIP)]);
        filter.receive(&offer(6, 0, protocol.bits()));
        // Either way the hook is not called again for this body; further chunks are answered.
        let reply = if offered { "s" } else { "c" };
        assert_eq!(filter.packets(&["M<a>\0", "Bx", "By", "Bz", "E"]), format!("M (c) B ({reply}cc) E (c)"));
        assert_eq!(
            filter.packets(&["M<a>\0", "Bx", "E"]),
            format!("M (c) B ({reply}) E (c)"),
            "another body"
        );
    }
    for (letter, packet, before) in STAGES {
        if letter == 'B' {
            continue;
        }
        let mut filter = Filter::negotiated(wish(ALL)).except([(letter, Reaction::Nothing)]);
        filter.packets(before);
        filter.session.receive(&filter::packet(packet.as_bytes()));
        assert!(matches!(filter.session.step(), Ok(milter_proto::Step::Event(_))));
        let error = filter.session.answer(BodyVerdict::Skip).unwrap_err();
        assert_eq!(error.command.letter(), letter as u8);
        filter.session.answer(BodyVerdict::Continue).unwrap();
        assert_eq!(filter.run(), "(c)");
    }
}

#[test]
fn statement_111_connect_helo_and_unknown_cannot_be_discarded() {
    for (letter, packet, before) in STAGES {
        let mut filter = Filter::negotiated(wish(ALL));
        filter.packets(before);
        filter.session.receive(&filter::packet(packet.as_bytes()));
        assert!(matches!(filter.session.step(), Ok(milter_proto::Step::Event(_))));
        let outside = matches!(letter, 'C' | 'H' | 'U');
        assert_eq!(filter.session.answer(BodyVerdict::Discard).is_err(), outside, "{letter}");
        // An event whose wrong answer was the only one failed.
        assert_eq!(filter.run(), if outside { "(t)" } else { "(d)" });
    }
}

#[test]
fn statement_117_after_a_final_verdict_the_next_message_may_begin_without_abort() {
    for (letter, packet, before) in STAGES {
        if matches!(letter, 'C' | 'H' | 'R' | 'U') {
            continue;
        }
        for reaction in [ACCEPT, REJECT, TEMPFAIL, DISCARD, reply(), Reaction::Fail] {
            let mut answers = Some(reaction.clone());
            let mut filter = Filter::negotiated(wish(ALL)).on(move |event, _| {
                if filter::letter_of(event) == letter { answers.take().unwrap_or(CONTINUE) } else { CONTINUE }
            });
            filter.packets(before);
            filter.packets(&[packet]);
            assert!(!filter.session.in_message());
            assert_eq!(
                filter.packets(&["M<a>\0", "R<b>\0", "E"]),
                "M (c) R (c) E (c)",
                "{letter} {reaction:?}"
            );
        }
    }
}

#[test]
fn statement_118_a_failed_recipient_or_unknown_command_leaves_the_message_open() {
    for (letter, packet) in [('R', "R<b>\0"), ('U', "UFOO\0")] {
        for reaction in [REJECT, TEMPFAIL, reply(), Reaction::Fail] {
            let mut filter = Filter::negotiated(wish(ALL)).except([(letter, reaction)]);
            filter.packets(&["M<a>\0", packet, packet]);
            assert!(filter.session.in_message());
            assert_eq!(filter.packets(&["T", "E"]), "T (c) E (c)");
        }
    }
}

#[test]
fn statement_119_accept_and_discard_of_a_recipient_end_the_message() {
    for reaction in [ACCEPT, DISCARD] {
        let mut filter = Filter::negotiated(wish(ALL)).except([('R', reaction)]);
        filter.packets(&["M<a>\0", "R<b>\0"]);
        assert!(!filter.session.in_message());
        assert_eq!(filter.packets(&["A", "M<a>\0"]), "M (c)");
        assert_eq!(filter.packets(&["A", "R<b>\0"]), "A Q !");
    }
}

#[test]
fn after_a_final_verdict_at_connect_or_helo_only_macros_and_the_end_may_come() {
    for (letter, open) in [('C', &["Ch\0U"][..]), ('H', &["Ch\0U", "Hx\0"])] {
        for reaction in [ACCEPT, REJECT, TEMPFAIL, reply(), Reaction::Fail] {
            for (next, expected) in
                [("DM", ""), ("Q", "Q ."), ("K", "Q"), ("Hx\0", "Q !"), ("M<a>\0", "Q !"), ("A", "Q !")]
            {
                let mut filter = Filter::negotiated(wish(ALL)).except([(letter, reaction.clone())]);
                filter.packets(open);
                assert_eq!(filter.packets(&[next]), expected, "{letter} {next}");
            }
        }
    }
}

/// A failure is remembered where no reply is taken, and given to the first stage that takes one.
#[test]
fn a_failure_is_remembered_until_a_reply_is_taken() {
    let silent = |letter: char, failure: FailureVerdict| {
        let mut filter = Filter::negotiated(wish(&ALL.replace(letter, &letter.to_lowercase().to_string())))
            .except([(letter, Reaction::Fail)]);
        filter.session.set_failure_verdict(failure);
        filter
    };
    for (failure, reply) in [(FailureVerdict::TempFail, "t"), (FailureVerdict::Reject, "r")] {
        // In a message: the message.
        assert_eq!(silent('M', failure).packets(&["M<a>\0", "T", "M<a>\0"]), format!("M ({reply}) M"));
        assert_eq!(
            silent('L', failure).packets(&["M<a>\0", "Lx\0y\0", "Lx\0y\0", "N"]),
            format!("M (c) L ({reply})")
        );
        assert_eq!(
            silent('B', failure).packets(&["M<a>\0", "Bx", "By", "E", "M<a>\0"]),
            format!("M (c) B ({reply}) M (c)")
        );
        // A recipient: each recipient that follows, and the message at its next reply.
        assert_eq!(
            silent('M', failure).packets(&["M<a>\0", "R<b>\0", "R<b>\0", "T", "M<a>\0"]),
            format!("M ({reply}{reply}{reply}) M")
        );
        assert_eq!(
            silent('R', failure).packets(&["M<a>\0", "R<b>\0", "R<b>\0", "T"]),
            format!("M (c) R ({reply})")
        );
        // Abort drops it.
        assert_eq!(
            silent('L', failure).packets(&["M<a>\0", "Lx\0y\0", "A", "M<a>\0", "E"]),
            "M (c) L A M (c) E (c)"
        );
        // Outside of a message: the SMTP session.
        assert_eq!(silent('C', failure).packets(&["Ch\0U", "Hx\0", "Q"]), format!("C ({reply}) Q ."));
        assert_eq!(
            silent('H', failure).packets(&["Ch\0U", "Hx\0", "M<a>\0", "M<a>\0", "K", "Ch\0U"]),
            format!("C (c) H ({reply}{reply}) Q C (c)")
        );
    }
    // Close says nothing.
    assert_eq!(silent('M', FailureVerdict::Close).packets(&["M<a>\0", "T"]), "M A Q .");
    let mut filter = Filter::negotiated(wish(ALL)).except([('R', Reaction::Fail)]);
    filter.session.set_failure_verdict(FailureVerdict::Close);
    assert_eq!(filter.packets(&["M<a>\0", "R<b>\0", "T"]), "M (c) R A Q .");
}

#[test]
fn an_event_that_was_abandoned_fails_and_then_the_connection_closes() {
    for (letter, packet, before) in STAGES {
        let mut filter = Filter::negotiated(wish(ALL)).except([(letter, Reaction::Abandon)]);
        filter.packets(before);
        let expected = match letter {
            'R' | 'U' => format!("{letter} (t) A Q ."),
            _ => format!("{letter} (t) Q ."),
        };
        assert_eq!(filter.packets(&[packet, "M<a>\0"]), expected);
    }
    // At a stage that takes no reply: at the first one that does, so that the message does not pass unseen.
    let abandoned = |letter: char| {
        let silent = ALL.replace(letter, &letter.to_lowercase().to_string());
        Filter::negotiated(wish(&silent)).except([(letter, Reaction::Abandon)])
    };
    let rest = ["R<b>\0", "T", "M<c>\0"];
    assert_eq!(abandoned('M').packets(&[&["M<a>\0"], &rest[..]].concat()), "M (tt) Q .");
    assert_eq!(abandoned('M').packets(&["M<a>\0", "Ufoo\0", "A", "M<c>\0"]), "M (c) A Q .");
    assert_eq!(abandoned('C').packets(&["Ch\0U", "Hx\0", "M<a>\0"]), "C (t) Q .");
    assert_eq!(abandoned('C').packets(&["Ch\0U", "M<a>\0", "M<c>\0"]), "C (t) Q .");
    let mut filter = Filter::negotiated(wish(ALL)).except([('A', Reaction::Abandon)]);
    assert_eq!(filter.packets(&["M<a>\0", "A", "M<a>\0"]), "M (c) A Q .");
    let mut filter = Filter::negotiated(wish(ALL)).except([('Q', Reaction::Abandon)]);
    assert_eq!(filter.packets(&["M<a>\0", "K", "M<a>\0"]), "M (c) A Q .");
}

#[test]
fn what_is_expected_of_a_filter_stands_in_the_agreement() {
    let mut wish = wish("MbE");
    let agreement = wish.request(Protocol::SKIP).agree(Options::CURRENT).unwrap();
    assert!(agreement.expects_reply(CommandKind::Mail) && !agreement.expects_reply(CommandKind::Body));
    assert!(agreement.expects_reply(CommandKind::EndOfMessage));
    assert!(agreement.is_switched_off(CommandKind::Rcpt) && !agreement.is_switched_off(CommandKind::Body));
}
