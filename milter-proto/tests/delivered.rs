//! What Postfix and Sendmail really delivered after a real filter's modifications, against [`Message`].
//!
//! The packets come from the recorded sessions of `milter-vectors`; what the next hop got then stands in
//! `tests/delivered`, with the trace header of the recording shortened, and without `SIZE` and `ORCPT`, which an MTA
//! writes by itself.

use milter_proto::{Command, Decoder, EnvelopeAddress, Message, MtaRules, Packet, Protocol, Response};
use milter_vectors::{Session, Side};
use std::path::Path;

const OWN_RECEIVED: &str = "from client.test\n\tby mta.example.test";

#[test]
fn a_message_becomes_what_postfix_delivered() {
    for name in SCENARIOS {
        check("postfix", name, MtaRules::Postfix);
    }
}

#[test]
fn a_message_becomes_what_sendmail_delivered() {
    for name in SCENARIOS {
        check("sendmail", name, MtaRules::Sendmail);
    }
}

#[test]
fn a_quarantined_message_has_the_reason() {
    for mta in ["postfix", "sendmail"] {
        let session = session(&format!("{mta}/quarantine"));
        let mut message = Message::parse(PLAIN.as_bytes());
        apply_all(&mut message, &session);
        assert_eq!(message.quarantined(), Some(b"looks fishy".as_slice()), "{mta}");
    }
}

fn check(mta: &str, name: &str, rules: MtaRules) {
    let name = format!("{mta}/{name}");
    let session = session(&name);
    let leading_space = leading_space(&session);
    let content = if name.contains("headers") || name.contains("folded") { FOLDED } else { PLAIN };
    let mut message = Message::parse(content.as_bytes())
        .with_rules(rules)
        .with_own_received(OWN_RECEIVED)
        .with_leading_space(leading_space);
    is_shown_as_recorded(&message, leading_space, &session);
    take_envelope(&mut message, &session);

    apply_all(&mut message, &session);

    let written = String::from_utf8(message.to_bytes()).unwrap();
    assert_eq!(envelope(&message) + "\n" + &tidied(&written, rules), delivered(&name), "{name}");
}

/// Headers and body as [`Message`] splits them are those that the MTA showed the filter.
fn is_shown_as_recorded(message: &Message, leading_space: bool, session: &Session) {
    let shown =
        message.headers().map(|header| (header.name().to_vec(), header.value(leading_space).into_owned()));
    let (mut headers, mut body) = (Vec::new(), Vec::new());
    each_packet(session, Side::Mta, |packet| match Command::decode(packet) {
        Ok(Command::Header(header)) => headers.push((header.name().to_vec(), header.value().to_vec())),
        Ok(Command::Body(chunk)) => body.extend_from_slice(&chunk),
        _ => {}
    });
    assert_eq!(shown.collect::<Vec<_>>(), headers, "{}", session.name);
    assert_eq!(message.body(), body, "{}", session.name);
}

/// The recipients that the filter saw, less those that it rejected.
fn take_envelope(message: &mut Message, session: &Session) {
    let mut seen = None;
    for packet in session.packets() {
        match (packet.side, packet.letter, seen.take()) {
            (Side::Mta, b'M', _) => message.set_sender(address(&packet.payload)),
            (Side::Mta, b'R', _) => seen = Some(address(&packet.payload)),
            (Side::Filter, b'c', Some(recipient)) => message.add_recipient(recipient),
            (Side::Mta, b'T', _) => return,
            _ => {}
        }
    }
}

fn address(payload: &[u8]) -> EnvelopeAddress {
    EnvelopeAddress::new(payload.split(|octet| *octet == 0).next().unwrap())
}

/// What both MTAs do on their own: no white space before a colon. Sendmail writes address headers anew.
fn tidied(written: &str, rules: MtaRules) -> String {
    let written = written.replace("X-SpaceColon : ", "X-SpaceColon: ").replace("\r\n", "\n");
    match rules {
        MtaRules::Sendmail => written.replace(",\n carol", ", carol").replace(",\n\tdave", ", dave"),
        _ => written,
    }
}

fn envelope(message: &Message) -> String {
    let mut recipients: Vec<_> = message.recipients().iter().map(|one| line("recipient", one)).collect();
    recipients.sort();
    line("sender", message.sender()) + &recipients.concat()
}

fn line(what: &str, address: &EnvelopeAddress) -> String {
    let arguments = address.arguments().map(|arguments| format!(" {}", arguments.escape_ascii()));
    format!("{what} <{}>{}\n", address.without_brackets().escape_ascii(), arguments.unwrap_or_default())
}

fn delivered(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/delivered/{name}.txt"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn session(name: &str) -> Session {
    let all = milter_vectors::sessions();
    all.into_iter().find(|session| session.name == name).expect("a recorded session")
}

fn leading_space(session: &Session) -> bool {
    let mut answers = session.packets().filter(|packet| packet.side == Side::Filter && packet.letter == b'O');
    let word = answers.next().unwrap().payload[8..12].try_into().unwrap();
    Protocol::from_bits_retain(u32::from_be_bytes(word)).contains(Protocol::LEADING_SPACE)
}

fn apply_all(message: &mut Message, session: &Session) {
    each_packet(session, Side::Filter, |packet| {
        if let Ok(Response::Modification(modification)) = Response::decode(packet) {
            message.apply(&modification);
        }
    });
}

fn each_packet(session: &Session, side: Side, mut take: impl FnMut(Packet<'_>)) {
    for connection in &session.connections {
        let mut decoder = Decoder::new();
        decoder.receive(&connection.bytes_from(side));
        while let Some(packet) = decoder.packet().unwrap() {
            take(packet);
        }
    }
}

const SCENARIOS: [&str; 9] = [
    "chgfrom_bare",
    "eom_continue_mods",
    "folded_leadspc",
    "mod_body",
    "mod_envelope",
    "mod_headers",
    "plain_purepython",
    "plain_pymilter",
    "split_bytes",
];

const PLAIN: &str = "From: Alice <alice@sender.test>\r\nTo: Bob <bob@example.test>\r\nSubject: test\r\n\
    Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <lab.1@sender.test>\r\n\r\n\
    Hello, world.\r\nSecond line.\r\n";

const FOLDED: &str = "From: alice@sender.test\r\n\
    To: bob@example.test,\r\n carol@example.test,\r\n\tdave@example.test\r\n\
    Subject: folded\r\n subject with\r\n\ta tab\r\nX-NoSpace:value\r\nX-TwoSpaces:  two\r\nX-Tab:\ttab\r\n\
    X-Empty:\r\nX-EmptySp: \r\nX-Trail: trailing  \r\nX-SpaceColon : before\r\n\
    X-Dup: one\r\nX-Dup: two\r\nX-Dup: three\r\nX-FoldFirst:\r\n value on second line\r\n\
    X-FoldBlank: a\r\n \r\n b\r\nx-lower: case\r\nDate: Mon, 06 Jan 2025 10:00:00 +0000\r\n\
    Message-ID: <lab.2@sender.test>\r\n\r\nbody\r\n";
