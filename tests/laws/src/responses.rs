//! Responses: what is encoded decodes to the same, and what decodes encodes to the same bytes.

use crate::commands::options;
use crate::octets::{octets, spoilt, string, text};
use crate::replies::parts;
use crate::{frame, with_packet};
use milter_proto::{
    Address, AddressAndArguments, ArgumentText, HeaderField, HeaderName, HeaderValue, MacroRequestsBuf,
    MacroStage, Modification, OptionsAnswer, Reason, ReplacementChunk, Response, SmtpReply,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Requests for macros at stages.
#[derive(Clone, Debug)]
pub struct Requests(pub Vec<(MacroStage, String)>);

/// What a response is built of. Views of it are lent by [`view`](Self::view).
#[derive(Clone, Debug)]
pub enum OwnedResponse {
    /// Version, actions, protocol; lists of macros.
    Negotiate([u32; 3], MacroRequestsBuf),
    /// One that is nothing but its letter.
    Bare(u8),
    /// A reply that was built.
    Reply(SmtpReply),
    /// `h`, `i` or `m`: index, name, value.
    Header(u8, u32, Vec<u8>, Vec<u8>),
    /// `e`, `+`, `2` or `-`: address and arguments.
    Address(u8, Vec<u8>, Option<Vec<u8>>),
    /// A piece of a body.
    ReplaceBody(Vec<u8>),
    /// A reason.
    Quarantine(Vec<u8>),
}

impl OwnedResponse {
    /// An answer to an offer.
    pub fn negotiate(words: [u32; 3], requests: &[(MacroStage, String)]) -> Self {
        let mut lists = MacroRequestsBuf::new();
        requests.iter().for_each(|(stage, names)| lists.request(*stage, names));
        Self::Negotiate(words, lists)
    }

    /// The response, unless a constructor refuses it.
    pub fn view(&self) -> Option<Response<'_>> {
        let modification = match self {
            Self::Negotiate(words, lists) => {
                return Some(Response::Negotiate(OptionsAnswer::new(options(*words), lists.view()).ok()?));
            }
            Self::Bare(letter) => return Some(bare(*letter)),
            Self::Reply(reply) => return Some(Response::Reply(reply.view())),
            Self::Header(letter, place, name, value) => {
                let field =
                    HeaderField::new(HeaderName::new(name).ok()?, HeaderValue::new(value).ok()?).ok()?;
                match letter {
                    b'h' => Modification::AddHeader(field),
                    b'i' => Modification::InsertHeader { index: *place, field },
                    _ => Modification::ChangeHeader { occurrence: *place, field },
                }
            }
            Self::Address(letter, address, arguments) => {
                let address = Address::new(address).ok()?;
                let arguments = arguments.as_ref().map(ArgumentText::new).transpose().ok()?;
                match letter {
                    b'e' => Modification::ChangeSender(AddressAndArguments::new(address, arguments)),
                    b'2' => {
                        Modification::AddRecipientWithArguments(AddressAndArguments::new(address, arguments))
                    }
                    b'+' => Modification::AddRecipient(address),
                    _ => Modification::DeleteRecipient(address),
                }
            }
            Self::ReplaceBody(body) => Modification::ReplaceBody(ReplacementChunk::split(body).next()?),
            Self::Quarantine(reason) => Modification::Quarantine(Reason::new(reason).ok()?),
        };
        Some(Response::Modification(modification))
    }
}

fn bare(letter: u8) -> Response<'static> {
    match letter {
        b'c' => Response::Continue,
        b'a' => Response::Accept,
        b'd' => Response::Discard,
        b'r' => Response::Reject,
        b't' => Response::TempFail,
        b's' => Response::Skip,
        _ => Response::Progress,
    }
}

/// Law: what can be built fits into a packet, survives the wire, and what it holds obeys the rules for what is sent.
pub fn built_is_encoded_is_decoded(response: &OwnedResponse) {
    let Some(view) = response.view() else { return };
    let mut encoded = Vec::new();
    view.encode(&mut encoded);
    assert!(encoded.len() <= 4 + 65536, "{} octets", encoded.len());
    with_packet(&encoded, |packet| {
        assert_eq!(packet.letter, view.letter());
        assert_eq!(Response::decode(packet), Ok(view));
    });
}

/// Law: whatever decodes encodes to the same bytes.
pub fn decoded_is_encoded(letter: u8, payload: &[u8]) {
    let received = frame(letter, payload);
    with_packet(&received, |packet| {
        let Ok(response) = Response::decode(packet) else { return };
        let mut encoded = Vec::new();
        response.encode(&mut encoded);
        assert_eq!(encoded, received);
        assert_eq!(response.letter(), letter);
        let _ = format!("{response:?}");
    });
}

/// Law: any requests make an answer. Each stage has the first list that was asked for it, and the end of the headers
/// that of the end of the message where it has none of its own.
pub fn any_requests_make_an_answer(requests: &[(MacroStage, String)]) {
    let mut lists = MacroRequestsBuf::new();
    for (stage, names) in requests {
        lists.request(*stage, names);
    }
    let answer = OptionsAnswer::new(options([6, 0x100, 0]), lists.view()).expect("requests are bounded");
    let mut encoded = Vec::new();
    Response::Negotiate(answer).encode(&mut encoded);
    with_packet(&encoded, |packet| {
        assert_eq!(Response::decode(packet), Ok(Response::Negotiate(answer)));
    });
    if requests.iter().map(|(_, names)| names.len() * 4).sum::<usize>() > 30000 {
        return; // Not all need fit.
    }
    let asked =
        |stage: MacroStage| requests.iter().find(|(asked, _)| *asked == stage).map(|(_, names)| names);
    for number in 0..7 {
        let stage = MacroStage::from_number(number).expect("a stage");
        let names = match stage {
            MacroStage::EndOfHeaders => asked(stage).or_else(|| asked(MacroStage::EndOfMessage)),
            _ => asked(stage),
        };
        let mut found = answer.macros().iter().filter(|(found, _)| *found == number);
        let found = (found.next().map(|(_, names)| names), found.count());
        match (names, found) {
            (None, (None, 0)) => {}
            (Some(names), (Some(found), 0)) => {
                let names = names
                    .split(|c: char| c == ',' || c.is_whitespace() || c.is_control())
                    .map(without_braces);
                let found =
                    found.iter().map(|name| without_braces(std::str::from_utf8(name).expect("a name")));
                assert!(found.eq(names.filter(|name| !name.is_empty())));
            }
            other => panic!("{stage:?}: {other:?}"),
        }
    }
}

fn without_braces(name: &str) -> &str {
    name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name)
}

/// Requests for macros: any text at any stage, some very long.
pub fn requests() -> BoxedStrategy<Vec<(MacroStage, String)>> {
    let stage = (0..7u32).prop_map(|number| MacroStage::from_number(number).expect("a stage"));
    vec((stage, string(33000)), 0..9).boxed()
}

/// Any response, also such as cannot be built.
pub fn response() -> BoxedStrategy<OwnedResponse> {
    let printable = |most: usize| {
        text(most).prop_map(|text| text.into_iter().filter(|octet| !octet.is_ascii_control()).collect())
    };
    let address = || prop_oneof![1 => text(32767), 4 => printable(32767)];
    let name = prop_oneof![4 => "[!-9;-~]{1,20}".prop_map(String::into_bytes), 1 => text(65530)];
    let value = prop_oneof![
        1 => text(65530),
        4 => printable(65529),
        2 => vec(select(&["a", "\n ", "\n\t", "é", "%"][..]), 0..8).prop_map(|parts| parts.concat().into_bytes()),
    ];
    prop_oneof![
        2 => (any::<[u32; 3]>(), requests())
            .prop_map(|(words, requests)| OwnedResponse::negotiate(words, &requests)),
        1 => select(&b"cadrtsp"[..]).prop_map(OwnedResponse::Bare),
        2 => parts().prop_filter_map("cannot be sent", |parts| {
            let enhanced = parts.enhanced.as_deref();
            SmtpReply::lines(parts.code, enhanced, &parts.lines).ok().map(OwnedResponse::Reply)
        }),
        4 => (select(&b"him"[..]), any::<u32>(), name, value)
            .prop_map(|(letter, place, name, value)| OwnedResponse::Header(letter, place, name, value)),
        4 => (select(&b"e+2-"[..]), address(), proptest::option::of(address()))
            .prop_map(|(letter, address, arguments)| OwnedResponse::Address(letter, address, arguments)),
        1 => octets(65537).prop_map(OwnedResponse::ReplaceBody),
        1 => address().prop_map(OwnedResponse::Quarantine),
    ]
    .boxed()
}

/// A modification as it is on the wire, and now and then what is none.
pub fn modification() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let name = || select(&["A", "a", "Name", "Received", "Date", "X"][..]);
    let value = || select(&["", "", "new", "two\n lines", " spaced"][..]);
    let address = || select(&["<a@b>", "a@b", "<c@d>"][..]);
    prop_oneof![
        3 => (select(&b"him"[..]), 0..4u32, name(), value()).prop_map(|(letter, place, name, value)| {
            let place = if letter == b'h' { Vec::new() } else { place.to_be_bytes().to_vec() };
            (letter, [&place[..], name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat())
        }),
        2 => (select(&b"e+2-"[..]), address(), any::<bool>()).prop_map(|(letter, address, more)| {
            let arguments = if more && b"e2".contains(&letter) { "NOTIFY=NEVER\0" } else { "" };
            (letter, [address, "\0", arguments].concat().into_bytes())
        }),
        2 => vec(select(&["a", "\r", "\n", "\r\n"][..]), 0..6)
            .prop_map(|parts| (b'b', parts.concat().into_bytes())),
        1 => Just((b'q', b"why\0".to_vec())),
        1 => letter_and_payload(),
    ]
}

/// A letter and a payload that may be a response: often a sound one with something done to it.
pub fn letter_and_payload() -> BoxedStrategy<(u8, Vec<u8>)> {
    let letter = || prop_oneof![8 => select(&b"Ocadrtspyhime+2-bqf4l"[..]), 1 => any::<u8>()];
    let sound = response().prop_filter_map("cannot be built", |response| {
        let mut wire = Vec::new();
        response.view()?.encode(&mut wire);
        Some(wire)
    });
    prop_oneof![
        1 => (letter(), octets(65535)),
        1 => (letter(), vec(text(300), 0..4).prop_map(|texts| texts.join(&0))),
        4 => sound.prop_flat_map(|wire| {
            let payload = wire[5..].to_vec();
            (Just(wire[4]), prop_oneof![1 => Just(payload.clone()), 4 => spoilt(Just(payload))])
        }),
    ]
    .boxed()
}
