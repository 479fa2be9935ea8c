//! The format itself: what it says, what it refuses, and that printing loses nothing.

use milter_vectors::{
    Event, How, Mark, Packet, Side, format_event, format_session, parse_event, parse_examples, parse_session,
};

#[test]
fn lines_and_their_meaning() {
    let legal = |side, letter, payload: &[u8]| {
        Event::Packet(Packet { side, letter, payload: payload.to_vec(), mark: Mark::Legal, line: 7 })
    };
    let wide = [b"X\0".to_vec(), vec![b'w'; 40], b"\0".to_vec()].concat();
    for (line, event) in [
        ("M E", legal(Side::Mta, b'E', b"")),
        (r#"M C "h\0" "4" u16:42288 "::1\0""#, legal(Side::Mta, b'C', b"h\x004\xa50::1\0")),
        (r#"M C "h\0" "U""#, legal(Side::Mta, b'C', b"h\0U")),
        (r#"M C "h""#, legal(Side::Mta, b'C', b"h")),
        (r#"M D "C" "j\0" "\"\\\t\xff\0""#, legal(Side::Mta, b'D', b"Cj\0\"\\\t\xff\0")),
        (r#"M B "a\r\n"*4 "a\r""#, legal(Side::Mta, b'B', b"a\r\na\r\na\r\na\r\na\r")),
        (r#"M L "X\0" "w"*40 "\0""#, legal(Side::Mta, b'L', &wide)),
        (r#"F m u32:0x0000000a "A\0" "\0""#, legal(Side::Filter, b'm', b"\0\0\0\x0aA\0\0")),
        (r#"F i "\0" "\x01""#, legal(Side::Filter, b'i', b"\0\x01")),
        (r##"F \x23 "#""##, legal(Side::Filter, b'#', b"#")),
        (r"F \0", legal(Side::Filter, b'\0', b"")),
        ("M eof", Event::End { side: Side::Mta, how: How::Eof }),
        ("F reset", Event::End { side: Side::Filter, how: How::Reset }),
        ("F refused", Event::End { side: Side::Filter, how: How::Refused }),
        (
            r#"M partial "\0" "\0" "\0" "\x05C""#,
            Event::Partial { side: Side::Mta, bytes: b"\0\0\0\x05C".to_vec() },
        ),
    ] {
        assert_eq!(parse_event(line, 7).as_ref(), Ok(&event), "{line}");
        assert_eq!(format_event(&event), line);
    }
}

#[test]
fn marks() {
    let mark = |line| match parse_event(line, 1) {
        Ok(Event::Packet(packet)) => packet.mark,
        other => panic!("{other:?}"),
    };
    assert_eq!(mark(r#"F! y "2 # 3\0"  # no code # at all"#), Mark::Illegal("no code # at all".into()));
    assert_eq!(mark("F? f  # unsupported: SMFIR_CONN_FAIL"), Mark::Unsupported("SMFIR_CONN_FAIL".into()));
}

#[test]
fn lines_that_are_refused() {
    for (line, message) in [
        ("M", "neither an event nor a comment"),
        ("X c", "`X` is not a side: M or F"),
        ("Filter c", "a mark without its reason"),
        ("F~ c  # why", "`~` is not a mark: ! or ?"),
        ("F! c", "a mark without its reason"),
        ("F? f  # SMFIR_CONN_FAIL", "the reason lacks `unsupported: `"),
        ("F c  # fine", "a comment without a mark"),
        ("F close", "`close` is neither a letter nor an end"),
        (r#"F y "550 no"#, "a quote is not closed"),
        (r#"F y "a""b""#, "no space before `\"b\"`"),
        (r#"F y "\q""#, "unknown escape \\q"),
        (r#"F y "\x0g""#, "\\x without two hex digits"),
        (r#"F y "é""#, "'é' must be written as an escape"),
        (r#"F y "x"*many"#, "`many` is not a number of repeats"),
        (r#"F y "x"*99999999999"#, "more than 16777216 bytes"),
        ("F m u32:0x1", "`u32:0x1` does not have eight hex digits"),
        ("M C u16:65536", "`u16:65536` is not a number below 65536"),
        ("F y 550", "`550` is not a term"),
    ] {
        assert_eq!(parse_event(line, 1), Err(message.into()), "{line}");
    }
}

#[test]
fn errors_name_file_and_line() {
    let error = |text: &str| parse_session("postfix/plain", text).unwrap_err().to_string();
    let head = "# mta: M 1\n# description: d\n\n";
    assert_eq!(error(&format!("{head}connection 1\nF y 550\n")), "postfix/plain.txt:5: `550` is not a term");
    assert_eq!(error(&format!("{head}F c\n")), "postfix/plain.txt:4: an event before the first connection");
    assert_eq!(error(&format!("{head}connection 2\n")), "postfix/plain.txt:4: connection 1 was expected");
    assert_eq!(error("# mta: M 1\n# mta: M 2\n"), "postfix/plain.txt:2: a second `# mta: …` line");
    assert_eq!(error("# mta: M 1\n"), "postfix/plain.txt:1: no `# description: …` line");

    let error = parse_examples("conformance.txt", "1 mta valid 00000001 63\n2 mta valid 0\n").unwrap_err();
    assert_eq!(error.to_string(), "conformance.txt:2: `0` is not whole bytes in hex");
}

#[test]
fn printing_loses_nothing() {
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for letter in 0..=u8::MAX {
        for round in 0..40 {
            let mut payload = Vec::new();
            while payload.len() < round * 4 {
                let byte = [0, b'\n', b'\r', b'"', b'\\', b'4', b'x', b' ', random(256) as u8][random(9)];
                payload.extend(vec![byte; [1, 1, 1, 2, 5, 40][random(6)]]);
            }
            let side = [Side::Mta, Side::Filter][random(2)];
            let mark =
                [Mark::Legal, Mark::Illegal("a".into()), Mark::Unsupported("b".into())][random(3)].clone();
            for event in [
                Event::Partial { side, bytes: payload.clone() },
                Event::Packet(Packet { side, letter, payload, mark, line: 1 }),
            ] {
                let line = format_event(&event);
                assert_eq!(parse_event(&line, 1), Ok(event), "{line}");
            }
        }
    }
}

#[test]
fn a_session_prints_as_it_was_read() {
    let text = "# mta: M 1\n# description: d: e\n# session: why\n# note: a\n# note: b\n\nconnection 1\nM Q\nM eof\n\nconnection 2\n";
    let session = parse_session("a/b", text).unwrap();
    assert_eq!((session.name.as_str(), session.description.as_str()), ("a/b", "d: e"));
    assert_eq!(session.breaks_rules.as_deref(), Some("why"));
    assert_eq!(session.connections.len(), 2);
    assert_eq!(format_session(&session), text);
}
