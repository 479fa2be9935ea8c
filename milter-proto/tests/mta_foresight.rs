//! What the MTA's side tells before a command is sent: whether it would be, and which macros the filter asked for.

use milter_proto::{Command, CommandKind, Heard, MacroStage, Mail, Mta, Options, Sent, Step};

/// An MTA whose offer was answered by these words and lists.
fn answered(protocol: u32, lists: &[u8]) -> Mta {
    let mut mta = Mta::new(Options::CURRENT);
    assert!(matches!(mta.step(), Ok(Step::Write(_))));
    let payload = [&6u32.to_be_bytes()[..], &0x1ffu32.to_be_bytes(), &protocol.to_be_bytes(), lists].concat();
    mta.receive(&u32::try_from(payload.len() + 1).unwrap().to_be_bytes());
    mta.receive(&[b"O", &payload[..]].concat());
    assert!(matches!(mta.step(), Ok(Step::Event(Heard::Negotiated(_)))));
    mta
}

fn hear(mta: &mut Mta, answer: &[u8]) {
    assert!(matches!(mta.step(), Ok(Step::Write(_))));
    mta.receive(answer);
    assert!(matches!(mta.step(), Ok(Step::Event(Heard::Decided(_)))));
}

#[test]
fn what_would_be_left_out_is_left_out() {
    // No CONNECT, no HELO.
    let mut mta = answered(0x3, b"");
    for (command, left_out) in [
        (CommandKind::Connect, true),
        (CommandKind::Helo, true),
        (CommandKind::Mail, false),
        (CommandKind::EndOfMessage, false),
        (CommandKind::Quit, false),
    ] {
        assert_eq!(mta.leaves_out(command), left_out, "{command}");
    }
    let mail = Mail::new("<a@b>".try_into().unwrap(), Default::default()).unwrap();
    assert_eq!(mta.send(&Command::Mail(mail)), Ok(Sent::Awaited));
    hear(&mut mta, b"\0\0\0\x01a");
    for command in [CommandKind::Rcpt, CommandKind::Header, CommandKind::EndOfMessage] {
        assert!(mta.leaves_out(command), "{command}: the message is accepted");
    }
    assert!(!mta.leaves_out(CommandKind::Mail), "the next one is not");
}

#[test]
fn a_skipped_body_would_be_left_out() {
    let mut mta = answered(0x40f, b"");
    let chunk = milter_proto::BodyChunk::split(b"a").next().unwrap();
    assert_eq!(mta.send(&Command::Body(chunk)), Ok(Sent::Awaited));
    assert!(!mta.leaves_out(CommandKind::Body));
    hear(&mut mta, b"\0\0\0\x01s");
    assert!(mta.leaves_out(CommandKind::Body));
    assert_eq!(mta.send(&Command::Body(chunk)), Ok(Sent::LeftOut));
    assert!(!mta.leaves_out(CommandKind::EndOfMessage));
}

#[test]
fn macros_are_told_by_stage_without_braces() {
    let mta = answered(0, b"\0\0\0\x02i {auth_authen}\0\0\0\0\x05\0");
    let asked = |stage| mta.macros_asked(stage).map(Iterator::collect::<Vec<_>>);
    assert_eq!(asked(MacroStage::Mail), Some(vec![&b"i"[..], b"auth_authen"]));
    assert_eq!(asked(MacroStage::EndOfMessage), None, "an empty list is none");
    assert_eq!(asked(MacroStage::Connect), None);
}
