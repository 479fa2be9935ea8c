//! The cases: what is done, with which bytes, in which reads.

use crate::codec::{self, Lender};
use crate::recording::Recording;
use crate::seen::Seen;
use crate::session::converse;
use crate::{filters, naive};
use milter_proto::{Application, Command, Conversation, Packet, Response};
use std::fmt;
use std::sync::Arc;

/// Everything that is done with the same bytes in the same reads.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    input: Input,
    reads: Reads,
    subjects: &'static [Subject],
}

/// One thing that is done with them, displayed as `message 1460 decode`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Case {
    input: Input,
    reads: Reads,
    subject: Subject,
}

/// Which bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Input {
    /// A session with one message of 12 headers and 4 KiB.
    Message,
    /// The same message, on a connection that is in use.
    NextMessage,
    /// A session with one message of 10 MiB.
    Large,
    /// A session with a message to twenty recipients, with every macro that Postfix sends by default.
    Macros,
    /// What a filter answers: verdicts, replies, every modification.
    Responses,
}

/// How many octets a read has at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reads {
    Whole,
    Of(usize),
}

/// What is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Subject {
    /// The measure: [`naive`].
    Naive,
    /// Packets are found.
    Packets,
    /// Packets are found and decoded, every field is looked at.
    Decode,
    /// Values are encoded again.
    Encode,
    /// A conversation whose hooks say nothing.
    Silent,
    /// A conversation whose hooks all answer.
    Replied,
    /// A conversation whose hooks all answer and look up macros.
    Lookups,
}

const GROUPS: &[Group] = {
    use Input::{Large, Macros, Message, NextMessage, Responses};
    use Reads::{Of, Whole};
    use Subject::{Decode, Encode, Lookups, Naive, Packets, Replied, Silent};
    const fn group(input: Input, reads: Reads, subjects: &'static [Subject]) -> Group {
        Group { input, reads, subjects }
    }
    &[
        group(Message, Whole, &[Naive, Packets, Decode, Encode, Silent, Replied]),
        group(Message, Of(1460), &[Naive, Packets, Decode, Silent, Replied]),
        group(Message, Of(1), &[Naive, Packets, Decode, Silent, Replied]),
        group(NextMessage, Whole, &[Naive, Silent, Replied]),
        group(Macros, Whole, &[Naive, Decode, Encode, Replied, Lookups]),
        group(Macros, Of(1460), &[Naive, Decode]),
        group(Macros, Of(1), &[Naive, Decode]),
        group(Responses, Whole, &[Naive, Decode, Encode]),
        group(Responses, Of(1460), &[Naive, Decode]),
        group(Responses, Of(1), &[Naive, Decode]),
        group(Large, Of(64 * 1024), &[Naive, Packets, Decode, Silent, Replied]),
        group(Large, Of(1460), &[Naive, Packets, Decode, Silent, Replied]),
    ]
};

impl Group {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        GROUPS.iter().copied()
    }

    /// Whether its bytes are the ones of this name.
    pub fn is_of(self, bytes: &str) -> bool {
        self.input.to_string() == bytes
    }

    /// Its cases. The first one is the naive decoder.
    pub fn cases(self) -> impl Iterator<Item = Case> {
        self.subjects.iter().map(move |&subject| Case { input: self.input, reads: self.reads, subject })
    }

    /// Its bytes.
    pub fn recording(self) -> Recording {
        self.input.recording()
    }
}

impl Case {
    /// The case that is displayed like this.
    pub fn named(name: &str) -> Option<Self> {
        Group::all().flat_map(Group::cases).find(|case| case.to_string() == name)
    }

    /// Its bytes.
    pub fn recording(self) -> Recording {
        self.input.recording()
    }

    /// What is to be measured, made ready: storage is there, and connections that are in use have been opened.
    pub fn prepare(self, recording: &Recording) -> Box<dyn FnMut() -> Seen + '_> {
        let bytes = recording.bytes();
        let fragment = match self.reads {
            Reads::Whole => bytes.len(),
            Reads::Of(octets) => octets,
        };
        let responses = self.input == Input::Responses;
        match self.subject {
            Subject::Naive if responses => read_naively(bytes, fragment, naive::response),
            Subject::Naive => read_naively(bytes, fragment, naive::command),
            Subject::Packets => read(bytes, fragment, |packet| {
                Seen::packet(usize::from(packet.letter) + packet.payload.len())
            }),
            Subject::Decode if responses => read(bytes, fragment, codec::response),
            Subject::Decode => read(bytes, fragment, codec::command),
            Subject::Encode if responses => {
                encode(recording, |packet| Response::decode(packet).ok(), Response::encode)
            }
            Subject::Encode => encode(recording, |packet| Command::decode(packet).ok(), Command::encode),
            Subject::Silent => self.converse(filters::silent(), bytes, fragment),
            Subject::Replied => self.converse(filters::replied(), bytes, fragment),
            Subject::Lookups => self.converse(filters::looking_up(), bytes, fragment),
        }
    }

    fn converse<'a>(
        self,
        filter: impl Application,
        bytes: &'a [u8],
        fragment: usize,
    ) -> Box<dyn FnMut() -> Seen + 'a> {
        let filter = Arc::new(filter);
        let mut lender = Lender::default();
        if self.input != Input::NextMessage {
            return Box::new(move || {
                let mut conversation = Conversation::new(Arc::clone(&filter), 1);
                converse(&mut conversation, bytes, fragment, &mut lender)
            });
        }
        let mut conversation = Conversation::new(filter, 1);
        converse(&mut conversation, Recording::opening().bytes(), usize::MAX, &mut lender);
        Box::new(move || converse(&mut conversation, bytes, fragment, &mut lender))
    }
}

fn read_naively(
    bytes: &[u8],
    fragment: usize,
    look_at: impl Fn(u8, &[u8]) -> Option<usize> + 'static,
) -> Box<dyn FnMut() -> Seen + '_> {
    let mut framing = naive::Framing::default();
    Box::new(move || {
        let mut seen = Seen::default();
        for read in bytes.chunks(fragment) {
            framing.read(read, |letter, payload| {
                seen += Seen::packet(look_at(letter, payload).expect("a sound recording"));
            });
        }
        seen
    })
}

fn read(
    bytes: &[u8],
    fragment: usize,
    look_at: impl Fn(Packet<'_>) -> Seen + 'static,
) -> Box<dyn FnMut() -> Seen + '_> {
    let mut lender = Lender::default();
    Box::new(move || {
        let mut seen = Seen::default();
        codec::packets(bytes, fragment, &mut lender, |packet| seen += look_at(packet));
        seen
    })
}

fn encode<'a, T: 'a>(
    recording: &'a Recording,
    decode: impl Fn(Packet<'a>) -> Option<T>,
    encode: impl Fn(&T, &mut Vec<u8>) + 'a,
) -> Box<dyn FnMut() -> Seen + 'a> {
    let values: Vec<T> =
        recording.packets().map(|packet| decode(packet).expect("a sound recording")).collect();
    let mut out = Vec::with_capacity(recording.bytes().len());
    Box::new(move || {
        out.clear();
        let mut seen = Seen::default();
        for value in &values {
            let before = out.len();
            encode(value, &mut out);
            seen += Seen::packet(out.len() - before);
        }
        seen
    })
}

impl Input {
    fn recording(self) -> Recording {
        match self {
            Self::Message => Recording::session(12, 4096),
            Self::NextMessage => Recording::one_message(12, 4096),
            Self::Large => Recording::session(12, 10 << 20),
            Self::Macros => Recording::recipients(20),
            Self::Responses => Recording::responses(),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.input, self.reads, self.subject)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Message => "message",
            Self::NextMessage => "next-message",
            Self::Large => "large",
            Self::Macros => "macros",
            Self::Responses => "responses",
        })
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.pad("whole"),
            Self::Of(octets) => octets.fmt(f),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Naive => "naive",
            Self::Packets => "packets",
            Self::Decode => "decode",
            Self::Encode => "encode",
            Self::Silent => "silent",
            Self::Replied => "replied",
            Self::Lookups => "lookups",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(input: Input, reads: Reads, subject: Subject) -> Seen {
        let recording = input.recording();
        let mut run = Case { input, reads, subject }.prepare(&recording);
        let seen = run();
        assert_eq!(run(), seen, "what a run leaves behind is not seen by the next");
        seen
    }

    #[test]
    fn ours_sees_what_the_naive_decoder_sees() {
        for Group { input, reads, subjects } in Group::all() {
            assert_eq!(subjects[0], Subject::Naive);
            let naive = seen(input, reads, Subject::Naive);
            assert_eq!(naive.packets(), input.recording().packets().len());
            if subjects.contains(&Subject::Decode) {
                assert_eq!(seen(input, reads, Subject::Decode), naive, "{input} {reads}");
            }
        }
    }

    #[test]
    fn encoding_gives_the_bytes_again() {
        for input in [Input::Message, Input::Macros, Input::Responses] {
            let octets = input.recording().bytes().len();
            assert_eq!(seen(input, Reads::Whole, Subject::Encode).sum(), octets, "{input}");
        }
    }

    #[test]
    fn hooks_are_called_and_answer() {
        // CONNECT, HELO; MAIL, RCPT, DATA, 12 headers, their end, a chunk of the body, its end.
        let (opening, message, reply) = (2, 18, 5);
        let negotiation = 17;
        for reads in [Reads::Whole, Reads::Of(1460), Reads::Of(1)] {
            let silent = seen(Input::Message, reads, Subject::Silent);
            assert_eq!((silent.packets(), silent.sum()), (opening + message, negotiation + reply));
            let replied = seen(Input::Message, reads, Subject::Replied);
            assert_eq!(replied.packets(), opening + message);
            assert_eq!(replied.sum(), negotiation + (opening + message) * reply);
        }
        let next = seen(Input::NextMessage, Reads::Whole, Subject::Replied);
        assert_eq!((next.packets(), next.sum()), (message, message * reply));
    }

    #[test]
    fn cases_are_found_by_their_names() {
        for case in Group::all().flat_map(Group::cases) {
            assert_eq!(Case::named(&case.to_string()), Some(case));
        }
        assert_eq!(Case::named("message whole"), None);
    }
}
