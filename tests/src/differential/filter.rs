//! The filter whose answers follow from what it is told: `tests/interop/libmilter_differential.c`, number by number, on
//! our library.

use std::net::IpAddr;

use milter_proto::{
    Actions, Arguments, BodyVerdict, CommandKind, Context, Event, MacroStage, Macros, Peer, Protocol,
    SmtpReply, Wish,
};

/// Which commands a filter answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Letters of the commands that it is told and does not answer.
    pub(super) silent: &'static str,
    /// Letters of the commands that it is not told.
    pub(super) unwanted: &'static str,
    /// What else it asks for.
    pub(super) abilities: Protocol,
}

/// Answers everything; answers the end of the message alone; some of both; wants little.
pub(super) const KINDS: [Kind; 4] = [
    Kind { silent: "", unwanted: "", abilities: Protocol::SKIP },
    Kind { silent: "CHMRTLNBU", unwanted: "", abilities: Protocol::empty() },
    Kind {
        silent: "HRLB",
        unwanted: "",
        abilities: Protocol::LEADING_SPACE.union(Protocol::REJECTED_RECIPIENTS),
    },
    Kind { silent: "L", unwanted: "CHTNU", abilities: Protocol::SKIP },
];

impl Kind {
    pub(super) fn wish(&self) -> Wish {
        let mut wish = Wish::new();
        for stage in &STAGES {
            if self.silent.contains(stage.letter) {
                wish.watches(stage.kind());
            } else if !self.unwanted.contains(stage.letter) {
                wish.answers(stage.kind());
            }
        }
        wish.watches(CommandKind::Abort).watches(CommandKind::Quit).request(self.abilities);
        wish.prefer(Actions::all_known());
        wish.request_macros(MacroStage::Connect, "j {client_addr}");
        wish.request_macros(MacroStage::EndOfMessage, "{msg_id} i");
        wish
    }
}

/// What a filter is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Told {
    pub(super) letter: char,
    /// Of what came with it.
    pub(super) digest: u64,
    /// Of the macros that it sees.
    pub(super) macros: u64,
    /// The SMTP client's address.
    pub(super) address: String,
}

impl Told {
    /// Whether it is the same, but for macros and address, which are compared on their own.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.letter, self.digest) == (other.letter, other.digest)
    }

    /// Whether it was a command; otherwise a message or a session is over.
    pub(super) fn is_asked(&self) -> bool {
        !matches!(self.letter, 'A' | 'Q')
    }
}

/// What the filter keeps of an SMTP session.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Digest of the last sender.
    sender: u64,
}

impl Memory {
    /// Records what is to be changed, and gives what was told and the answer.
    pub(super) fn tell(&mut self, event: &Event<'_>, cx: &mut Context) -> (Told, BodyVerdict) {
        let letter = char::from(event.kind().letter());
        let mut told =
            Told { letter, digest: digest(event), macros: macros(&cx.macros), address: address(event) };
        match event {
            Event::Mail(_) => self.sender = told.digest,
            Event::Quit(_) => self.sender = 0,
            _ => {}
        }
        if matches!(event, Event::Abort(_) | Event::Quit(_)) {
            (told.digest, told.macros) = (0, 0);
            return (told, BodyVerdict::Continue);
        }
        let number =
            told.digest.wrapping_add(self.sender.wrapping_mul(2)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = number ^ number >> 32;
        let choice =
            STAGES.iter().find(|stage| stage.letter == letter).map_or('c', |stage| stage.choice(number));
        if letter == 'E' && matches!(choice, 'c' | 'a') {
            self.modify(number >> 16 & number >> 32, cx);
        }
        (told, verdict(choice))
    }

    /// What was not agreed fails, and is left out here as there.
    fn modify(&self, bits: u64, cx: &mut Context) {
        let sender = format!("{:016x}", self.sender);
        for bit in (0..11).filter(|bit| bits & 1 << bit != 0) {
            let _ = match bit {
                0 => cx.add_header_raw("X-Sender", &sender),
                1 => cx.insert_header_raw(1, "X-First", "one\n\ttwo"),
                2 => cx.change_header_raw("Subject", 1, &sender),
                3 => cx.delete_header("X-Gone", 2),
                4 => cx.add_recipient("<added@example.org>"),
                5 => cx.add_recipient_with_arguments("<par@example.org>", "NOTIFY=NEVER"),
                6 => cx.delete_recipient("<deleted@example.org>"),
                7 => cx.change_sender("<changed@example.com>", None),
                8 => cx.change_sender("<changed@example.com>", "RET=HDRS"),
                9 => cx.quarantine("looks odd"),
                _ => cx.replace_body(if bits & 2048 != 0 { "" } else { "new\r\n" }),
            };
        }
    }
}

struct Stage {
    letter: char,
    /// Of 256, for another answer than continue.
    odds: u64,
    /// Which ones.
    answers: &'static str,
}

const STAGES: [Stage; 10] = [
    Stage { letter: 'C', odds: 10, answers: "artyzm" },
    Stage { letter: 'H', odds: 10, answers: "artyzm" },
    Stage { letter: 'M', odds: 20, answers: "ardtyzm" },
    Stage { letter: 'R', odds: 40, answers: "ardtyzm" },
    Stage { letter: 'T', odds: 10, answers: "ardtyzm" },
    Stage { letter: 'L', odds: 6, answers: "ardtyzm" },
    Stage { letter: 'N', odds: 10, answers: "ardtyzm" },
    Stage { letter: 'B', odds: 60, answers: "ardtyzmss" },
    Stage { letter: 'E', odds: 80, answers: "ardtyzm" },
    Stage { letter: 'U', odds: 128, answers: "rtyzm" },
];

impl Stage {
    fn kind(&self) -> CommandKind {
        CommandKind::from_letter(self.letter as u8).unwrap_or_else(|error| panic!("{error}"))
    }

    fn choice(&self, number: u64) -> char {
        let answers = self.answers.as_bytes();
        if number & 0xff >= self.odds {
            return 'c';
        }
        char::from(answers[(number >> 8) as usize % answers.len()])
    }
}

fn verdict(choice: char) -> BodyVerdict {
    let reply = |code, enhanced: Option<&str>, lines: &[&str]| {
        let reply = SmtpReply::lines(code, enhanced, lines.iter().copied());
        BodyVerdict::Reply(reply.unwrap_or_else(|error| panic!("{error}")))
    };
    match choice {
        'c' => BodyVerdict::Continue,
        'a' => BodyVerdict::Accept,
        'd' => BodyVerdict::Discard,
        'r' => BodyVerdict::Reject,
        't' => BodyVerdict::TempFail,
        's' => BodyVerdict::Skip,
        'y' => reply(554, Some("5.7.1"), &["100% refused"]),
        'z' => reply(451, None, &["come back"]),
        'm' => reply(550, Some("5.7.0"), &["one", "two", "three"]),
        other => panic!("no answer {other:?}"),
    }
}

const NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
fn octets(digest: u64, octets: &[u8]) -> u64 {
    octets.iter().fold(digest, |digest, octet| (digest ^ u64::from(*octet)).wrapping_mul(0x100_0000_01b3))
}

fn string(digest: u64, text: &[u8]) -> u64 {
    octets(octets(digest, text), &[0])
}

fn digest(event: &Event<'_>) -> u64 {
    let envelope = |address: &[u8], arguments: Arguments<'_>| {
        let address = string(NOTHING, address);
        arguments.iter().fold(address, |digest, argument| string(digest, argument.raw().as_bytes()))
    };
    match event {
        Event::Connect(connect) => string(NOTHING, connect.hostname().as_bytes()),
        Event::Helo(helo) => string(NOTHING, helo.name().as_bytes()),
        Event::Mail(mail) => envelope(mail.sender().as_bytes(), mail.arguments()),
        Event::Rcpt(rcpt) => envelope(rcpt.recipient().as_bytes(), rcpt.arguments()),
        Event::Header(header) => string(string(NOTHING, header.name().as_bytes()), header.value().as_bytes()),
        Event::Body(chunk) => octets(NOTHING, chunk),
        Event::Unknown(unknown) => string(NOTHING, unknown.line().as_bytes()),
        Event::Data(_)
        | Event::EndOfHeaders(_)
        | Event::EndOfMessage(_)
        | Event::Abort(_)
        | Event::Quit(_) => octets(NOTHING, &[event.kind().letter()]),
    }
}

/// The macros that the filter looks up.
const LOOKED_UP: [&str; 8] =
    ["j", "i", "{client_addr}", "{tls_version}", "{mail_addr}", "{rcpt_addr}", "{auth_type}", "{msg_id}"];

fn macros(macros: &Macros) -> u64 {
    macros_digest(|name| macros.get(name).map(|value| value.as_bytes().to_vec()))
}

/// The digest of the macros that a lookup finds.
pub(super) fn macros_digest(look_up: impl Fn(&str) -> Option<Vec<u8>>) -> u64 {
    LOOKED_UP.into_iter().fold(NOTHING, |digest, name| match look_up(name) {
        Some(value) => string(digest, &value),
        None => octets(digest, &[0xff]),
    })
}

fn address(event: &Event<'_>) -> String {
    let Event::Connect(connect) = event else { return String::new() };
    let port = connect.peer().port().unwrap_or_default();
    match (connect.peer(), connect.ip()) {
        (Peer::Unknown, _) => "U".into(),
        (Peer::Local { path }, _) => format!("L {:016x}", string(NOTHING, path.as_bytes())),
        (_, Some(IpAddr::V4(address))) => format!("4 {address} {port}"),
        (_, Some(IpAddr::V6(address))) => {
            format!("6 {} {port}", address.segments().map(|word| format!("{word:x}")).join(" "))
        }
        (_, None) => "?".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_fnv_1a() {
        assert_eq!(string(NOTHING, b""), 0xaf63_bd4c_8601_b7df);
        assert_eq!(octets(NOTHING, b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
