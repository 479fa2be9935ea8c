//! libmilter's side of a differential run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process;
use std::thread;
use std::time::Duration;

use milter_proto::{Command, Decoder, Options};
use tempfile::TempDir;

use super::filter::{Kind, Told};
use super::packets::packets;
use crate::directory::short_directory;
use crate::foreign::libmilter_program;
use crate::poll::poll;
use crate::process::Runnable;

/// How long the program may take for anything; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program `tests/interop/libmilter_differential.c`, serving. It lives one session after the other.
#[derive(Debug)]
pub(super) struct Libmilter {
    kind: Kind,
    directory: TempDir,
    trace: File,
    _program: Runnable,
    /// The connection for the next session.
    stream: UnixStream,
}

/// How libmilter lived a session.
#[derive(Debug)]
pub(super) struct Theirs {
    /// What the filter was told.
    pub(super) told: Vec<Told>,
    /// What was answered.
    pub(super) said: Vec<Vec<u8>>,
    /// Whether it closed the connection before it had read everything.
    pub(super) closed_early: bool,
    /// Whether the process died of it.
    pub(super) crashed: bool,
}

impl Theirs {
    /// What was told and asked for an answer, or could have been.
    pub(super) fn asked(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|told| told.is_asked())
    }
}

impl Libmilter {
    pub(super) fn start(kind: &Kind) -> Self {
        let directory = short_directory("dl");
        let path = directory.path().join("trace");
        let trace = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let trace = trace.unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        let mut command = process::Command::new(libmilter_program("libmilter_differential"));
        command.arg(format!("unix:{}", directory.path().join("milter").display())).arg(&path);
        command.args([kind.silent, kind.unwanted]).arg(format!("{:x}", kind.abilities.bits()));
        let program = Runnable::start(&mut command);
        let connected = poll(PATIENCE, || connect(&directory).ok());
        let stream = connected.unwrap_or_else(|| panic!("libmilter does not listen within {PATIENCE:?}"));
        let mut started = Self { kind: *kind, directory, trace, _program: program, stream };
        // libmilter keeps for the whole process what was once switched off: from now on every session finds the same.
        let mut octets = Vec::new();
        Command::Negotiate(Options::CURRENT).encode(&mut octets);
        Command::Quit.encode(&mut octets);
        started.live(&octets);
        started
    }

    /// Lives a session.
    pub(super) fn live(&mut self, octets: &[u8]) -> Theirs {
        let (said, closed_early) = exchange(&self.stream, octets);
        let told = self.told();
        // The end of each session is told, and last, but the end of an SMTP session is told likewise. Who dies stops
        // listening first.
        let has_ended = told.last().is_some_and(|told| told.letter == 'Q');
        let next = connect(&self.directory).ok().filter(|_| has_ended);
        let crashed = next.is_none();
        match next {
            Some(next) => self.stream = next,
            None => *self = Self::start(&self.kind),
        }
        Theirs { told, said, closed_early, crashed }
    }

    /// What the filter was told since this was asked last.
    fn told(&mut self) -> Vec<Told> {
        let path = self.directory.path().join("trace");
        let lines = fs::read_to_string(&path).and_then(|lines| self.trace.set_len(0).map(|()| lines));
        let lines = lines.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        lines.lines().map(|line| parse(line).unwrap_or_else(|| panic!("a line {line:?}"))).collect()
    }
}

fn connect(directory: &TempDir) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(directory.path().join("milter"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends all of it, and gives what was answered, and whether the connection was closed before all of it was read.
fn exchange(stream: &UnixStream, octets: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut read = Vec::new();
    let (written, ended) = thread::scope(|scope| {
        let written = scope.spawn(|| {
            let mut sending = stream;
            sending.write_all(octets)?;
            sending.shutdown(Shutdown::Write)
        });
        let mut receiving = stream;
        let ended = receiving.read_to_end(&mut read).map(drop);
        (written.join().unwrap_or_else(|_| panic!("the writer panicked")), ended)
    });
    let mut answered = Decoder::new();
    answered.receive(&read);
    let closed_early =
        [written, ended].into_iter().any(|outcome| match outcome.map_err(|error| error.kind()) {
            Ok(()) => false,
            Err(io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected) => {
                true
            }
            Err(error) => panic!("{error} in {}", octets.escape_ascii()),
        });
    (packets(answered).collect(), closed_early)
}

fn parse(line: &str) -> Option<Told> {
    let letter = line.chars().next()?;
    if matches!(letter, 'A' | 'Q') {
        return Some(Told { letter, digest: 0, macros: 0, address: String::new() });
    }
    let mut fields = line.splitn(4, ' ').skip(1);
    let mut digest = || u64::from_str_radix(fields.next()?, 16).ok();
    Some(Told { letter, digest: digest()?, macros: digest()?, address: fields.next()?.into() })
}
