//! Commands: what is encoded decodes to the same, and what decodes encodes to the same or to its canonical form.

mod views;

pub use views::what_is_looked_up_came;

use crate::octets::{octets, spoilt, text};
use crate::{frame, with_packet};
use milter_proto::{
    ArgumentsBuf, BodyChunk, Command, CommandKind, Connect, Data, DefineMacros, EndOfHeaders, Header, Helo,
    MAX_PAYLOAD, MacroPairsBuf, Mail, Options, Peer, Rcpt, Text, Unknown,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a command is built of. Views of it are lent by [`view`](Self::view).
#[derive(Clone, Debug)]
pub enum OwnedCommand {
    /// Version, actions, protocol.
    Negotiate([u32; 3]),
    /// For a command, with names and values.
    DefineMacros(CommandKind, Vec<(Vec<u8>, Vec<u8>)>, MacroPairsBuf),
    /// Host name and peer.
    Connect(Vec<u8>, OwnedPeer),
    /// HELO or an unknown command: one text.
    Line(CommandKind, Vec<u8>),
    /// MAIL or RCPT: an address and ESMTP arguments.
    Envelope(CommandKind, Vec<u8>, Vec<Vec<u8>>, ArgumentsBuf),
    /// Name and value.
    Header(Vec<u8>, Vec<u8>),
    /// A body chunk, or one within the end of the message.
    Body(CommandKind, Vec<u8>),
    /// One that is nothing but its letter.
    Bare(CommandKind),
}

/// What a [`Peer`] is built of: a port, an address.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum OwnedPeer {
    Unknown,
    Ipv4(u16, Vec<u8>),
    Ipv6(u16, Vec<u8>),
    Local(Vec<u8>),
}

impl OwnedCommand {
    /// Macros for a command; no text has NUL.
    ///
    /// # Panics
    ///
    /// When one has.
    pub fn define_macros(kind: CommandKind, pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let mut macros = MacroPairsBuf::new();
        pairs.iter().for_each(|(name, value)| macros.push(name, value).expect("no NUL"));
        Self::DefineMacros(kind, pairs, macros)
    }

    /// MAIL or RCPT; no text has NUL.
    ///
    /// # Panics
    ///
    /// When one has.
    pub fn envelope(kind: CommandKind, address: Vec<u8>, list: Vec<Vec<u8>>) -> Self {
        let mut arguments = ArgumentsBuf::new();
        list.iter().for_each(|argument| arguments.push(argument).expect("no NUL"));
        Self::Envelope(kind, address, list, arguments)
    }

    /// The command, unless its constructor refuses it.
    pub fn view(&self) -> Option<Command<'_>> {
        let text = |octets| Text::new(octets).expect("a strategy without NUL");
        Some(match self {
            Self::Negotiate(words) => Command::Negotiate(options(*words)),
            Self::DefineMacros(kind, _, macros) => {
                Command::DefineMacros(DefineMacros::new(*kind, macros.view()).ok()?)
            }
            Self::Connect(host, peer) => {
                let peer = match peer {
                    OwnedPeer::Unknown => Peer::Unknown,
                    OwnedPeer::Ipv4(port, address) => Peer::Ipv4 { port: *port, address: text(address) },
                    OwnedPeer::Ipv6(port, address) => Peer::Ipv6 { port: *port, address: text(address) },
                    OwnedPeer::Local(path) => Peer::Local { path: text(path) },
                };
                Command::Connect(Connect::new(text(host), peer).ok()?)
            }
            Self::Line(CommandKind::Helo, name) => Command::Helo(Helo::new(text(name)).ok()?),
            Self::Line(_, line) => Command::Unknown(Unknown::new(text(line)).ok()?),
            Self::Envelope(CommandKind::Mail, address, _, arguments) => {
                Command::Mail(Mail::new(text(address), arguments.view()).ok()?)
            }
            Self::Envelope(_, address, _, arguments) => {
                Command::Rcpt(Rcpt::new(text(address), arguments.view()).ok()?)
            }
            Self::Header(name, value) => Command::Header(Header::new(text(name), text(value)).ok()?),
            Self::Body(CommandKind::Body, chunk) => Command::Body(BodyChunk::split(chunk).next()?),
            Self::Body(_, chunk) => Command::EndOfMessage(BodyChunk::split(chunk).next()),
            Self::Bare(CommandKind::Data) => Command::Data(Data),
            Self::Bare(CommandKind::EndOfHeaders) => Command::EndOfHeaders(EndOfHeaders),
            Self::Bare(CommandKind::Abort) => Command::Abort,
            Self::Bare(CommandKind::Quit) => Command::Quit,
            Self::Bare(_) => Command::QuitNewConnection,
        })
    }

    /// The packet as the protocol has it, written down a second time; `None` for what must not be sent.
    pub fn wire(&self) -> Option<Vec<u8>> {
        let (letter, payload) = match self {
            Self::Negotiate(words) => (b'O', words.map(u32::to_be_bytes).concat()),
            Self::DefineMacros(kind, macros, _) => {
                let strings = macros.iter().flat_map(|(name, value)| [&name[..], b"\0", value, b"\0"]);
                (b'D', [kind.letter()].into_iter().chain(strings.flatten().copied()).collect())
            }
            Self::Connect(host, peer) => {
                let with_port = |family: u8, port: u16, address: &[u8]| {
                    [&[family], &port.to_be_bytes()[..], address, b"\0"].concat()
                };
                let peer = match peer {
                    OwnedPeer::Unknown => b"U".to_vec(),
                    OwnedPeer::Ipv4(port, address) => with_port(b'4', *port, address),
                    OwnedPeer::Ipv6(port, address) => with_port(b'6', *port, address),
                    OwnedPeer::Local(path) => with_port(b'L', 0, path),
                };
                (b'C', [&host[..], b"\0", &peer].concat())
            }
            Self::Line(kind, line) => (kind.letter(), [line, &b"\0"[..]].concat()),
            Self::Envelope(kind, address, arguments, _) => {
                let strings = std::iter::once(address).chain(arguments);
                (kind.letter(), strings.flat_map(|string| [string, &b"\0"[..]].concat()).collect())
            }
            Self::Header(name, _) if name.is_empty() => return None,
            Self::Header(name, value) => (b'L', [name, &b"\0"[..], value, b"\0"].concat()),
            Self::Body(CommandKind::Body, chunk) if chunk.is_empty() => return None,
            Self::Body(kind, chunk) => (kind.letter(), chunk[..chunk.len().min(MAX_PAYLOAD)].to_vec()),
            Self::Bare(kind) => (kind.letter(), Vec::new()),
        };
        (payload.len() <= MAX_PAYLOAD).then(|| frame(letter, &payload))
    }
}

/// Three words as options.
pub fn options([version, actions, protocol]: [u32; 3]) -> Options {
    Options {
        version: milter_proto::Version(version),
        actions: milter_proto::Actions::from_bits_retain(actions),
        protocol: milter_proto::Protocol::from_bits_retain(protocol),
    }
}

/// Law: a command can be built if and only if it fits into a packet; it encodes to the bytes of the protocol, and
/// these decode to it.
pub fn built_is_encoded_is_decoded(command: &OwnedCommand) {
    let (Some(view), Some(wire)) = (command.view(), command.wire()) else {
        assert_eq!(
            command.view().is_some(),
            command.wire().is_some(),
            "a constructor and the limit disagree"
        );
        return;
    };
    let mut encoded = Vec::new();
    view.encode(&mut encoded);
    assert_eq!(encoded, wire);
    with_packet(&encoded, |packet| {
        assert_eq!(packet.letter, view.kind().letter());
        assert_eq!(Command::decode(packet), Ok(view));
    });
}

/// Law: whatever decodes can be looked at, and encodes to what decodes to the same; to the same bytes, if it is not one of
/// the tolerated.
pub fn decoded_is_encoded_is_decoded(letter: u8, payload: &[u8]) {
    let received = frame(letter, payload);
    with_packet(&received, |packet| {
        let Ok(command) = Command::decode(packet) else { return };
        let mut canonical = Vec::new();
        command.encode(&mut canonical);
        with_packet(&canonical, |packet| assert_eq!(Command::decode(packet), Ok(command)));
        assert_eq!(canonical == received, !is_tolerated(letter, payload), "canonical: {canonical:?}");
        what_is_looked_up_came(&command);
    });
}

/// What decodes although no MTA should send it: octets after an offer, after commands that are nothing but a letter,
/// after a peer of which nothing is known, and the port of a unix socket.
fn is_tolerated(letter: u8, payload: &[u8]) -> bool {
    match letter {
        b'O' => payload.len() > 12,
        b'A' | b'Q' | b'K' | b'T' | b'N' => !payload.is_empty(),
        b'C' => match payload.iter().position(|octet| *octet == 0).map(|end| &payload[end + 1..]) {
            Some([b'U', more @ ..]) => !more.is_empty(),
            Some([b'L', port @ ..]) => !port.starts_with(&[0, 0]),
            _ => false,
        },
        _ => false,
    }
}

/// Any command, also such as cannot be built.
pub fn command() -> BoxedStrategy<OwnedCommand> {
    use CommandKind::{
        Abort, Body, Data, EndOfHeaders, EndOfMessage, Helo, Mail, Quit, QuitNewConnection, Rcpt, Unknown,
    };
    let kind = |kinds: &'static [CommandKind]| select(kinds);
    prop_oneof![
        2 => any::<[u32; 3]>().prop_map(OwnedCommand::Negotiate),
        4 => (any_kind(), vec((text(40), text(65540)), 0..5))
            .prop_map(|(kind, pairs)| OwnedCommand::define_macros(kind, pairs)),
        4 => (text(65533), peer()).prop_map(|(host, peer)| OwnedCommand::Connect(host, peer)),
        2 => (kind(&[Helo, Unknown]), text(65536)).prop_map(|(kind, line)| OwnedCommand::Line(kind, line)),
        4 => (kind(&[Mail, Rcpt]), text(65536), vec(text(65533), 0..5))
            .prop_map(|(kind, address, list)| OwnedCommand::envelope(kind, address, list)),
        4 => (text(65535), text(65535)).prop_map(|(name, value)| OwnedCommand::Header(name, value)),
        2 => (kind(&[Body, EndOfMessage]), octets(65537)).prop_map(|(kind, chunk)| OwnedCommand::Body(kind, chunk)),
        1 => kind(&[Data, EndOfHeaders, Abort, Quit, QuitNewConnection]).prop_map(OwnedCommand::Bare),
    ]
    .boxed()
}

/// A letter and a payload that may be a command: often a sound one with something done to it.
pub fn letter_and_payload() -> BoxedStrategy<(u8, Vec<u8>)> {
    let letter = || prop_oneof![8 => any_kind().prop_map(CommandKind::letter), 1 => any::<u8>()];
    let sound = command().prop_filter_map("does not fit", |command| command.wire());
    prop_oneof![
        1 => (letter(), octets(65535)),
        1 => (letter(), vec(text(300), 0..4).prop_map(|texts| texts.join(&0))),
        3 => sound.prop_flat_map(|wire| {
            let payload = wire[5..].to_vec();
            (Just(wire[4]), prop_oneof![1 => Just(payload.clone()), 4 => spoilt(Just(payload))])
        }),
    ]
    .boxed()
}

fn any_kind() -> impl Strategy<Value = CommandKind> {
    select(&b"ODCHMRTLNBEUAQK"[..])
        .prop_map(|letter| CommandKind::from_letter(letter).expect("a command's letter"))
}

fn peer() -> impl Strategy<Value = OwnedPeer> {
    prop_oneof![
        Just(OwnedPeer::Unknown),
        (any::<u16>(), text(65530)).prop_map(|(port, address)| OwnedPeer::Ipv4(port, address)),
        (any::<u16>(), text(65530)).prop_map(|(port, address)| OwnedPeer::Ipv6(port, address)),
        text(65530).prop_map(OwnedPeer::Local),
    ]
}
