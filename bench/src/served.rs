//! A server in a process of its own, looked at from outside.

use crate::Runtime;
use crate::bare::Stages;
use clap::ValueEnum;
use milter_tokio::{BoxError, Endpoint};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Whose server it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Ours,
    Bare,
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

/// A running server; it ends with this value.
pub(crate) struct Served {
    process: Child,
    clock: ClockId,
    pub(crate) endpoint: Endpoint,
    _directory: TempDir,
}

impl Served {
    /// Starts `bench-filter`, which prints where it listens.
    pub(crate) fn start(
        program: &Path,
        server: Server,
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
            Socket::Unix => format!("unix:{}", directory.path().join("milter").display()),
            Socket::Tcp => "inet:127.0.0.1:0".to_owned(),
        };
        let mut command = Command::new(program);
        command.args([variant, &endpoint, "--runtime", runtime.name()]).stdout(Stdio::piped());
        if server == Server::Bare {
            command.arg("--bare");
        }
        let mut process = command.spawn()?;
        let mut printed = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut printed)?;
        }
        let id = Pid::from_raw(i32::try_from(process.id())?);
        match (printed.trim().parse(), clock_getcpuclockid(id)) {
            (Ok(endpoint), Ok(clock)) => Ok(Self { process, clock, endpoint, _directory: directory }),
            _ => {
                let _ = process.kill();
                Err(format!("{command:?} did not start: {}, {printed:?}", process.wait()?).into())
            }
        }
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
