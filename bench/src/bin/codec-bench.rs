//! The codec and the session without a socket: time, and heap allocations.
//!
//! `cargo run --release -p milter-bench --bin codec-bench` prints a table: nanoseconds a session (median of rounds) and
//! allocations a session, for one session of 12 headers and 4 KiB of body and for one of 10 MiB, whole and in fragments.
//!
//! `codec-bench once NAME FRAGMENT TIMES` does one of them so many times, to count instructions of it:
//! `valgrind --tool=callgrind target/release/codec-bench once decode whole 1000`; what two different TIMES differ by
//! is the cost of a session.

use milter_bench::{Recording, replied, silent};
use milter_proto::{Command, Conversation, Decoder, Step, testing};
use std::hint::black_box;
use std::time::Instant;

const NAMES: [&str; 4] = ["decode", "commands", "silent", "replied"];
const FRAGMENTS: [(&str, usize); 4] = [("whole", usize::MAX), ("65536", 65536), ("1460", 1460), ("1", 1)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["once", name, fragment, times] => {
            let size = FRAGMENTS.iter().find(|(label, _)| *label == fragment).expect("a known fragment").1;
            let recording = Recording::session(12, 4096);
            let mut subject = Subject::new(name);
            for _ in 0..times.parse().expect("a number") {
                subject.session(&recording, size);
            }
        }
        _ => table(),
    }
}

fn table() {
    println!(
        "{:10} {:>10} {:>8} {:>12} {:>12} {:>12}",
        "subject", "session", "in", "ns", "ns/packet", "allocations"
    );
    for (label, recording, rounds) in
        [("4 KiB", Recording::session(12, 4096), 200), ("10 MiB", Recording::session(12, 10 << 20), 3)]
    {
        for name in NAMES {
            for (fragment, size) in FRAGMENTS {
                if size == 1 && label == "10 MiB" {
                    continue;
                }
                let mut subject = Subject::new(name);
                subject.session(&recording, size);
                let allocations =
                    allocation_counter::measure(|| subject.session(&recording, size)).count_total;
                let mut nanoseconds: Vec<u128> = (0..5)
                    .map(|_| {
                        let start = Instant::now();
                        (0..rounds).for_each(|_| subject.session(&recording, size));
                        start.elapsed().as_nanos() / rounds
                    })
                    .collect();
                nanoseconds.sort_unstable();
                let median = nanoseconds[nanoseconds.len() / 2];
                let each = median / recording.packets() as u128;
                println!("{name:10} {label:>10} {fragment:>8} {median:>12} {each:>12} {allocations:>12}");
            }
        }
    }
}

/// What is measured.
enum Subject {
    /// Packets only.
    Decode(Vec<u8>),
    /// Packets and commands, every field looked at.
    Commands(Vec<u8>),
    /// A conversation whose hooks say nothing.
    Silent,
    /// A conversation whose hooks all answer.
    Replied,
}

impl Subject {
    fn new(name: &str) -> Self {
        match name {
            "decode" => Self::Decode(vec![0; milter_proto::BUFFER_SIZE]),
            "commands" => Self::Commands(vec![0; milter_proto::BUFFER_SIZE]),
            "silent" => Self::Silent,
            "replied" => Self::Replied,
            _ => panic!("{name} is none of {NAMES:?}"),
        }
    }

    fn session(&mut self, recording: &Recording, fragment: usize) {
        match self {
            Self::Decode(buffer) => decode(recording, fragment, buffer, |packet| {
                black_box(packet);
            }),
            Self::Commands(buffer) => decode(recording, fragment, buffer, |packet| {
                look_at(&Command::decode(packet).expect("a sound recording"));
            }),
            Self::Silent => testing::now(converse(recording, fragment, silent())),
            Self::Replied => testing::now(converse(recording, fragment, replied())),
        }
    }
}

/// Decodes with one lent buffer, as a driver would.
fn decode(
    recording: &Recording,
    fragment: usize,
    buffer: &mut Vec<u8>,
    mut act: impl FnMut(milter_proto::Packet<'_>),
) {
    let mut decoder = Decoder::new();
    let mut rest = recording.bytes();
    while !rest.is_empty() {
        if decoder.wants_buffer() {
            decoder.lend(std::mem::take(buffer));
        }
        let spare = decoder.spare();
        let count = fragment.min(spare.len()).min(rest.len());
        spare[..count].copy_from_slice(&rest[..count]);
        decoder.filled(count);
        rest = &rest[count..];
        while let Some(packet) = decoder.packet().expect("a sound recording") {
            act(packet);
        }
    }
    if let Some(lent) = decoder.reclaim() {
        *buffer = lent;
    }
}

fn look_at(command: &Command<'_>) {
    match command {
        Command::DefineMacros(define) => drop(black_box(define.macros())),
        Command::Connect(connect) => drop(black_box((connect.hostname(), connect.peer()))),
        Command::Helo(helo) => drop(black_box(helo.name())),
        Command::Mail(mail) => drop(black_box((mail.sender(), mail.arguments()))),
        Command::Rcpt(rcpt) => drop(black_box((rcpt.recipient(), rcpt.arguments()))),
        Command::Header(header) => drop(black_box((header.name(), header.value()))),
        Command::Body(chunk) => drop(black_box(chunk.as_bytes())),
        other => drop(black_box(*other)),
    }
}

async fn converse(recording: &Recording, fragment: usize, milter: impl milter_proto::Application) {
    let mut conversation = Conversation::new(milter, 1);
    let mut rest = recording.bytes();
    loop {
        match conversation.step().expect("a sound recording") {
            Step::Read => {
                let count = fragment.min(rest.len()).min(milter_proto::BUFFER_SIZE);
                conversation.receive(&rest[..count]);
                rest = &rest[count..];
            }
            Step::Write(bytes) => drop(black_box(bytes)),
            Step::Event(call) => call.await,
            Step::Close => return,
        }
    }
}
