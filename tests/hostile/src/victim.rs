//! A filter under attack.

use crate::arena::{Arena, Transport};
use crate::peer::Peer;
use crate::process::Process;
use milter_proto::Endpoint;
use milter_tests::{MilterSocket, Runnable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::Command;
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that is not what is measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How many threads serve: each has a buffer and an arena of its own, and what these take is bounded here.
const WORKERS: usize = 2;
/// How long memory has to stay the same to be at rest.
const REST: Duration = Duration::from_millis(200);

/// A filter under attack, in a process of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct Victim {
    pub(crate) program: Runnable,
    pub(crate) endpoint: Endpoint,
    _socket: Option<MilterSocket>,
}

impl Victim {
    /// A filter with its defaults.
    pub(crate) fn start(arena: &Arena) -> Self {
        Self::start_with(arena, &[])
    }

    /// A filter with options, which has served some sessions, also at the same time: what is made once, and once a
    /// thread, is made.
    pub(crate) fn start_with(arena: &Arena, options: &[&str]) -> Self {
        static DESCRIPTORS: Once = Once::new();
        DESCRIPTORS.call_once(allow_descriptors);
        let socket = (arena.transport == Transport::Unix).then(MilterSocket::new);
        let spec = socket.as_ref().map_or_else(|| "inet:127.0.0.1:0".to_owned(), MilterSocket::spec);
        let program = Runnable::start(command(arena, &spec).args(options));
        let endpoint = listening(&program);
        let victim = Self { program, endpoint, _socket: socket };
        let session =
            || Peer::session(&victim.endpoint, "<first@good>").unwrap_or_else(|error| panic!("{error}"));
        thread::scope(|scope| {
            for _ in 0..2 * WORKERS {
                scope.spawn(|| (0..5).for_each(|_| session()));
            }
        });
        victim
    }

    pub(crate) fn process(&self) -> Process {
        Process { id: self.program.id() }
    }

    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(&self.endpoint).unwrap_or_else(|error| panic!("cannot connect: {error}"))
    }

    pub(crate) fn negotiated(&self) -> Peer {
        Peer::negotiated(&self.endpoint).unwrap_or_else(|error| panic!("no negotiation: {error}"))
    }

    /// In the middle of a message from this sender: all but its end has come.
    pub(crate) fn in_message(&self, sender: &str) -> Peer {
        let mut peer = self.negotiated();
        peer.opens("attacker").and_then(|()| peer.begins(sender)).unwrap_or_else(|error| panic!("{error}"));
        peer
    }

    /// Resident memory once it does not change any more.
    pub(crate) fn memory_at_rest(&self) -> i64 {
        let deadline = Instant::now() + PATIENCE;
        let (mut memory, mut since) = (self.process().memory(), Instant::now());
        while since.elapsed() < REST && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
            let now = self.process().memory();
            if now != memory {
                (memory, since) = (now, Instant::now());
            }
        }
        memory
    }

    /// Waits until there are so many descriptors open, and gives how many there are and how long that took.
    pub(crate) fn await_descriptors(&self, expected: usize, limit: Duration) -> (usize, Duration) {
        let start = Instant::now();
        loop {
            let now = self.process().descriptors();
            if now == expected || start.elapsed() > limit {
                return (now, start.elapsed());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Takes as many descriptors as may be had: an attacker needs more than most programs.
fn allow_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, limit).unwrap_or_else(|error| panic!("no descriptors: {error}"));
}

/// A filter on that socket.
pub(crate) fn command(arena: &Arena, spec: &str) -> Command {
    let mut command = Command::new(&arena.program);
    command.args(["filter", spec, "--runtime", arena.adapter.name()]);
    // smol has one thread, whatever the machine.
    for variable in ["TOKIO_WORKER_THREADS", "ASYNC_STD_THREAD_COUNT"] {
        command.env(variable, WORKERS.to_string());
    }
    // To tell where a panic came from, the standard library keeps the program's debugging information in memory.
    command.env_remove("RUST_BACKTRACE");
    // As the unit for systemd starts it: how soon memory goes back to the system is a matter of the allocator.
    let unit = include_str!("../../../examples/systemd/milter@.service");
    let variables = unit.lines().filter_map(|line| line.strip_prefix("Environment=MALLOC_"));
    for (name, value) in variables.filter_map(|line| line.split_once('=')) {
        command.env(format!("MALLOC_{name}"), value);
    }
    command
}

/// Where a filter says that it listens.
pub(crate) fn listening(program: &Runnable) -> Endpoint {
    let line = program.wait_for_line("listening on ", PATIENCE);
    let endpoint = line.trim_start_matches("listening on ").parse();
    endpoint.unwrap_or_else(|error| panic!("{line}: {error}"))
}
