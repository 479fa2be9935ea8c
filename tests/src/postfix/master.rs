//! Postfix's master process: start, readiness and end.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::configuration;
use super::installation::Installation;
use crate::poll::poll;
use crate::watchdog::Watchdog;

const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Why Postfix does not run. What it said is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// Somebody else listens on the port.
    PortInUse,
    /// Anything else.
    Failed,
}

/// The running master process; it leads a session and process group with all processes of this Postfix.
#[derive(Debug)]
pub(super) struct Master {
    process: Child,
    _watchdog: Watchdog,
}

impl Master {
    /// Starts master and waits until it listens.
    ///
    /// Not by `postfix start`, which spends a second on checks of a whole installation, and after which master would
    /// not be a child of this process: its end could not be waited for.
    pub(super) fn start(installation: &Installation, base: &Path) -> Result<Self, NotStarted> {
        let log = configuration::log_file(base);
        let log_before = length(&log);
        let stderr = OpenOptions::new()
            .append(true)
            .open(&log)
            .unwrap_or_else(|error| panic!("cannot open {}: {error}", log.display()));
        let process = Command::new(&installation.master)
            .arg("-c")
            .arg(configuration::configuration_directory(base))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            // What postfix(1) would say: without these master logs to syslog until its own log service runs.
            .env("POSTLOG_SERVICE", configuration::queue_directory(base).join("public/postlog"))
            .env("POSTLOG_HOSTNAME", "mta")
            .current_dir(configuration::queue_directory(base))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", installation.master.display()));
        let watchdog = Watchdog::over(process.id(), Some(base));
        let mut master = Self { process, _watchdog: watchdog };
        let said = || String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()[log_before..]).into_owned();
        // Said once all sockets listen. A connection as a probe would show up at the milter under test.
        let running = poll(START_TIMEOUT, || {
            let ended = master.process.try_wait().is_ok_and(|status| status.is_some());
            if said().contains("daemon started") { Some(true) } else { ended.then_some(false) }
        });
        match running {
            Some(true) => Ok(master),
            Some(false) if said().contains("Address already in use") => Err(NotStarted::PortInUse),
            _ => Err(NotStarted::Failed),
        }
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }
}

impl Drop for Master {
    /// Ends all processes: by SIGTERM, which lets Postfix finish its log, then by SIGKILL.
    fn drop(&mut self) {
        let group = self.group();
        let process = &mut self.process;
        if matches!(process.try_wait(), Ok(None)) {
            let _ = nix::sys::signal::kill(group, Signal::SIGTERM);
            if poll(STOP_TIMEOUT, || process.try_wait().ok().flatten()).is_none() {
                let _ = killpg(group, Signal::SIGKILL);
                let _ = process.wait();
            }
        }
        // Master's children may outlive it for a moment.
        if killpg(group, Signal::SIGKILL).is_ok() {
            poll(Duration::from_millis(50), || killpg(group, None).is_err().then_some(()));
        }
    }
}

fn length(log: &Path) -> usize {
    fs::metadata(log).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0))
}
