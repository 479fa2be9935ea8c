//! What commands carry, which of them are sent, and which are waited for.

use super::written;
use milter_proto::{
    BodyChunk, Command, CommandKind as C, Connect, Error, Header, Helo, Peer, ResponseViolation, Scope,
    SendError, Sent, Text,
};
use milter_tests::{Asking, Told, packet, sample};

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
