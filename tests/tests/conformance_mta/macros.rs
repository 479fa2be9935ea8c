//! The lists of macros that a filter asks for, and the macros that are sent.

use super::{answered, offering, written};
use milter_proto::{
    Command, CommandKind as C, DecodeError, DefineMacros, Error, MacroPairsBuf, SendError, Sent,
};
use milter_tests::{Asking, Told, letters, packet, sample, words};

fn lists(lists: &[(u32, &str)]) -> Vec<u8> {
    let mut payload = words(6, 0x1ff, 0);
    for (stage, names) in lists {
        payload.extend(stage.to_be_bytes());
        payload.extend(names.as_bytes());
        payload.push(0);
    }
    payload
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
