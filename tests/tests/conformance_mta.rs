//! What the protocol asks of an MTA, by the numbers of its statements: the negotiation, commands and macros.
//!
//! Answers are in `conformance_mta_answers.rs`. The statements 93 to 97 speak of the message that is modified, which
//! this side does not hold.

use milter_proto::{
    AnswerError, BodyChunk, Command, CommandKind as C, Connect, DecodeError, DefineMacros, Error, Header,
    Helo, MacroPairsBuf, Mta, Options, Peer, Protocol, ResponseViolation, Scope, SendError, Sent, Text,
    Version,
};
use milter_tests::{Asking, Told, letters, packet, sample, words};

fn offering(version: u32, actions: u32, protocol: u32) -> Asking {
    let offer = milter_tests::offer(version, actions, protocol);
    let mut asking = Asking::offering(offer);
    asking.written();
    asking
}

/// What becomes of this answer to an offer of everything.
fn answered(payload: &[u8]) -> Result<Vec<Told>, Error> {
    offering(6, 0x1ff, 0x001f_ffff).hear(&packet(b'O', payload))
}

fn lists(lists: &[(u32, &str)]) -> Vec<u8> {
    let mut payload = words(6, 0x1ff, 0);
    for (stage, names) in lists {
        payload.extend(stage.to_be_bytes());
        payload.extend(names.as_bytes());
        payload.push(0);
    }
    payload
}

/// What of these macros is written for a command.
#[track_caller]
fn written(asking: &mut Asking, command: C, macros: &[(&str, &str)]) -> Vec<u8> {
    asking.define(command, macros).unwrap();
    asking.written()
}

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
fn s026_the_versions_0_and_1_are_refused() {
    for version in [0, 1] {
        let refused = AnswerError::Version { answered: Version(version), offered: Version(6) };
        assert_eq!(answered(&words(version, 0, 0)), Err(refused.into()));
    }
}

#[test]
fn s025_s026_versions_between_are_obeyed() {
    for version in 2..=6 {
        assert_eq!(answered(&words(version, 0, 0)), Ok(vec![Told::Negotiated]));
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

#[test]
fn s033_lists_of_unknown_stages_are_ignored() {
    let mut asking = Asking::answered(&lists(&[(7, "x"), (1, "y"), (9, "z"), (u32::MAX, "")]));
    assert_eq!(written(&mut asking, C::Helo, &[("x", "1"), ("y", "2")]), packet(b'D', b"Hy\x002\0"));
}

#[test]
fn s033_an_empty_list_counts_as_none() {
    let mut asking = Asking::answered(&lists(&[(1, ""), (2, " , ")]));
    assert_eq!(written(&mut asking, C::Helo, &[("x", "1")]), packet(b'D', b"Hx\x001\0"));
    assert_eq!(written(&mut asking, C::Mail, &[("x", "1")]), packet(b'D', b"Mx\x001\0"));
}

#[test]
fn s034_a_cut_list_is_refused() {
    for rest in [&b"\0\0\0\0j"[..], b"\0\0", b"\0\0\0\0", b"\0\0\0\0j\0\0"] {
        let payload = [words(6, 0x100, 0), rest.to_vec()].concat();
        assert!(matches!(answered(&payload), Err(Error::Decode(_))), "{rest:?}");
    }
}

#[test]
fn s035_a_list_is_split_at_white_space_and_commas() {
    let mut asking = Asking::answered(&lists(&[(2, "i,{auth_type}  {mail_addr}\t,j\n_")]));
    let macros = [("_", "1"), ("j", "2"), ("{mail_addr}", "3"), ("{auth_type}", "4"), ("i", "5"), ("v", "6")];
    let expected = b"Mi\x005\0{auth_type}\x004\0{mail_addr}\x003\0j\x002\0_\x001\0";
    assert_eq!(written(&mut asking, C::Mail, &macros), packet(b'D', expected));
}

#[test]
fn s035_what_is_asked_for_twice_is_sent_once() {
    let many = "j ".repeat(30_000);
    let mut asking = Asking::answered(&lists(&[(0, &many)]));
    assert_eq!(written(&mut asking, C::Connect, &[("j", "mta")]), packet(b'D', b"Cj\0mta\0"));
    let mut asking = Asking::answered(&lists(&[(0, "j {j} j")]));
    assert_eq!(written(&mut asking, C::Connect, &[("j", "mta")]), packet(b'D', b"Cj\0mta\0"));
}

#[test]
fn s035_headers_and_chunks_go_by_the_list_of_what_ends_them() {
    let mut asking = Asking::answered(&lists(&[(6, "h"), (5, "b"), (4, "t")]));
    let macros = [("b", "1"), ("h", "2"), ("t", "3"), ("u", "4")];
    asking.passes(C::Mail);
    for (kind, name) in [
        (C::Data, "t\x003"),
        (C::Header, "h\x002"),
        (C::EndOfHeaders, "h\x002"),
        (C::Body, "b\x001"),
        (C::EndOfMessage, "b\x001"),
    ] {
        let expected = [&[kind.letter()], name.as_bytes(), b"\0"].concat();
        assert_eq!(written(&mut asking, kind, &macros), packet(b'D', &expected), "{kind}");
        asking.passes(kind);
    }
}

#[test]
fn s036_lists_that_were_not_offered_are_ignored() {
    let mut asking = offering(6, 0xff, 0);
    let payload = [words(6, 0, 0), b"\0\0\0\x01x\0".to_vec()].concat();
    assert_eq!(asking.hear(&packet(b'O', &payload)), Ok(vec![Told::Negotiated]));
    assert_eq!(written(&mut asking, C::Helo, &[("y", "1")]), packet(b'D', b"Hy\x001\0"));
}

#[test]
fn s036_there_is_no_packet_for_a_list() {
    let mut asking = Asking::agreed(0);
    let refused = DecodeError::UnknownResponse(b'l');
    asking.sends(C::Connect).unwrap();
    assert_eq!(asking.hear(&packet(b'l', b"\0\0\0\0j\0")), Err(refused.into()));
}

#[test]
fn s051_macros_come_right_before_their_command() {
    let mut asking = Asking::agreed(0);
    for kind in [C::Connect, C::Helo, C::Unknown, C::Mail, C::Rcpt, C::Data, C::Header, C::EndOfHeaders] {
        asking.define(kind, &[("i", "1")]).unwrap();
        let written = asking.send(&sample(kind)).unwrap();
        assert_eq!(written, (Sent::Awaited, format!("D{}", char::from(kind.letter()))));
        asking.answer(b'c');
    }
    for kind in [C::Body, C::EndOfMessage] {
        assert_eq!(written(&mut asking, kind, &[("i", "1")])[5], kind.letter());
        asking.passes(kind);
    }
}

#[test]
fn s051_an_abort_is_not_sent_between_macros_and_their_command() {
    for kind in [C::Helo, C::Mail] {
        let mut asking = Asking::agreed(0);
        asking.passes(C::Mail);
        asking.define(kind, &[("i", "1")]).unwrap();
        assert_eq!(asking.sends(kind).unwrap().1, format!("AD{}", char::from(kind.letter())));
    }
}

#[test]
fn s051_macros_of_a_command_that_has_no_place_are_refused() {
    let mut asking = Asking::agreed(0);
    assert!(matches!(asking.define(C::Rcpt, &[("i", "1")]), Err(SendError::Order(_))));
    asking.passes(C::Mail);
    asking.passes(C::Data);
    assert!(matches!(asking.define(C::Rcpt, &[("i", "1")]), Err(SendError::Order(_))));
    assert!(matches!(asking.define(C::Connect, &[("i", "1")]), Err(SendError::Order(_))));
    assert!(asking.written().is_empty());
}

#[test]
fn s051_there_are_no_macros_for_what_is_no_stage() {
    let mut asking = Asking::agreed(0);
    for kind in [C::Negotiate, C::DefineMacros, C::Abort, C::Quit, C::QuitNewConnection] {
        assert!(written(&mut asking, kind, &[("i", "1")]).is_empty(), "{kind}");
    }
}

#[test]
fn s051_macros_as_a_command_are_no_other_macros() {
    // Also sent as a command, they go by what the filter asked for, and by what it skips.
    let mut macros = MacroPairsBuf::new();
    macros.push("i", "1").unwrap();
    let define = |kind| Command::DefineMacros(DefineMacros::new(kind, macros.view()).unwrap());
    let mut asking = Asking::answered(&lists(&[(2, "j")]));
    let left_out = Ok((Sent::LeftOut, String::new()));
    assert_eq!(asking.send(&define(C::Mail)), left_out, "it asked for j, not for i");
    let mut asking = Asking::agreed(0x400);
    assert_eq!(asking.send(&define(C::Mail)), Ok((Sent::Unanswered, "D".into())));
    for kind in [C::Mail, C::Rcpt, C::Data] {
        asking.passes(kind);
    }
    asking.sends(C::Body).unwrap();
    asking.answer(b's');
    assert_eq!(asking.send(&define(C::Body)), left_out);
    assert_eq!(asking.sends(C::Body), left_out);
}

#[test]
fn s051_macros_of_commands_that_are_switched_off() {
    // Both MTAs send those of C, H, M, R and T all the same, and none of the content.
    let mut asking = Asking::agreed(0x37f);
    for (kind, sent) in [
        (C::Connect, "D"),
        (C::Helo, "D"),
        (C::Unknown, ""),
        (C::Mail, "D"),
        (C::Rcpt, "D"),
        (C::Data, "D"),
        (C::Header, ""),
        (C::EndOfHeaders, ""),
        (C::Body, ""),
    ] {
        let macros = letters(&written(&mut asking, kind, &[("i", "1")]));
        assert_eq!(macros, sent, "{kind}");
        assert_eq!(asking.sends(kind), Ok((Sent::LeftOut, String::new())));
    }
    asking.define(C::EndOfMessage, &[("i", "1")]).unwrap();
    assert_eq!(asking.sends(C::EndOfMessage), Ok((Sent::Awaited, "DE".into())));
}

#[test]
fn s051_macros_are_left_out_with_what_the_filter_has_decided_or_skips() {
    let mut asking = Asking::agreed(0x400);
    for kind in [C::Mail, C::Rcpt, C::Data] {
        asking.passes(kind);
    }
    asking.sends(C::Body).unwrap();
    asking.answer(b's');
    assert!(written(&mut asking, C::Body, &[("i", "1")]).is_empty());
    asking.sends(C::EndOfMessage).unwrap();
    asking.answer(b'c');
    assert!(written(&mut asking, C::Rcpt, &[("i", "1")]).is_empty());
    asking.sends(C::Helo).unwrap();
    asking.answer(b'a');
    for kind in [C::Helo, C::Mail, C::Unknown] {
        assert!(written(&mut asking, kind, &[("i", "1")]).is_empty(), "{kind}");
    }
}

#[test]
fn s051_macros_that_do_not_fit_are_an_error() {
    let mut asking = Asking::agreed(0);
    let long = "x".repeat(65_535 - 3);
    assert!(matches!(asking.define(C::Connect, &[("j", &long)]), Err(SendError::TooLong(_))));
    assert!(asking.written().is_empty());
    asking.define(C::Connect, &[("j", &long[1..])]).unwrap();
    assert_eq!(asking.written().len(), 4 + 1 + 65_535);
}

#[test]
fn s052_long_names_have_braces_and_short_ones_have_none() {
    let macros = [("{i}", "1"), ("auth_type", "2"), ("j", "3"), ("{mail_addr}", "4")];
    let expected = b"Mi\x001\0{auth_type}\x002\0j\x003\0{mail_addr}\x004\0";
    assert_eq!(written(&mut Asking::agreed(0), C::Mail, &macros), packet(b'D', expected));
    let mut asking = Asking::answered(&lists(&[(2, "i j auth_type mail_addr")]));
    let expected = b"Mi\x001\0j\x003\0{auth_type}\x002\0{mail_addr}\x004\0";
    assert_eq!(written(&mut asking, C::Mail, &macros), packet(b'D', expected));
}

#[test]
fn s060_an_unknown_port_is_0_and_an_unknown_name_is_the_address() {
    let mut asking = Asking::agreed(0);
    let address = Text::new(b"192.0.2.1").unwrap();
    let connect = Connect::new("[192.0.2.1]".try_into().unwrap(), Peer::Ipv4 { port: 0, address }).unwrap();
    asking.mta().send(&Command::Connect(connect)).unwrap();
    assert_eq!(asking.written(), packet(b'C', b"[192.0.2.1]\x004\0\x00192.0.2.1\0"));
}

#[test]
fn s061_the_unknown_family_has_no_address() {
    let mut asking = Asking::agreed(0);
    let connect = Connect::new("localhost".try_into().unwrap(), Peer::Unknown).unwrap();
    asking.mta().send(&Command::Connect(connect)).unwrap();
    assert_eq!(asking.written(), packet(b'C', b"localhost\0U"));
}

#[test]
fn s071_an_empty_body_has_no_chunk() {
    assert_eq!(BodyChunk::split(b"").count(), 0);
}

#[test]
fn s072_no_octets_are_sent_in_the_end_of_the_message() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Mail);
    let chunk = BodyChunk::split(b"x\r\n").next();
    assert_eq!(asking.send(&Command::EndOfMessage(chunk)), Err(SendError::BodyInEndOfMessage));
    assert!(asking.written().is_empty());
    assert_eq!(asking.send(&Command::EndOfMessage(None)), Ok((Sent::Awaited, "E".into())));
}

#[test]
fn s075_nothing_is_due_after_commands_without_answer() {
    // The filter answers, and that is no answer to what comes next.
    let unasked = |letter| Error::from(ResponseViolation::Unasked { letter });
    for kind in [C::DefineMacros, C::Abort, C::QuitNewConnection] {
        let mut asking = Asking::agreed(0);
        match kind {
            C::DefineMacros => assert!(!written(&mut asking, C::Mail, &[("i", "1")]).is_empty()),
            _ => assert_eq!(asking.sends(kind).unwrap().0, Sent::Unanswered),
        }
        assert_eq!(asking.mta().waits_for(), None);
        assert_eq!(asking.hear(b"\0\0\0\x01c"), Err(unasked(b'c')), "{kind}");
        assert_eq!(asking.sends(C::Helo), Err(SendError::Closed));
    }
}

#[test]
fn s075_what_came_before_a_command_was_written_is_no_answer_to_it() {
    // Even where nobody looked in between.
    let (packet, unasked) = (b"\0\0\0\x01c", ResponseViolation::Unasked { letter: b'c' });
    for early in 1..=packet.len() {
        let mut asking = Asking::agreed(0);
        asking.sends(C::Abort).unwrap();
        let (before, after) = packet.split_at(early);
        asking.mta().receive(before);
        asking.mta().send(&sample(C::Helo)).unwrap();
        let mut heard = asking.looks();
        if early < packet.len() {
            assert_eq!(heard, Ok(vec![]), "{early}: it is not known yet what it will be");
            heard = asking.hear(after);
        }
        assert_eq!(heard, Err(unasked.into()), "{early}");
    }
}

#[test]
fn s075_what_comes_after_quit_is_not_looked_at() {
    let mut asking = Asking::agreed(0);
    assert_eq!(asking.sends(C::Quit), Ok((Sent::Unanswered, "Q".into())));
    assert_eq!(asking.hear(b"\0\0\0\x01c"), Ok(vec![Told::Closed]));
    assert_eq!(asking.sends(C::Quit), Err(SendError::Closed));
}

#[test]
fn s076_one_space_is_dropped_from_a_header() {
    let mut asking = Asking::agreed(0);
    for (after_colon, shown) in [
        (" two", "two"),
        ("  two", " two"),
        ("two", "two"),
        ("\t two", "\t two"),
        (" \ttwo", "\ttwo"),
        (" ", ""),
        ("", ""),
        (" two ", "two "),
    ] {
        let value = asking.mta().header_value(after_colon.as_bytes());
        assert_eq!(value.escape_ascii().to_string(), shown.as_bytes().escape_ascii().to_string());
    }
}

#[test]
fn s076_nothing_is_dropped_where_the_space_was_agreed() {
    let mut asking = Asking::agreed(0x0010_0000);
    for value in [" two", "  two", "two", "\ttwo", " "] {
        assert_eq!(*asking.mta().header_value(value.as_bytes()), *value.as_bytes());
    }
}

#[test]
fn s077_headers_are_folded_by_lf_and_have_no_final_line_end() {
    let mut asking = Asking::agreed(0);
    for (after_colon, shown) in [
        (" a\r\n\tb\r\n", "a\n\tb"),
        (" a\n b\n", "a\n b"),
        ("\r\n v\r\n", "\n v"),
        (" a\r b\r\r\n", "a\r b\r"),
        (" a", "a"),
    ] {
        let value = asking.mta().header_value(after_colon.as_bytes());
        assert_eq!(value.escape_ascii().to_string(), shown.as_bytes().escape_ascii().to_string());
    }
    let value = asking.mta().header_value(b" a\r\n\tb\r\n").into_owned();
    let header = Header::new("X".try_into().unwrap(), Text::new(&value).unwrap()).unwrap();
    asking.passes(C::Mail);
    asking.mta().send(&Command::Header(header)).unwrap();
    assert_eq!(asking.written(), packet(b'L', b"X\0a\n\tb\0"));
}

#[test]
fn s078_the_body_is_sent_as_it_is_given() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Mail);
    let chunk = BodyChunk::split(b"line1\r\n\r\n.dot\r\n").next().unwrap();
    asking.mta().send(&Command::Body(chunk)).unwrap();
    assert_eq!(asking.written(), packet(b'B', b"line1\r\n\r\n.dot\r\n"));
}

#[test]
fn s079_the_body_is_cut_at_65535_octets() {
    let body = [&b"x".repeat(65_534)[..], b"\r\n", &b"y".repeat(65_534)].concat();
    let chunks: Vec<_> = BodyChunk::split(&body).map(|chunk| chunk.len()).collect();
    assert_eq!(chunks, [65_535, 65_535]);
    assert!(BodyChunk::split(&body).next().unwrap().ends_with(b"\r"), "a line end may be cut in two");
}

#[test]
fn a_header_over_the_limit_cannot_be_built() {
    let value = "v".repeat(65_533);
    let fits = |value: &str| Header::new("X".try_into().unwrap(), value.try_into().unwrap()).is_ok();
    assert!(!fits(&value));
    assert!(fits(&value[1..]));
    assert!(Helo::new(Text::try_from("v".repeat(65_535).as_str()).unwrap()).is_err());
}

#[test]
fn s124_commands_that_are_switched_off_are_not_sent() {
    let bits = [
        (C::Connect, 0x1),
        (C::Helo, 0x2),
        (C::Unknown, 0x100),
        (C::Mail, 0x4),
        (C::Rcpt, 0x8),
        (C::Data, 0x200),
        (C::Header, 0x20),
        (C::EndOfHeaders, 0x40),
        (C::Body, 0x10),
    ];
    for (off, bit) in bits {
        let mut asking = Asking::agreed(bit);
        for (kind, _) in bits {
            let expected = if kind == off { Sent::LeftOut } else { Sent::Awaited };
            assert_eq!(asking.sends(kind).unwrap().0, expected, "{kind} without {off}");
            if expected == Sent::Awaited {
                assert_ne!(asking.answer(b'c'), Scope::Message);
            }
        }
    }
}

#[test]
fn s124_commands_without_reply_are_not_waited_for() {
    let bits = [
        (C::Connect, 0x1000),
        (C::Helo, 0x2000),
        (C::Unknown, 0x2_0000),
        (C::Mail, 0x4000),
        (C::Rcpt, 0x8000),
        (C::Data, 0x1_0000),
        (C::Header, 0x80),
        (C::EndOfHeaders, 0x4_0000),
        (C::Body, 0x8_0000),
    ];
    for (silent, bit) in bits {
        let mut asking = Asking::agreed(bit);
        for (kind, _) in bits {
            let expected = if kind == silent { Sent::Unanswered } else { Sent::Awaited };
            assert_eq!(asking.sends(kind).unwrap().0, expected, "{kind}, silent {silent}");
            match expected {
                Sent::Awaited => assert_eq!(asking.answer(b'c'), Scope::Command),
                _ => assert_eq!(asking.mta().waits_for(), None),
            }
        }
    }
}

#[test]
fn s124_s127_an_answer_that_was_agreed_away_is_unasked() {
    let mut asking = Asking::agreed(0x4000);
    asking.sends(C::Mail).unwrap();
    assert_eq!(asking.hear(b"\0\0\0\x01c"), Err(ResponseViolation::Unasked { letter: b'c' }.into()));
}

#[test]
fn s125_the_end_of_the_message_is_always_sent_and_awaited() {
    for protocol in [0, 0x37f, 0x000f_f080, 0x001f_ffff] {
        let mut asking = Asking::agreed(protocol);
        for kind in [C::Mail, C::Rcpt, C::Data, C::Header, C::EndOfHeaders, C::Body] {
            asking.passes(kind);
        }
        assert_eq!(asking.sends(C::EndOfMessage), Ok((Sent::Awaited, "E".into())), "{protocol:#x}");
    }
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
fn s138_quit_is_sent_and_nothing_awaited_after_it() {
    let mut asking = Asking::agreed(0);
    asking.passes(C::Connect);
    asking.mta().send(&Command::Quit).unwrap();
    assert_eq!(asking.written(), packet(b'Q', b""));
    assert_eq!(asking.hear(b""), Ok(vec![Told::Closed]));
}
