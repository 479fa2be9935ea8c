//! A server in a process of its own, looked at from outside.

use crate::Runtime;
use crate::bare::Stages;
use crate::mta;
use clap::ValueEnum;
use milter_tokio::{BoxError, Endpoint};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server<'a> {
    /// `bench-filter`.
    Ours(&'a Path),
    /// The same without a library.
    Bare(&'a Path),
    /// A server of somebody else: `PROGRAM noop|nr SPEC`.
    Foreign(&'a Path),
}

/// What it listens on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Socket {
    Unix,
    Tcp,
}

impl Socket {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        }
    }
}

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// A running server; it ends with this value.
pub(crate) struct Served {
    process: Child,
    clock: ClockId,
    pub(crate) endpoint: Endpoint,
    _directory: TempDir,
}

impl Served {
    /// Starts it and waits until it listens.
    pub(crate) fn start(
        server: Server<'_>,
        runtime: Runtime,
        socket: Socket,
        stages: Stages,
    ) -> Result<Self, BoxError> {
        let directory = TempDir::new()?;
        let variant = match stages {
            Stages::Replied => "noop",
            Stages::Silent => "nr",
        };
        let endpoint = match socket {
            Socket::Unix => Endpoint::Unix { path: directory.path().join("milter").display().to_string() },
            Socket::Tcp => free_port()?,
        };
        let (Server::Ours(program) | Server::Bare(program) | Server::Foreign(program)) = server;
        let mut command = Command::new(program);
        command.args([variant, &endpoint.to_string()]).stdout(Stdio::null());
        match server {
            Server::Ours(_) => command.args(["--runtime", runtime.name()]),
            Server::Bare(_) => command.args(["--runtime", runtime.name(), "--bare"]),
            Server::Foreign(_) => &mut command,
        };
        let process = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(process.id())?))?;
        let mut served = Self { process, clock, endpoint, _directory: directory };
        let since = Instant::now();
        while let Err(error) = mta::connect(&served.endpoint) {
            if served.process.try_wait()?.is_some() || since.elapsed() > START {
                return Err(format!("{command:?} does not listen: {error}").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(served)
    }

    /// The time that it has computed, on all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration, BoxError> {
        Ok(self.clock.now()?.into())
    }

    /// Resident memory in KiB, exactly: what `status` says lags behind by some pages a core.
    pub(crate) fn memory(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process.id()))?;
        let resident = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let number = resident.and_then(|rest| rest.trim().strip_suffix("kB"));
        Ok(number.ok_or("the system does not tell how much memory is resident")?.trim().parse()?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has nothing to finish.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on: a server of somebody else cannot tell which one it was given. Its address is this
/// process's own, so that nobody takes it before the server does.
fn free_port() -> Result<Endpoint, BoxError> {
    let [_, second, third, fourth] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, second | 0x80, third, fourth);
    let port = TcpListener::bind((address, 0))?.local_addr()?.port();
    Ok(Endpoint::Inet { host: address.to_string(), port })
}
