//! What a service manager is told, as systemd listens for it.

use super::{TIMEOUT, assert_served, listening};
use milter_tests::{Adapter, MilterSocket, RawMta, Runnable, Signal, packet, runnable};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Instant;

/// Hears what a program says of itself.
struct Manager {
    _directory: MilterSocket,
    heard: UnixDatagram,
    variable: String,
}

impl Manager {
    fn new() -> Self {
        let directory = MilterSocket::new();
        let heard = UnixDatagram::bind(directory.path()).unwrap();
        heard.set_read_timeout(Some(TIMEOUT)).unwrap();
        let variable = directory.path().display().to_string();
        Self { _directory: directory, heard, variable }
    }

    fn start(&self, program: &str, adapter: Adapter, options: &[&str]) -> Runnable {
        let mut command = Command::new(runnable(program));
        command.args(options).args(["--runtime", adapter.name()]).env("NOTIFY_SOCKET", &self.variable);
        Runnable::start(&mut command)
    }

    #[track_caller]
    fn hear(&self) -> String {
        let mut buffer = [0; 1024];
        let count = self.heard.recv(&mut buffer).unwrap_or_else(|error| panic!("nothing is said: {error}"));
        String::from_utf8_lossy(&buffer[..count]).trim_end().to_owned()
    }

    /// Hears that a program reloads, and since when.
    #[track_caller]
    fn hear_reloading(&self) -> u64 {
        let heard = self.hear();
        let time = heard.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        time.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{heard:?}"))
    }
}

#[test]
fn whole_life_is_told() {
    for adapter in Adapter::ALL {
        let manager = Manager::new();
        let (socket, body) = (MilterSocket::new(), tempfile::NamedTempFile::new().unwrap());
        fs::write(body.path(), "old").unwrap();
        let file = body.path().to_str().unwrap();
        let options = ["--listen", &socket.spec(), "--body-file", file];
        let mut filter = manager.start("change-body", adapter, &options);
        assert_eq!(manager.hear(), "READY=1");
        // Whoever was told may connect at once.
        assert_eq!(new_body(&socket.spec()), b"old");

        fs::write(body.path(), "new").unwrap();
        filter.signal(Signal::SIGHUP);
        let first = manager.hear_reloading();
        assert_eq!(manager.hear(), "READY=1");
        assert_eq!(new_body(&socket.spec()), b"new");

        // What cannot be read again stays as it is.
        fs::remove_file(body.path()).unwrap();
        filter.signal(Signal::SIGHUP);
        assert!(manager.hear_reloading() > first);
        assert_eq!(manager.hear(), "READY=1");
        filter.wait_for_line("SIGHUP: not reloaded: cannot read ", TIMEOUT);
        assert_eq!(new_body(&socket.spec()), b"new");

        filter.signal(Signal::SIGTERM);
        assert_eq!(manager.hear(), "STOPPING=1");
        assert_eq!(filter.wait(TIMEOUT).code(), Some(0));
    }
}

/// The body that the filter gives a message.
#[track_caller]
fn new_body(spec: &str) -> Vec<u8> {
    let mut mta = RawMta::connect(spec);
    mta.negotiate();
    mta.send(&packet(b'E', b""));
    let answer = mta.read();
    let (body, verdict) = answer.split_at(answer.len() - 5);
    assert_eq!((body[4], verdict), (b'b', &b"\0\0\0\x01c"[..]));
    body[5..].to_vec()
}

#[test]
fn second_signal_ends_at_once() {
    for adapter in Adapter::ALL {
        let manager = Manager::new();
        let options = ["--listen", "inet:127.0.0.1:0", "--drain-timeout", "600"];
        let mut filter = manager.start("log-all", adapter, &options);
        assert_eq!(manager.hear(), "READY=1");
        let spec = listening(&filter);
        let mut mta = RawMta::connect(&spec);
        mta.negotiate();
        mta.send(&[packet(b'M', b"<a>\0"), packet(b'R', b"<b>\0"), packet(b'T', b"")].concat());
        filter.wait_for_line("mail", TIMEOUT);
        let began = Instant::now();
        filter.signal(Signal::SIGTERM);
        assert_eq!(manager.hear(), "STOPPING=1");
        // SIGHUP ends nothing, also now.
        filter.signal(Signal::SIGHUP);
        manager.hear_reloading();
        assert_eq!(manager.hear(), "READY=1");
        assert!(filter.is_running());
        filter.signal(Signal::SIGINT);
        assert_eq!(filter.wait(TIMEOUT).code(), Some(0));
        assert_eq!(mta.rest(), b"");
        assert!(began.elapsed() < TIMEOUT);
    }
}

#[test]
fn without_a_manager_nothing_is_said() {
    let mut command = Command::new(runnable("log-all"));
    command.args(["--listen", "inet:127.0.0.1:0"]).env_remove("NOTIFY_SOCKET");
    let mut filter = Runnable::start(&mut command);
    assert_served(&listening(&filter));
    filter.signal(Signal::SIGTERM);
    assert_eq!(filter.wait(TIMEOUT).code(), Some(0));
    assert!(!filter.stderr().iter().any(|line| line.contains("notify")), "{:?}", filter.stderr());
}
