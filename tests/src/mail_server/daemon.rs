//! A mail server's main process: start, readiness and end.

use std::fs::{self, OpenOptions};
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::poll::poll;
use crate::watchdog::Watchdog;

const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a mail server does not run. What it said is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// Somebody else listens on the port.
    PortInUse,
    /// Anything else.
    Failed,
}

/// The running main process; it leads a process group with all processes of this mail server.
#[derive(Debug)]
pub(super) struct Daemon {
    process: Child,
    _watchdog: Watchdog,
}

impl Daemon {
    /// Starts `command` and waits until it has written `ready` into `log` and listens at `address`. Its output goes to
    /// the log as well.
    pub(super) fn start(
        mut command: Command,
        base: &Path,
        log: &Path,
        ready: &str,
        address: SocketAddrV4,
    ) -> Result<Self, NotStarted> {
        let append = || {
            let file = OpenOptions::new().append(true).create(true).open(log);
            file.unwrap_or_else(|error| panic!("cannot open {}: {error}", log.display()))
        };
        command.stdin(Stdio::null()).stdout(append()).stderr(append());
        let log_before = length(log);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {}: {error}", command.get_program().to_string_lossy())
        });
        let watchdog = Watchdog::over(process.id(), Some(base));
        let mut daemon = Self { process, _watchdog: watchdog };
        let said = || String::from_utf8_lossy(&fs::read(log).unwrap_or_default()[log_before..]).into_owned();
        // A connection as a probe would show up at the milter under test.
        let running = poll(START_TIMEOUT, || {
            let ended = daemon.process.try_wait().is_ok_and(|status| status.is_some());
            let said = said();
            if said.contains("Address already in use") {
                // Sendmail would go on trying for minutes.
                Some(Err(NotStarted::PortInUse))
            } else if said.contains(ready) && is_listening(address) {
                Some(Ok(()))
            } else {
                ended.then_some(Err(NotStarted::Failed))
            }
        });
        if let Err(why) = running.unwrap_or(Err(NotStarted::Failed)) {
            // It has nothing to put in order. Sendmail, asleep until it tries the port again, would not hear a SIGTERM.
            let _ = daemon.process.kill();
            return Err(why);
        }
        Ok(daemon)
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }
}

impl Drop for Daemon {
    /// Ends all processes: by SIGTERM, which lets the server finish its log, then by SIGKILL.
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
        // The children may outlive it for a moment.
        if killpg(group, Signal::SIGKILL).is_ok() {
            poll(Duration::from_millis(50), || killpg(group, None).is_err().then_some(()));
        }
    }
}

fn length(log: &Path) -> usize {
    fs::metadata(log).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0))
}

/// Asks the kernel whether somebody listens there.
fn is_listening(address: SocketAddrV4) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp")
        .unwrap_or_else(|error| panic!("cannot read the kernel's list of sockets: {error}"));
    // The address is shown as a number that has the octets in network order in memory.
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    sockets.lines().any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        // Local address, remote address, state.
        columns.next() == Some(&local) && columns.nth(1) == Some("0A")
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn only_what_listens_is_listening() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { panic!("not an IPv4 address") };
        assert!(is_listening(address));
        drop(listener);
        assert!(!is_listening(address));
    }
}
