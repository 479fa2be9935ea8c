//! What an application says, however hostile the mail is that it quotes: it is refused as a typed error, or what is sent
//! for it is canonical, and neither CR nor LF nor NUL gets to where it would mean something.

use crate::session::words;
use crate::{frame, packets_of, replies};
use milter_proto::{
    Actions, BodyVerdict, CommandKind, Context, Event, ModificationError, Options, Packet, Protocol,
    Response, Session, SmtpReply, Step, Wish,
};

/// A filter that says all it has to say at the end of a message.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The actions that it declared, and that are offered.
    pub actions: Actions,
    /// Whether header values are with their leading space.
    pub leading_space: bool,
    /// Whether headers are counted.
    pub track_headers: bool,
    /// The names of the headers that the message has.
    pub headers: Vec<String>,
    /// What it records.
    pub calls: Vec<Call>,
    /// Its verdict.
    pub ending: Ending,
}

/// A verdict, or a text that becomes one.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Ending {
    Continue,
    Accept,
    /// [`SmtpReply::reject`].
    Reject(String),
    /// [`SmtpReply::quoting`], or a rejection where the codes are wrong.
    Quote(u16, String, String),
    /// A line as an operator wrote it, or a rejection where it is wrong.
    Read(String),
}

/// A method of `Modifications`, and what it is given.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Call {
    AddHeader(Vec<u8>, Vec<u8>),
    InsertHeader(u32, Vec<u8>, Vec<u8>),
    ChangeHeader(Vec<u8>, u32, Vec<u8>),
    DeleteHeader(Vec<u8>, u32),
    DeleteAllHeaders(Vec<u8>),
    AddHeaderRaw(Vec<u8>, Vec<u8>),
    InsertHeaderRaw(u32, Vec<u8>, Vec<u8>),
    ChangeHeaderRaw(Vec<u8>, u32, Vec<u8>),
    ChangeSender(Vec<u8>, Option<String>),
    AddRecipient(Vec<u8>),
    AddRecipientWithArguments(Vec<u8>, String),
    DeleteRecipient(Vec<u8>),
    ReplaceBody(Vec<u8>),
    Quarantine(Vec<u8>),
}

impl Call {
    fn make(&self, to: &mut Context) -> Result<(), ModificationError> {
        match self {
            Self::AddHeader(name, value) => to.add_header(name, value),
            Self::InsertHeader(index, name, value) => to.insert_header(*index, name, value),
            Self::ChangeHeader(name, occurrence, value) => to.change_header(name, *occurrence, value),
            Self::DeleteHeader(name, occurrence) => to.delete_header(name, *occurrence),
            Self::DeleteAllHeaders(name) => to.delete_all_headers(name),
            Self::AddHeaderRaw(name, value) => to.add_header_raw(name, value),
            Self::InsertHeaderRaw(index, name, value) => to.insert_header_raw(*index, name, value),
            Self::ChangeHeaderRaw(name, occurrence, value) => to.change_header_raw(name, *occurrence, value),
            Self::ChangeSender(address, arguments) => to.change_sender(address, arguments.as_deref()),
            Self::AddRecipient(address) => to.add_recipient(address),
            Self::AddRecipientWithArguments(address, arguments) => {
                to.add_recipient_with_arguments(address, arguments)
            }
            Self::DeleteRecipient(address) => to.delete_recipient(address),
            Self::ReplaceBody(body) => to.replace_body(body.clone()),
            Self::Quarantine(reason) => to.quarantine(reason),
        }
    }

    /// The letter of what is sent for it.
    const fn letter(&self) -> u8 {
        match self {
            Self::AddHeader(..) | Self::AddHeaderRaw(..) => b'h',
            Self::InsertHeader(..) | Self::InsertHeaderRaw(..) => b'i',
            Self::ChangeHeader(..)
            | Self::ChangeHeaderRaw(..)
            | Self::DeleteHeader(..)
            | Self::DeleteAllHeaders(_) => b'm',
            Self::ChangeSender(..) => b'e',
            Self::AddRecipient(_) => b'+',
            Self::AddRecipientWithArguments(..) => b'2',
            Self::DeleteRecipient(_) => b'-',
            Self::ReplaceBody(_) => b'b',
            Self::Quarantine(_) => b'q',
        }
    }

    /// The headers that it changes: each by its name in small letters and its occurrence.
    fn changes(&self, headers: &[String]) -> Vec<(Vec<u8>, u32)> {
        match self {
            Self::ChangeHeader(name, occurrence, _)
            | Self::ChangeHeaderRaw(name, occurrence, _)
            | Self::DeleteHeader(name, occurrence) => vec![(name.to_ascii_lowercase(), *occurrence)],
            Self::DeleteAllHeaders(name) => {
                let of_the_name = headers.iter().filter(|one| one.as_bytes().eq_ignore_ascii_case(name));
                of_the_name.zip(1..).map(|(_, occurrence)| (name.to_ascii_lowercase(), occurrence)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Ending {
    fn verdict(&self) -> BodyVerdict {
        let refused = || SmtpReply::reject("refused");
        BodyVerdict::Reply(match self {
            Self::Continue => return BodyVerdict::Continue,
            Self::Accept => return BodyVerdict::Accept,
            Self::Reject(text) => SmtpReply::reject(text),
            Self::Quote(code, enhanced, text) => {
                SmtpReply::quoting(*code, enhanced, text).unwrap_or_else(|_| refused())
            }
            Self::Read(line) => line.parse().unwrap_or_else(|_| refused()),
        })
    }
}

/// Law: each call is refused by an error that says something, or what is sent for it is canonical and means one thing;
/// nothing else is sent, and after a verdict that is not to deliver only that verdict.
pub fn what_is_said_is_refused_or_canonical(filter: &Filter) {
    let (taken, sent) = say(filter);
    let packets = packets_of(&sent);
    let ((letter, payload), changes) = packets.split_last().expect("a verdict");
    let verdict = filter.ending.verdict();
    match &verdict {
        BodyVerdict::Reply(reply) => {
            replies::built_is_sound(reply);
            assert_eq!((*letter, payload.split_last()), (b'y', Some((&0, reply.view().as_wire()))));
            assert!(changes.is_empty(), "modifications of what is not delivered");
            return;
        }
        BodyVerdict::Accept => assert_eq!(*letter, b'a'),
        _ => assert_eq!(*letter, b'c'),
    }
    for (letter, payload) in changes {
        is_canonical(*letter, payload, filter.actions);
        is_free_of_line_ends(*letter, payload);
    }
    each_is_sent(filter, &taken, changes);
}

/// The calls that were not refused, and what was sent at the end of the message.
fn say(filter: &Filter) -> (Vec<&Call>, Vec<u8>) {
    let mut wish = Wish::new();
    wish.answers(CommandKind::EndOfMessage).watches(CommandKind::Header).prefer(filter.actions);
    if filter.leading_space {
        wish.request(Protocol::LEADING_SPACE);
    }
    let mut session = Session::new(wish);
    if filter.track_headers {
        session.track_headers();
    }
    let offer = Options { actions: filter.actions, ..Options::CURRENT };
    session.receive(&frame(b'O', &words(offer)));
    session.receive(&frame(b'M', b"<a@b>\0"));
    for name in &filter.headers {
        session.receive(&frame(b'L', &[name.as_bytes(), b"\0value\0"].concat()));
    }
    session.receive(&frame(b'E', b""));
    let (mut taken, mut sent) = (Vec::new(), Vec::new());
    loop {
        match session.step().expect("a lawful MTA") {
            Step::Write(octets) => sent.extend_from_slice(octets),
            Step::Event(happened) if matches!(happened.event, Event::EndOfMessage(_)) => {
                sent.clear();
                let was_refused = |error: ModificationError| assert!(!error.to_string().is_empty());
                for call in &filter.calls {
                    let recorded = happened.context.recorded().count();
                    match call.make(happened.context) {
                        Ok(()) => taken.push(call),
                        Err(error) => {
                            was_refused(error);
                            assert_eq!(happened.context.recorded().count(), recorded, "{call:?}");
                        }
                    }
                }
                session.answer(filter.ending.verdict()).expect("a verdict for the end of a message");
            }
            Step::Event(_) => {}
            Step::Read | Step::Close => return (taken, sent),
        }
    }
}

fn is_canonical(letter: u8, payload: &[u8], actions: Actions) {
    match Response::decode(Packet::new(letter, payload)) {
        Ok(Response::Modification(modification)) => {
            assert!(actions.contains(modification.action()), "{modification:?}");
            let mut encoded = Vec::new();
            modification.encode(&mut encoded);
            assert_eq!(encoded, frame(letter, payload));
        }
        other => panic!("{}: {other:?}", char::from(letter)),
    }
}

/// The same written down a second time, without the decoder's help.
fn is_free_of_line_ends(letter: u8, payload: &[u8]) {
    let strings = match letter {
        b'b' => return,
        b'i' | b'm' => &payload[4..],
        _ => payload,
    };
    let strings: Vec<&[u8]> = strings.strip_suffix(b"\0").expect("a final NUL").split(|o| *o == 0).collect();
    match (letter, &strings[..]) {
        (b'h' | b'i' | b'm', [name, value]) => {
            assert!(
                !name.is_empty() && name.iter().all(|octet| (33..=126).contains(octet) && *octet != b':')
            );
            let ends_line = |at: usize| match value[at] {
                b'\n' => !matches!(value.get(at + 1), Some(b' ' | b'\t')),
                other => other == b'\r',
            };
            assert!(!(0..value.len()).any(ends_line), "{}", value.escape_ascii());
        }
        (b'e' | b'2', [_] | [_, _]) | (b'+' | b'-' | b'q', [_]) => {
            assert!(!strings.concat().iter().any(u8::is_ascii_control));
        }
        _ => panic!("{} strings in {}", strings.len(), char::from(letter)),
    }
}

/// What was taken is sent, once; of several changes of one header and of several bodies the last.
fn each_is_sent(filter: &Filter, taken: &[&Call], changes: &[(u8, Vec<u8>)]) {
    let sent = |wanted: u8| changes.iter().filter(move |(letter, _)| *letter == wanted);
    for wanted in *b"hie+2-q" {
        let taken = taken.iter().filter(|call| call.letter() == wanted).count();
        assert_eq!(sent(wanted).count(), taken, "{}", char::from(wanted));
    }
    let mut changed: Vec<_> = taken.iter().flat_map(|call| call.changes(&filter.headers)).collect();
    changed.sort_unstable();
    changed.dedup();
    assert_eq!(sent(b'm').count(), changed.len());
    let body = taken.iter().rev().find_map(|call| match call {
        Call::ReplaceBody(body) => Some(body),
        _ => None,
    });
    let pieces: Vec<_> = sent(b'b').collect();
    match body {
        None => assert!(pieces.is_empty()),
        Some(body) => {
            assert_eq!(pieces.len(), body.chunks(65535).len().max(1));
            assert_eq!(
                pieces.iter().flat_map(|(_, piece)| piece).collect::<Vec<_>>(),
                body.iter().collect::<Vec<_>>()
            );
        }
    }
}
