//! The MTA's side alone: the test is the filter, octet by octet.

use milter_proto::{
    Actions, BodyVerdict, Command, CommandKind, Error, Heard, MacroPairsBuf, Modification, Mta, Options,
    Protocol, Scope, SendError, Sent, Step, Version,
};

/// An [`Mta`] whose filter is the test: it sees each octet that is written and gives each that is read.
#[derive(Debug)]
pub struct Asking {
    mta: Mta,
    written: Vec<u8>,
}

/// What the MTA's side heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "never published; tests match it")]
pub enum Told {
    /// The negotiation is done.
    Negotiated,
    /// The filter is at work.
    Progress,
    /// A modification, as [`described`].
    Modification(String),
    /// A command was answered.
    Decided(CommandKind, BodyVerdict, Scope),
    /// The connection is over, in good order.
    Closed,
}

impl Asking {
    /// Offers this.
    pub fn offering(offer: Options) -> Self {
        Self::with(Mta::new(offer))
    }

    /// Speaks for this machine.
    pub const fn with(mta: Mta) -> Self {
        Self { mta, written: Vec::new() }
    }

    /// After an offer of everything, answered by version 6, all actions and these protocol steps.
    ///
    /// # Panics
    ///
    /// If that is refused.
    #[track_caller]
    pub fn agreed(protocol: u32) -> Self {
        Self::answered(&words(6, 0x1ff, protocol))
    }

    /// After an offer of everything, answered by this payload.
    ///
    /// # Panics
    ///
    /// If that is refused.
    #[track_caller]
    pub fn answered(payload: &[u8]) -> Self {
        let mut asking = Self::offering(Options::CURRENT);
        assert_eq!(asking.written(), packet(b'O', &words(6, 0x1ff, 0x001f_ffff)));
        assert_eq!(asking.hear(&packet(b'O', payload)), Ok(vec![Told::Negotiated]));
        asking
    }

    /// Sends a sample of this kind; the result, and the letters that were written.
    ///
    /// # Errors
    ///
    /// As [`Mta::send`].
    pub fn sends(&mut self, kind: CommandKind) -> Result<(Sent, String), SendError> {
        self.send(&crate::sample(kind))
    }

    /// Sends a command; the result, and the letters that were written.
    ///
    /// # Errors
    ///
    /// As [`Mta::send`].
    pub fn send(&mut self, command: &Command<'_>) -> Result<(Sent, String), SendError> {
        let sent = self.mta.send(command)?;
        Ok((sent, letters(&self.written())))
    }

    /// Sends a sample and answers it by continue.
    ///
    /// # Panics
    ///
    /// If it cannot be sent, or its answer is refused.
    #[track_caller]
    pub fn passes(&mut self, kind: CommandKind) {
        let (sent, _) = self.sends(kind).unwrap_or_else(|error| panic!("{kind}: {error}"));
        if sent == Sent::Awaited {
            self.hear(b"\0\0\0\x01c").unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
    }

    /// Defines macros.
    ///
    /// # Errors
    ///
    /// As [`Mta::define`].
    pub fn define(&mut self, kind: CommandKind, macros: &[(&str, &str)]) -> Result<(), SendError> {
        self.mta.define(kind, pairs(macros).view())
    }

    /// Takes the octets that are to be written.
    ///
    /// # Panics
    ///
    /// If something else than writing and reading comes up.
    #[track_caller]
    pub fn written(&mut self) -> Vec<u8> {
        match self.steps() {
            Ok(told) if told.is_empty() || told == [Told::Closed] => std::mem::take(&mut self.written),
            other => panic!("{other:?}"),
        }
    }

    /// Takes octets in, and tells what was heard. Empty input is the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`Mta::step`].
    pub fn hear(&mut self, bytes: &[u8]) -> Result<Vec<Told>, Error> {
        self.mta.receive(bytes);
        self.steps()
    }

    /// Tells what is heard without more octets.
    ///
    /// # Errors
    ///
    /// As [`Mta::step`].
    pub fn looks(&mut self) -> Result<Vec<Told>, Error> {
        self.steps()
    }

    /// Answers the awaited command by one packet without payload, and gives the verdict's scope.
    ///
    /// # Panics
    ///
    /// If it is refused.
    #[track_caller]
    pub fn answer(&mut self, letter: u8) -> Scope {
        match self.hear(&packet(letter, b"")) {
            Ok(told) => match &told[..] {
                [Told::Decided(.., scope)] => *scope,
                other => panic!("{other:?}"),
            },
            Err(error) => panic!("{error}"),
        }
    }

    /// The machine.
    pub const fn mta(&mut self) -> &mut Mta {
        &mut self.mta
    }

    /// Steps until something is to be read, or all is over.
    fn steps(&mut self) -> Result<Vec<Told>, Error> {
        let mut told = Vec::new();
        loop {
            match self.mta.step()? {
                Step::Read => return Ok(told),
                Step::Write(bytes) => self.written.extend_from_slice(bytes),
                Step::Event(heard) => told.push(Told::from(&heard)),
                Step::Close => {
                    told.push(Told::Closed);
                    return Ok(told);
                }
            }
        }
    }
}

impl From<&Heard<'_>> for Told {
    fn from(heard: &Heard<'_>) -> Self {
        match heard {
            Heard::Negotiated(_) => Self::Negotiated,
            Heard::Progress => Self::Progress,
            Heard::Modification(modification) => Self::Modification(described(modification)),
            Heard::Decided(decision) => {
                Self::Decided(decision.command, decision.outcome.to_verdict(), decision.scope)
            }
            other => panic!("unknown to this harness: {other:?}"),
        }
    }
}

/// A modification on one line: its letter, and what belongs to it.
pub fn described(modification: &Modification<'_>) -> String {
    let letter = char::from(modification.letter());
    match modification {
        Modification::AddHeader(field) => {
            format!("{letter} {}: {}", field.name().text(), field.value().text())
        }
        Modification::InsertHeader { index: place, field }
        | Modification::ChangeHeader { occurrence: place, field } => {
            format!("{letter}{place} {}: {}", field.name().text(), field.value().text())
        }
        Modification::ChangeSender(address) | Modification::AddRecipientWithArguments(address) => {
            let arguments = address.arguments().map(|arguments| format!(" {}", arguments.text()));
            format!("{letter} {}{}", address.address().text(), arguments.unwrap_or_default())
        }
        Modification::AddRecipient(address) | Modification::DeleteRecipient(address) => {
            format!("{letter} {}", address.text())
        }
        Modification::ReplaceBody(chunk) => format!("{letter} {}", chunk.as_bytes().escape_ascii()),
        Modification::Quarantine(reason) => format!("{letter} {}", reason.text()),
    }
}

/// A packet.
///
/// # Panics
///
/// When the payload is too long for the length word.
pub fn packet(letter: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).expect("a length that fits in 32 bits");
    [&length.to_be_bytes()[..], &[letter], payload].concat()
}

/// The letters of whole packets.
///
/// # Panics
///
/// When the octets are no whole packets.
pub fn letters(mut bytes: &[u8]) -> String {
    let mut letters = String::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*head) as usize;
        letters.push(char::from(rest[0]));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "a packet is cut");
    letters
}

/// The three words of a negotiation.
pub fn words(version: u32, actions: u32, protocol: u32) -> Vec<u8> {
    [version, actions, protocol].into_iter().flat_map(u32::to_be_bytes).collect()
}

pub(crate) fn pairs(macros: &[(&str, &str)]) -> MacroPairsBuf {
    let mut pairs = MacroPairsBuf::new();
    for (name, value) in macros {
        pairs.push(name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    pairs
}

/// An offer of these words.
pub const fn offer(version: u32, actions: u32, protocol: u32) -> Options {
    Options {
        version: Version(version),
        actions: Actions::from_bits_retain(actions),
        protocol: Protocol::from_bits_retain(protocol),
    }
}
