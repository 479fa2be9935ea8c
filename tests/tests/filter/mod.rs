//! A filter without hooks: a `Session` that is driven step by step, and every step written down.
#![allow(dead_code, reason = "each test program uses a part of it")]

use milter_proto::{
    BodyVerdict, CommandKind, Context, Decoder, Error, Event, Happened, Response, Session, Step, Wish,
};

/// Version 6 with everything that Postfix and Sendmail offer.
pub(crate) const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";

/// What the filter does about an event.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    Answer(BodyVerdict),
    Nothing,
    Fail,
    Abandon,
    Finish,
}

impl From<BodyVerdict> for Reaction {
    fn from(verdict: BodyVerdict) -> Self {
        Self::Answer(verdict)
    }
}

pub(crate) const CONTINUE: Reaction = Reaction::Answer(BodyVerdict::Continue);
pub(crate) const ACCEPT: Reaction = Reaction::Answer(BodyVerdict::Accept);
pub(crate) const REJECT: Reaction = Reaction::Answer(BodyVerdict::Reject);
pub(crate) const TEMPFAIL: Reaction = Reaction::Answer(BodyVerdict::TempFail);
pub(crate) const DISCARD: Reaction = Reaction::Answer(BodyVerdict::Discard);
pub(crate) const SKIP: Reaction = Reaction::Answer(BodyVerdict::Skip);

type React = Box<dyn FnMut(&Event<'_>, &mut Context) -> Reaction>;

/// A session with somebody who answers its events.
pub(crate) struct Filter {
    pub(crate) session: Session,
    react: React,
    /// Everything that was written.
    pub(crate) bytes: Vec<u8>,
    /// Everything that happened; see [`Filter::receive`].
    pub(crate) seen: String,
    pub(crate) error: Option<Error>,
}

impl Filter {
    /// Answers every event with continue.
    pub(crate) fn new(wish: Wish) -> Self {
        Self {
            session: Session::new(wish),
            react: Box::new(|_, _| CONTINUE),
            bytes: Vec::new(),
            seen: String::new(),
            error: None,
        }
    }

    /// Negotiated with an MTA that offers everything; nothing of that is kept in `seen` and `bytes`.
    pub(crate) fn negotiated(wish: Wish) -> Self {
        let mut filter = Self::new(wish);
        assert_eq!(filter.receive(OFFER), "(O)");
        filter.seen.clear();
        filter.bytes.clear();
        filter
    }

    pub(crate) fn on(mut self, react: impl FnMut(&Event<'_>, &mut Context) -> Reaction + 'static) -> Self {
        self.react = Box::new(react);
        self
    }

    /// Continues everything but the commands of these letters.
    pub(crate) fn except<const N: usize>(self, reactions: [(char, Reaction); N]) -> Self {
        self.on(move |event, _| {
            let found = reactions.iter().find(|(letter, _)| *letter == letter_of(event));
            found.map_or(CONTINUE, |(_, reaction)| reaction.clone())
        })
    }

    /// Takes bytes in and all steps up to the next `Read`. What happened is written down: an event as the letter of
    /// its command, a write as the letters of its responses in round brackets, `.` for the close and `!` for an error.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> String {
        self.session.receive(bytes);
        self.run()
    }

    /// One packet for each text: the letter and the payload.
    pub(crate) fn packets(&mut self, packets: &[&str]) -> String {
        let bytes: Vec<u8> = packets.iter().flat_map(|text| packet(text.as_bytes())).collect();
        if bytes.is_empty() { self.run() } else { self.receive(&bytes) }
    }

    /// The end of the stream.
    pub(crate) fn end(&mut self) -> String {
        self.receive(&[])
    }

    pub(crate) fn run(&mut self) -> String {
        let mut seen = Vec::new();
        loop {
            let (what, reaction) = match self.session.step() {
                Ok(Step::Read) => break,
                Ok(Step::Write(bytes)) => {
                    self.bytes.extend_from_slice(bytes);
                    (format!("({})", letters(bytes)), None)
                }
                Ok(Step::Event(Happened { event, context, .. })) => {
                    (letter_of(&event).into(), Some((self.react)(&event, context)))
                }
                Ok(Step::Close) => (".".into(), None),
                Err(error) => {
                    self.error = Some(error);
                    ("!".into(), None)
                }
            };
            match reaction {
                Some(Reaction::Answer(verdict)) => self.session.answer(verdict).unwrap(),
                Some(Reaction::Fail) => self.session.fail(),
                Some(Reaction::Abandon) => self.session.abandon(),
                Some(Reaction::Finish) => self.session.finish(),
                Some(Reaction::Nothing) | None => {}
            }
            let over = matches!(&*what, "." | "!");
            seen.push(what);
            if over {
                break;
            }
        }
        let seen = seen.join(" ");
        if !self.seen.is_empty() && !seen.is_empty() {
            self.seen.push(' ');
        }
        self.seen.push_str(&seen);
        seen
    }
}

/// Wants the commands of these letters: answered where the letter is large, watched where it is small.
pub(crate) fn wish(letters: &str) -> Wish {
    let mut wish = Wish::new();
    for letter in letters.chars() {
        let kind = CommandKind::from_letter(letter.to_ascii_uppercase() as u8).unwrap();
        if letter.is_ascii_uppercase() {
            wish.answers(kind)
        } else {
            wish.watches(kind)
        };
    }
    wish
}

/// An offer.
pub(crate) fn offer(version: u32, actions: u32, protocol: u32) -> Vec<u8> {
    let words = [version, actions, protocol];
    packet(&words.iter().fold(b"O".to_vec(), |all, word| [all, word.to_be_bytes().to_vec()].concat()))
}

/// A packet, of its letter and payload.
pub(crate) fn packet(letter_and_payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(letter_and_payload.len()).unwrap();
    [&length.to_be_bytes(), letter_and_payload].concat()
}

pub(crate) fn letter_of(event: &Event<'_>) -> char {
    char::from(event.kind().letter())
}

/// The letters of responses, of which all must be whole and sound.
pub(crate) fn letters(bytes: &[u8]) -> String {
    responses(bytes, |response| char::from(response.letter())).into_iter().collect()
}

/// Looks at every response.
pub(crate) fn responses<T>(bytes: &[u8], look: impl Fn(Response<'_>) -> T) -> Vec<T> {
    let mut decoder = Decoder::new();
    decoder.receive(bytes);
    let mut found = Vec::new();
    while let Some(packet) = decoder.packet().unwrap() {
        found.push(look(Response::decode(packet).unwrap()));
    }
    assert!(decoder.is_empty(), "a write that ends within a packet");
    found
}
