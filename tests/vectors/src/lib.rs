//! Milter sessions recorded between real mail servers and real filters, kept as text, with a parser and a
//! printer for that text; and the protocol's conformance examples.
//!
//! The format stands in `tests/vectors/README.md`. Nothing here knows the protocol beyond where a field
//! ends, and no other crate of this workspace is used, so the vectors are an independent witness.
#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "never published; tests build and match these freely"
)]

mod error;
mod example;
mod parse;
mod print;
mod session;
mod term;

pub use error::ParseError;
pub use example::{Class, Example, parse_examples};
pub use parse::{parse_event, parse_session};
pub use print::{format_event, format_packet, format_session};
pub use session::{Connection, Event, How, Mark, Packet, Session, Side};

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of this package, in which `sessions/` and `conformance.txt` lie.
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The session files, sorted by name, each with its session's name (`postfix/plain`).
///
/// # Panics
///
/// When the directory cannot be read.
pub fn session_files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for folder in entries(&directory().join("sessions")) {
        for file in entries(&folder) {
            if file.extension().is_some_and(|extension| extension == "txt") {
                found.push((format!("{}/{}", stem(&folder), stem(&file)), file));
            }
        }
    }
    found
}

/// All recorded sessions, sorted by name.
///
/// # Panics
///
/// When a file cannot be read or parsed; the message names the file and the line.
pub fn sessions() -> Vec<Session> {
    session_files()
        .into_iter()
        .map(|(name, file)| parse_session(&name, &read(&file)).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// All conformance examples, in the order of their statements.
///
/// # Panics
///
/// When the file cannot be read or parsed; the message names the line.
pub fn examples() -> Vec<Example> {
    let file = directory().join("conformance.txt");
    parse_examples("conformance.txt", &read(&file)).unwrap_or_else(|error| panic!("{error}"))
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = listing
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", directory.display())).path())
        .collect();
    paths.sort();
    paths
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
