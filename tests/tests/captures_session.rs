//! The recorded sessions once more, with a session of ours in the filter's place: it is asked what the recorded filter
//! was asked, decides what that one decided, and must write the same bytes.
//!
//! What a recorded filter did is turned into a wish (from its answer to the offer) and into an answer for each event
//! (from what it sent until the next command). Where it did what our session cannot be made to do, the capture stands
//! in one of the lists below.

mod filter;

use milter_proto::{
    BodyVerdict, CommandKind, Context, Decoder, FailureVerdict, MacroStage, Modification, ModificationError,
    Options, PROGRESS, Protocol, Response, Session, Step, Wish,
};
use milter_vectors::{Connection, Event, Side, sessions};
use std::collections::VecDeque;
use std::fmt;

/// Of how many recorded connections our session writes the same bytes.
const SAME: usize = 159;

/// What our session cannot be made to do, and why; at both mail servers unless one is named.
const IMPOSSIBLE: [(&str, &str); 15] = [
    ("connfail_connect", "the filter sends SMFIR_CONN_FAIL"),
    ("discard_connect", "the filter discards at CONNECT"),
    ("milter_down", "there is no filter"),
    ("mod_header_newlines", "the filter sends header values and names that break the rules"),
    ("mod_headers", "the filter counts an occurrence from 0"),
    ("mod_not_negotiated", "the filter uses an action that was not negotiated"),
    ("noreply_but_continue", "the filter answers where no answer was agreed"),
    ("reply_percent_raw", "the filter sends a single %"),
    ("reply_to_abort", "the filter answers ABORT"),
    ("postfix/reply_to_abort#2", "the filter answers ABORT, on a second connection"),
    ("shutdown_connect", "the filter sends SMFIR_SHUTDOWN"),
    ("shutdown_eom", "the filter sends SMFIR_SHUTDOWN"),
    ("shutdown_mail", "the filter sends SMFIR_SHUTDOWN"),
    ("skip_header", "the filter skips headers"),
    ("unknown_reply", "the filter sends a letter that no response has"),
];

/// Only what follows the answer to the offer is the same, and why that answer is not.
const AFTER_NEGOTIATION: [(&str, &str); 6] = [
    ("bad_actions", "the filter asks for actions that were not offered"),
    ("mds_1m", "the filter asks for a data size that was not offered"),
    ("mds_256k", "the filter asks for a data size that was not offered"),
    ("version_2", "the filter answers an older version"),
    ("version_4", "the filter answers an older version"),
    ("version_7", "the filter answers a newer version"),
];

/// Everything but the modifications is the same, and why those are not.
const BUT_MODIFICATIONS: [(&str, &str); 4] = [
    ("chgfrom_bare", "the filter sends an address without brackets"),
    ("mod_body_big_packet", "the filter sends a body in one piece that is larger than a packet may be"),
    ("mod_envelope", "the filter sends addresses without brackets"),
    ("mod_then_reject", "the filter sends modifications before a rejection"),
];

/// What became of a replay.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Outcome {
    Same,
    AfterNegotiation,
    ButModifications,
    Impossible(String),
    Different { ours: String, recorded: String },
}

/// One command and what the filter sent until the next one, packet by packet.
#[derive(Debug)]
struct Asked {
    command: u8,
    responses: Vec<Vec<u8>>,
    closed: bool,
}

/// A recorded connection as our session is to live it.
#[derive(Debug, Default)]
struct Play {
    /// What the MTA sent, until the filter closed.
    sent: Vec<u8>,
    offered_version: u8,
    /// The filter's answer to the offer.
    answer: Vec<u8>,
    asked: Vec<Asked>,
}

impl Play {
    fn new(connection: &Connection) -> Self {
        let mut play = Self::default();
        for event in &connection.events {
            match event {
                Event::Packet(packet) if packet.side == Side::Mta => {
                    match packet.letter {
                        b'O' => play.offered_version = packet.payload[3],
                        b'D' => {}
                        command => play.asked.push(Asked { command, responses: Vec::new(), closed: false }),
                    }
                    play.sent.extend(packet.wire());
                }
                Event::Packet(packet) => match play.asked.last_mut() {
                    Some(asked) => asked.responses.push(packet.wire()),
                    None => play.answer = packet.wire(),
                },
                Event::Partial { side: Side::Mta, bytes } => play.sent.extend(bytes),
                Event::End { side: Side::Filter, .. } => {
                    if let Some(asked) = play.asked.last_mut() {
                        asked.closed = true;
                    }
                    break;
                }
                Event::Partial { .. } | Event::End { .. } => {}
            }
        }
        play
    }

    /// What the filter sent, packet by packet.
    fn recorded(&self) -> Vec<Vec<u8>> {
        let responses = self.asked.iter().flat_map(|asked| &asked.responses);
        [&self.answer].into_iter().chain(responses).cloned().collect()
    }

    /// A wish that gives the recorded answer, as far as a wish can.
    fn wish(&self) -> Wish {
        let mut wish = Wish::new();
        let read = with_response(&self.answer, |response| {
            let Response::Negotiate(answer) = response else { panic!("no answer to the offer") };
            let Options { actions, protocol, .. } = answer.options();
            for (kind, off, silent) in SWITCHES {
                if protocol.contains(silent) && !protocol.contains(off) {
                    wish.watches(kind);
                } else if !(protocol.contains(off) || kind == CommandKind::Data && self.offered_version < 4) {
                    wish.answers(kind);
                }
            }
            wish.prefer(actions).request(protocol);
            for (stage, names) in answer.macros().iter() {
                let names: Vec<_> = names.iter().map(String::from_utf8_lossy).collect();
                if let Some(stage) = MacroStage::from_number(stage) {
                    wish.request_macros(stage, &names.join(" "));
                }
            }
        });
        read.unwrap();
        wish.answers(CommandKind::EndOfMessage).watches(CommandKind::Abort).watches(CommandKind::Quit);
        wish
    }
}

const SWITCHES: [(CommandKind, Protocol, Protocol); 9] = [
    (CommandKind::Connect, Protocol::NO_CONNECT, Protocol::NO_REPLY_CONNECT),
    (CommandKind::Helo, Protocol::NO_HELO, Protocol::NO_REPLY_HELO),
    (CommandKind::Mail, Protocol::NO_MAIL, Protocol::NO_REPLY_MAIL),
    (CommandKind::Rcpt, Protocol::NO_RCPT, Protocol::NO_REPLY_RCPT),
    (CommandKind::Data, Protocol::NO_DATA, Protocol::NO_REPLY_DATA),
    (CommandKind::Header, Protocol::NO_HEADERS, Protocol::NO_REPLY_HEADER),
    (CommandKind::EndOfHeaders, Protocol::NO_END_OF_HEADERS, Protocol::NO_REPLY_END_OF_HEADERS),
    (CommandKind::Body, Protocol::NO_BODY, Protocol::NO_REPLY_BODY),
    (CommandKind::Unknown, Protocol::NO_UNKNOWN, Protocol::NO_REPLY_UNKNOWN),
];

fn with_response<T>(wire: &[u8], look: impl FnOnce(Response<'_>) -> T) -> Result<T, String> {
    let mut decoder = Decoder::new();
    decoder.set_limit(1_048_575);
    decoder.receive(wire);
    let packet = decoder.packet().map_err(text)?.ok_or("no whole packet")?;
    Response::decode(packet).map(look).map_err(text)
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Records what a filter recorded; gives its verdict, and how often it said that it was at work.
fn record(asked: &Asked, cx: &mut Context) -> Result<(Option<BodyVerdict>, usize), String> {
    let (mut progress, mut body, mut verdict) = (0, None::<Vec<u8>>, None);
    for wire in &asked.responses {
        if verdict.is_some() {
            return Err("a second answer".into());
        }
        with_response(wire, |response| {
            verdict = Some(match response {
                Response::Progress => {
                    progress += 1;
                    return Ok(());
                }
                Response::Modification(Modification::ReplaceBody(chunk)) => {
                    body.get_or_insert_default().extend_from_slice(chunk.as_bytes());
                    return Ok(());
                }
                Response::Modification(modification) => return modify(modification, cx).map_err(text),
                Response::Continue => BodyVerdict::Continue,
                Response::Accept => BodyVerdict::Accept,
                Response::Discard => BodyVerdict::Discard,
                Response::Reject => BodyVerdict::Reject,
                Response::TempFail => BodyVerdict::TempFail,
                Response::Skip => BodyVerdict::Skip,
                Response::Reply(reply) => BodyVerdict::Reply(reply.to_reply()),
                Response::Negotiate(_) => return Err("an offer in the middle".into()),
            });
            Ok(())
        })??;
    }
    if let Some(body) = body {
        cx.replace_body(body).map_err(text)?;
    }
    Ok((verdict, progress))
}

fn modify(modification: Modification<'_>, cx: &mut Context) -> Result<(), ModificationError> {
    match modification {
        Modification::AddHeader(field) => cx.add_header_raw(field.name().text(), field.value().text()),
        Modification::InsertHeader { index, field } => {
            cx.insert_header_raw(index, field.name().text(), field.value().text())
        }
        Modification::ChangeHeader { occurrence, field } => {
            cx.change_header_raw(field.name().text(), occurrence, field.value().text())
        }
        Modification::ChangeSender(sender) => {
            let arguments = sender.arguments().map(|arguments| arguments.text().to_string());
            cx.change_sender(sender.address().text(), arguments.as_deref())
        }
        Modification::AddRecipient(address) => cx.add_recipient(address.text()),
        Modification::AddRecipientWithArguments(recipient) => {
            let arguments = recipient.arguments().map(|arguments| arguments.text().to_string());
            cx.add_recipient_with_arguments(recipient.address().text(), &arguments.unwrap_or_default())
        }
        Modification::DeleteRecipient(address) => cx.delete_recipient(address.text()),
        Modification::Quarantine(reason) => cx.quarantine(reason.text()),
        Modification::ReplaceBody(_) => unreachable!("gathered by the caller"),
    }
}

/// What our session writes when it reads pieces of this size; `Err` says why it cannot do what was recorded.
fn replay(play: &Play, size: usize) -> Result<Vec<u8>, String> {
    let unanswerable = |asked: &&Asked| b"AQ".contains(&asked.command);
    if let Some(asked) = play.asked.iter().filter(unanswerable).find(|asked| !asked.responses.is_empty()) {
        return Err(format!("an answer to {}", char::from(asked.command)));
    }
    let mut session = Session::new(play.wish());
    session.set_failure_verdict(FailureVerdict::Close);
    let mut asked: VecDeque<&Asked> = play.asked.iter().filter(|asked| !unanswerable(asked)).collect();
    let mut out = Vec::new();
    for piece in play.sent.chunks(size).chain([&[][..]]) {
        session.receive(piece);
        loop {
            let agreement = session.agreement().copied();
            let happened = match session.step() {
                Ok(Step::Read) => break,
                Ok(Step::Write(bytes)) => {
                    out.extend_from_slice(bytes);
                    continue;
                }
                Ok(Step::Event(happened)) => happened,
                Ok(Step::Close) => return Ok(out),
                Err(_) if asked.is_empty() => return Ok(out), // the MTA's stream was cut
                Err(error) => return Err(text(error)),
            };
            let kind = happened.event.kind();
            if matches!(kind, CommandKind::Abort | CommandKind::Quit) {
                continue;
            }
            let asked = asked.pop_front().filter(|asked| asked.command == kind.letter());
            let asked = asked.ok_or_else(|| format!("{kind} was not recorded here"))?;
            let (verdict, progress) = record(asked, happened.context)?;
            let waits = agreement.is_some_and(|agreement| agreement.expects_reply(kind));
            out.extend(PROGRESS.repeat(progress));
            match verdict {
                Some(_) if !waits => return Err(format!("an answer to {kind}, to which none was agreed")),
                Some(verdict) => session.answer(verdict).map_err(text)?,
                None if waits => session.fail(), // it closed, or was too slow
                None => {}
            }
            if asked.closed {
                session.finish();
            }
        }
    }
    Err("the session did not end".into())
}

fn compare(play: &Play, ours: &[u8]) -> Outcome {
    let recorded = play.recorded();
    let all = recorded.concat();
    if ours == all {
        return Outcome::Same;
    }
    let mut packets = Vec::new();
    let mut decoder = Decoder::new();
    decoder.receive(ours);
    while let Ok(Some(packet)) = decoder.packet() {
        packets.push(filter::packet(&[&[packet.letter], packet.payload].concat()));
    }
    if packets.iter().skip(1).eq(recorded.iter().skip(1)) {
        return Outcome::AfterNegotiation;
    }
    let rest = |packets: &[Vec<u8>]| -> Vec<Vec<u8>> {
        packets.iter().filter(|packet| !b"himeb+2-q".contains(&packet[4])).cloned().collect()
    };
    if rest(&packets) == rest(&recorded) {
        return Outcome::ButModifications;
    }
    let at = packets.iter().zip(&recorded).skip(1).take_while(|(one, other)| one == other).count() + 1;
    let show = |packets: &[Vec<u8>]| {
        packets.get(at).map_or_else(
            || "nothing".into(),
            |packet| packet.iter().take(60).copied().collect::<Vec<u8>>().escape_ascii().to_string(),
        )
    };
    Outcome::Different { ours: show(&packets), recorded: show(&recorded) }
}

/// The list that a connection stands in.
fn listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter()
        .any(|(listed, _)| name == *listed || name.split_once('/').is_some_and(|(_, name)| name == *listed))
}

#[test]
fn each_recorded_session_is_lived_again() {
    let mut same = 0;
    for recorded in sessions() {
        for (connection, number) in recorded.connections.iter().zip(1..) {
            let name = &recorded.name;
            let name = if number == 1 { name.clone() } else { format!("{name}#{number}") };
            let play = Play::new(connection);
            let outcome = |size| {
                if play.answer.is_empty() {
                    return Outcome::Impossible("there was no filter".into());
                }
                replay(&play, size).map_or_else(Outcome::Impossible, |ours| compare(&play, &ours))
            };
            let whole = outcome(play.sent.len().max(1));
            // Byte by byte, but for large bodies.
            let size = if play.sent.len() < 100_000 { 1 } else { 4093 };
            assert_eq!(whole, outcome(size), "{name}: it matters how the bytes are cut");
            let expected = match &whole {
                Outcome::Same => {
                    same += 1;
                    ![&IMPOSSIBLE[..], &AFTER_NEGOTIATION, &BUT_MODIFICATIONS]
                        .iter()
                        .any(|list| listed(list, &name))
                }
                Outcome::AfterNegotiation => listed(&AFTER_NEGOTIATION, &name),
                Outcome::ButModifications => listed(&BUT_MODIFICATIONS, &name),
                Outcome::Impossible(_) => listed(&IMPOSSIBLE, &name),
                Outcome::Different { .. } => false,
            };
            assert!(expected, "{name}: {whole:?}");
        }
    }
    assert_eq!(same, SAME);
}
