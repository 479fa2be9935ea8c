//! The committed corpus of the fuzz targets, without a fuzzer: every input holds against the laws of its target, and
//! together they meet every error of decoding.

use milter_laws::targets::{TARGETS, Target};
use milter_proto::error::UnsupportedResponse;
use milter_proto::{Command, DecodeError, Decoder, Packet, PacketError, ReplyError, Response, TextError};
use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[test]
fn each_target_has_a_binary_and_a_corpus() {
    let names: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let binaries = names.iter().map(|name| format!("{name}.rs"));
    assert_eq!(entries(&fuzz().join("targets")), binaries.collect::<Vec<_>>());
    assert_eq!(entries(&fuzz().join("corpus")), names);
    assert!(entries(&fuzz().join("found")).iter().all(|name| names.contains(name)));
    assert!(TARGETS.iter().all(|target| !inputs(target.name).is_empty()));
}

#[test]
fn each_input_holds_against_the_laws() {
    for Target { name, run, .. } in TARGETS {
        for (file, octets) in inputs(name) {
            // The panic says what is wrong; this says for which input.
            assert!(catch_unwind(|| run(&octets)).is_ok(), "{}", file.display());
        }
    }
}

#[test]
fn every_error_of_decoding_is_met() {
    let mut met = BTreeSet::new();
    let packets = |target| inputs(target).into_iter().filter(|(_, octets)| !octets.is_empty());
    for (_, octets) in packets("commands") {
        met.extend(Command::decode(Packet::new(octets[0], &octets[1..])).err().map(decoding));
    }
    for (_, octets) in packets("responses") {
        met.extend(Response::decode(Packet::new(octets[0], &octets[1..])).err().map(decoding));
    }
    let target = TARGETS.iter().find(|target| target.name == "packets").expect("a target");
    for (_, octets) in inputs(target.name) {
        met.extend(end_of(octets.get((target.prefix)()..).unwrap_or_default()).err().map(framing));
    }
    assert_eq!(met, BTreeSet::from(ERRORS));
}

const ERRORS: [&str; 21] = [
    "command",
    "response",
    "connection fail",
    "shutdown",
    "truncated",
    "unterminated",
    "empty",
    "excess",
    "family",
    "macro",
    "text: empty",
    "text: too long",
    "text: octet",
    "reply: code",
    "reply: enhanced code",
    "reply: line",
    "reply: control",
    "reply: percent",
    "packet: empty",
    "packet: too long",
    "packet: cut",
];

fn decoding(error: DecodeError) -> &'static str {
    match error {
        DecodeError::UnknownCommand(_) => "command",
        DecodeError::UnknownResponse(_) => "response",
        DecodeError::Unsupported(UnsupportedResponse::ConnectionFail) => "connection fail",
        DecodeError::Unsupported(UnsupportedResponse::Shutdown) => "shutdown",
        DecodeError::Truncated { .. } => "truncated",
        DecodeError::Unterminated { .. } => "unterminated",
        DecodeError::Empty { .. } => "empty",
        DecodeError::Excess { .. } => "excess",
        DecodeError::UnknownFamily(_) => "family",
        DecodeError::MacroWithoutValue => "macro",
        DecodeError::Text { error: TextError::Empty(_), .. } => "text: empty",
        DecodeError::Text { error: TextError::TooLong { .. }, .. } => "text: too long",
        DecodeError::Text { error: TextError::Octet { .. }, .. } => "text: octet",
        DecodeError::Reply(ReplyError::Code { .. }) => "reply: code",
        DecodeError::Reply(ReplyError::EnhancedCode { .. }) => "reply: enhanced code",
        DecodeError::Reply(ReplyError::Line { .. }) => "reply: line",
        DecodeError::Reply(ReplyError::Control { .. }) => "reply: control",
        DecodeError::Reply(ReplyError::Percent) => "reply: percent",
        other => panic!("an error that is not listed: {other:?}"),
    }
}

fn framing(error: PacketError) -> &'static str {
    match error {
        PacketError::Empty => "packet: empty",
        PacketError::TooLong { .. } => "packet: too long",
        PacketError::EndInsidePacket { .. } => "packet: cut",
        other => panic!("an error that is not listed: {other:?}"),
    }
}

/// How a stream ends.
fn end_of(stream: &[u8]) -> Result<(), PacketError> {
    let mut decoder = Decoder::new();
    decoder.receive(stream);
    decoder.receive(b"");
    while decoder.packet()?.is_some() {}
    Ok(())
}

/// The committed inputs of a target: its corpus, and what was found.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = ["corpus", "found"].map(|folder| fuzz().join(folder).join(target));
    let folders = folders.iter().filter(|folder| folder.exists());
    let files = folders.flat_map(|folder| entries(folder).into_iter().map(|name| folder.join(name)));
    let read = |file: &Path| fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    files.map(|file| (file.clone(), read(&file))).collect()
}

/// The names in a folder, in order.
fn entries(folder: &Path) -> Vec<String> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = listing.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}
