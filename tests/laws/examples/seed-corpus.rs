//! Writes seeds for the fuzz targets, made of the recorded sessions and the conformance examples:
//! `cargo run -p milter-laws --example seed-corpus -- FOLDER`.
//!
//! Each target's seeds go into a folder of its name, each in a file that is named by its number. They are many more than
//! are worth keeping: `fuzz/minimise` picks those that reach something of their own.

use milter_laws::script::{Said, Script};
use milter_laws::targets::TARGETS;
use milter_vectors::{Connection, Packet, Side};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Longer streams are cut: what their ends say, their beginnings have said.
const LONGEST: usize = 3000;

fn main() {
    let folder = PathBuf::from(env::args_os().nth(1).expect("a folder to write to"));
    let sessions = milter_vectors::sessions();
    let connections: Vec<&Connection> = sessions.iter().flat_map(|session| &session.connections).collect();
    for target in TARGETS {
        let seeds: BTreeSet<Vec<u8>> = match target.name {
            "commands" => packets(&connections, Side::Mta).collect(),
            "responses" => packets(&connections, Side::Filter).chain([LONG_ADDRESS.concat()]).collect(),
            "texts" => texts(&connections).collect(),
            "packets" => streams(&connections, &[Side::Mta, Side::Filter]).collect(),
            "session_stream" => streams(&connections, &[Side::Mta]).collect(),
            "message" => connections.iter().map(|connection| message(connection)).collect(),
            "session_packets" | "mta" | "two_sides" => {
                connections.iter().map(|connection| script(connection.packets())).collect()
            }
            // Values that are drawn octet by octet: fuzzing itself finds them.
            _ => BTreeSet::from([Vec::new()]),
        };
        write(&folder.join(target.name), (target.prefix)(), seeds);
    }
}

/// The one error for which a packet has to be long.
const LONG_ADDRESS: [&[u8]; 3] = [b"+", &[b'a'; 32767], b"\0"];

/// Letters and payloads, also of the examples.
fn packets<'a>(connections: &'a [&Connection], side: Side) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let recorded = connections.iter().flat_map(|connection| connection.packets());
    let recorded = recorded.filter(move |packet| packet.side == side && packet.payload.len() < LONGEST);
    let recorded = recorded.map(|packet| [&[packet.letter], &packet.payload[..]].concat());
    let examples = milter_vectors::examples().into_iter().filter(move |example| example.sender == side);
    recorded
        .chain(examples.flat_map(|example| example.frames).filter_map(|frame| Some(frame.get(4..)?.to_vec())))
}

fn texts<'a>(connections: &'a [&Connection]) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let packets = connections.iter().flat_map(|connection| connection.packets());
    packets
        .filter(|packet| packet.payload.len() < LONGEST)
        .flat_map(|packet| packet.payload.split(|octet| *octet == 0).map(<[u8]>::to_vec).collect::<Vec<_>>())
}

fn streams<'a>(connections: &'a [&Connection], sides: &'a [Side]) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let recorded =
        connections.iter().flat_map(|connection| sides.iter().map(|side| connection.bytes_from(*side)));
    let examples = milter_vectors::examples().into_iter().filter(|example| sides.contains(&example.sender));
    recorded.chain(examples.map(|example| example.wire())).map(|mut stream| {
        stream.truncate(LONGEST);
        stream
    })
}

fn script<'a>(packets: impl Iterator<Item = &'a Packet>) -> Vec<u8> {
    let packets = packets.filter(|packet| packet.payload.len() < LONGEST);
    let said = packets.map(|packet| match packet.side {
        Side::Mta => Said::Mta(packet.letter, packet.payload.clone()),
        Side::Filter => Said::Filter(packet.letter, packet.payload.clone()),
    });
    Script(said.collect()).write()
}

/// A message as the MTA showed it, and the responses to its end.
fn message(connection: &Connection) -> Vec<u8> {
    let (mut headers, mut body) = (Vec::new(), Vec::new());
    for packet in connection.packets().filter(|packet| packet.payload.len() < LONGEST) {
        match (packet.side, packet.letter) {
            (Side::Mta, b'L') => {
                let strings: Vec<&[u8]> = packet.payload.split(|octet| *octet == 0).collect();
                headers.extend([strings[0], b": ", strings[1], b"\r\n"].concat());
            }
            (Side::Mta, b'B') => body.extend_from_slice(&packet.payload),
            _ => {}
        }
    }
    let content = [headers, b"\r\n".to_vec(), body].concat();
    let modifications = connection.packets().filter(|packet| packet.side == Side::Filter);
    let modifications = script(modifications.filter(|packet| !b"Oc".contains(&packet.letter)));
    [Script(vec![Said::Mta(content[0], content[1..].to_vec())]).write(), modifications].join(&0xfe)
}

fn write(folder: &Path, prefix: usize, seeds: BTreeSet<Vec<u8>>) {
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let count = seeds.len();
    for (number, seed) in seeds.into_iter().enumerate() {
        let file = folder.join(format!("seed-{number}"));
        let seed = [before(number, prefix), seed].concat();
        fs::write(&file, seed).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    println!("{count:5} seeds in {}", folder.display());
}

/// What stands before a seed: nothing, all, or anything, but the same at every run.
fn before(number: usize, length: usize) -> Vec<u8> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ number as u64;
    let mut octet = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[3]
    };
    match number % 4 {
        0 => vec![0; length],
        1 => vec![0x7f; length],
        _ => (0..length).map(|_| octet()).collect(),
    }
}
