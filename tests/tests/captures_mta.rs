//! Every recorded session once more, with our MTA's side in the place of the mail server: it is told the recorded
//! commands, hears the recorded responses, and writes what the mail server wrote, but for the differences that are
//! named and counted here. A filter that breaks the rules is found out, by the error that is named here.

use milter_proto::error::TextKind;
use milter_proto::error::UnsupportedResponse;
use milter_proto::{
    Actions, AnswerError, Command, CommandKind as C, DecodeError, Decoder, Error, Mta, PacketError, Protocol,
    ReplyError, ResponseViolation, Sent, Step, TextError, Version,
};
use milter_vectors::{Connection, Event, How, Packet, Session, Side, sessions};
use std::collections::{BTreeMap, BTreeSet};

/// What came of a packet, and why it is not the same where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    /// The very octets of the mail server.
    Same,
    /// Macros, of which there are none: both mail servers send the empty set, we do not, since it says nothing and
    /// filters are known that close on it.
    EmptySetLeftOut,
    /// HELO in a message: Postfix sends the abort after it, Sendmail before it, we before it.
    AbortBeforeHelo,
    /// QUIT in a message: Sendmail sends no abort.
    AbortBeforeQuit,
    /// A header after SKIP to a header, which Sendmail does not honour: we do. The filter's answer to it is
    /// left out as well.
    SkippedLeftOut,
    /// A packet of the filter that was taken, and made an event.
    Heard,
    /// A connection that was never opened.
    Refused,
}

#[derive(Debug, Default)]
struct Tally(BTreeMap<Became, usize>);

impl Tally {
    fn count(&mut self, became: Became) {
        *self.0.entry(became).or_default() += 1;
    }
}

/// One connection under way.
struct Replay<'a> {
    mta: Mta,
    tally: &'a mut Tally,
    place: String,
    /// The command that the filter answers next was left out.
    left_out: bool,
}

fn command(packet: &Packet, with: impl FnOnce(&Command<'_>)) {
    let mut decoder = Decoder::new();
    decoder.receive(&packet.wire());
    with(&Command::decode(decoder.packet().unwrap().unwrap()).unwrap());
}

/// Plays one connection, to the end or to the error that ends it.
fn play(
    session: &Session,
    connection: &Connection,
    make: fn(Mta) -> Mta,
    tally: &mut Tally,
) -> Result<(), Error> {
    let Some(offer) = connection.packets().next() else {
        assert!(matches!(connection.events[..], [Event::End { side: Side::Filter, how: How::Refused }, ..]));
        tally.count(Became::Refused);
        return Ok(());
    };
    let mut mta = None;
    command(offer, |offer| match offer {
        Command::Negotiate(offer) => mta = Some(make(Mta::new(*offer))),
        other => panic!("{}: {other:?}", session.name),
    });
    let mut replay = Replay { mta: mta.unwrap(), tally, place: String::new(), left_out: false };
    for event in &connection.events {
        match event {
            Event::Packet(packet) => {
                replay.place = format!("{}:{}", session.name, packet.line);
                match packet.side {
                    Side::Mta => command(packet, |command| replay.sends(command, &packet.wire())),
                    Side::Filter => replay.hears(packet)?,
                }
            }
            Event::Partial { side: Side::Filter, bytes } => replay.mta.receive(bytes),
            Event::Partial { side: Side::Mta, .. } => panic!("{}: a cut command", session.name),
            // What a filter says to nobody is not heard.
            Event::End { side: Side::Mta, .. } => return Ok(()),
            Event::End { side: Side::Filter, .. } => {
                replay.mta.receive(b"");
                assert!(replay.writes()?.is_empty());
            }
        }
    }
    Ok(())
}

impl Replay<'_> {
    fn writes(&mut self) -> Result<Vec<u8>, Error> {
        let mut written = Vec::new();
        loop {
            match self.mta.step()? {
                Step::Write(bytes) => written.extend_from_slice(bytes),
                Step::Event(_) => self.tally.count(Became::Heard),
                Step::Read | Step::Close => return Ok(written),
            }
        }
    }

    fn hears(&mut self, packet: &Packet) -> Result<(), Error> {
        if std::mem::take(&mut self.left_out) {
            return Ok(());
        }
        self.mta.receive(&packet.wire());
        assert!(self.writes()?.is_empty(), "{}", self.place);
        Ok(())
    }

    fn sends(&mut self, command: &Command<'_>, wire: &[u8]) {
        let sent = match command {
            Command::Negotiate(_) => Sent::Awaited,
            command => self.mta.send(command).unwrap_or_else(|error| panic!("{}: {error}", self.place)),
        };
        let written = self.writes().unwrap_or_else(|error| panic!("{}: {error}", self.place));
        let aborts = written.strip_prefix(b"\0\0\0\x01A") == Some(wire);
        let became = match command {
            _ if written == wire => Became::Same,
            Command::DefineMacros(define) if define.macros().is_empty() && written.is_empty() => {
                Became::EmptySetLeftOut
            }
            Command::Helo(_) if aborts => Became::AbortBeforeHelo,
            Command::Quit if aborts => Became::AbortBeforeQuit,
            Command::Header(_) if sent == Sent::LeftOut && self.place.starts_with("sendmail/skip_header") => {
                self.left_out = true;
                Became::SkippedLeftOut
            }
            _ => panic!("{}: {sent:?}, and we write \"{}\"", self.place, written.escape_ascii()),
        };
        self.tally.count(became);
    }
}

/// How the connections of a scenario end whose filter breaks the rules, the same at both mail servers.
fn faults() -> BTreeMap<&'static str, Error> {
    let gone = |waiting| Error::from(ResponseViolation::Gone { waiting });
    let unasked = Error::from(ResponseViolation::Unasked { letter: b'c' });
    let unsupported = |response| Error::from(DecodeError::Unsupported(response));
    let actions = Actions::from_bits_retain(0xe00);
    let carriage_return = TextError::Octet { kind: TextKind::HeaderValue, octet: b'\r', at: 3 };
    BTreeMap::from([
        ("bad_actions", AnswerError::Actions { unoffered: actions }.into()),
        ("close_after_reply", gone(None)),
        ("close_connect", gone(Some(C::Connect))),
        ("close_eom", gone(Some(C::EndOfMessage))),
        ("close_eom_accept_default", gone(Some(C::EndOfMessage))),
        ("close_mail", gone(Some(C::Mail))),
        ("connfail_connect", unsupported(UnsupportedResponse::ConnectionFail)),
        ("default_action_quarantine", gone(Some(C::EndOfMessage))),
        ("discard_connect", ResponseViolation::NoAnswer { letter: b'd', command: C::Connect }.into()),
        (
            "mod_body_big_packet",
            PacketError::TooLong { length: 300_001, limit: 65_536, head: 300_001_u32.to_be_bytes() }.into(),
        ),
        (
            "mod_header_newlines",
            DecodeError::Text { packet: "SMFIR_ADDHEADER", error: carriage_return }.into(),
        ),
        (
            "mod_not_negotiated",
            ResponseViolation::NotNegotiated { letter: b'h', needed: Actions::ADD_HEADERS }.into(),
        ),
        ("noreply_but_continue", unasked),
        ("reply_percent_raw", DecodeError::Reply(ReplyError::Percent).into()),
        ("reply_to_abort", unasked),
        ("rst_mail", gone(Some(C::Mail))),
        ("shutdown_connect", unsupported(UnsupportedResponse::Shutdown)),
        ("shutdown_eom", unsupported(UnsupportedResponse::Shutdown)),
        ("shutdown_mail", unsupported(UnsupportedResponse::Shutdown)),
        ("unknown_reply", DecodeError::UnknownResponse(b'X').into()),
        ("version_7", AnswerError::Version { answered: Version(7), offered: Version(6) }.into()),
    ])
}

/// Filters that break the rules, where an MTA bears it.
const BORNE: [&str; 3] = [
    // Bits that were not offered are ignored; `a_strict_mta` does not bear it.
    "mds_1m",
    "mds_256k",
    // The MTA has gone when the answer comes.
    "timeout_mail",
];

#[test]
fn we_write_what_they_wrote_and_find_the_same_faults() {
    let faults = faults();
    let (mut tally, mut connections, mut ended) = (Tally::default(), 0, 0);
    let mut found = BTreeSet::new();
    for session in sessions() {
        let (_, scenario) = session.name.split_once('/').unwrap();
        let mut at_fault = false;
        for connection in &session.connections {
            connections += 1;
            if let Err(error) = play(&session, connection, |mta| mta, &mut tally) {
                assert_eq!(Some(&error), faults.get(scenario), "{}: {error}", session.name);
                at_fault = true;
                ended += 1;
            }
        }
        let breaks_rules = session.breaks_rules.is_some()
            || session.packets().any(|packet| packet.mark != milter_vectors::Mark::Legal);
        assert_eq!(at_fault, breaks_rules && !BORNE.contains(&scenario), "{}", session.name);
        if at_fault {
            found.insert(session.name.clone());
        }
    }
    assert_eq!(found.len(), 41, "sessions whose filter is found out");
    assert_eq!((connections, ended), (208, 42));
    let expected = [
        (Became::Same, 4674),
        (Became::EmptySetLeftOut, 199),
        (Became::AbortBeforeHelo, 1),
        (Became::AbortBeforeQuit, 4),
        (Became::SkippedLeftOut, 12),
        (Became::Heard, 2707),
        (Became::Refused, 2),
    ];
    assert_eq!(tally.0, BTreeMap::from(expected));
}

#[test]
fn a_strict_mta_bears_less() {
    let mut ended = Vec::new();
    for session in sessions() {
        let (_, scenario) = session.name.split_once('/').unwrap();
        for connection in &session.connections {
            match play(&session, connection, Mta::strict, &mut Tally::default()) {
                Err(Error::Answer(AnswerError::Protocol { unoffered })) => {
                    ended.push((session.name.clone(), unoffered));
                }
                Err(error) => assert_eq!(Some(&error), faults().get(scenario), "{}", session.name),
                Ok(()) => {}
            }
        }
    }
    let (large, larger) = (Protocol::DATA_SIZE_256K, Protocol::DATA_SIZE_1M);
    let expected = [
        ("postfix/mds_1m", larger),
        ("postfix/mds_256k", large),
        ("sendmail/mds_1m", larger),
        ("sendmail/mds_256k", large),
    ];
    assert_eq!(ended, expected.map(|(name, unoffered)| (name.to_owned(), unoffered)));
}
