//! The units in `examples/systemd`, by systemd's own tools, and what our programs do as a service manager wants it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use milter_tests::{Adapter, MilterSocket, Runnable, Signal, foreign, runnable};
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The greatest exposure, in tenths, that `systemd-analyze security` may find: 10 is what it calls "OK", 100 the worst.
const EXPOSURE: &str = "15";

/// A directory with the units for `append-header`, which is where it was built.
fn units() -> (TempDir, [PathBuf; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let program = runnable("append-header");
    let paths = ["service", "socket"].map(|kind| {
        let template = format!("{}/../examples/systemd/milter@.{kind}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(template).unwrap();
        assert_eq!(text.contains("ExecStart=/usr/local/bin/%i "), kind == "service");
        let text = text.replace("/usr/local/bin/%i", program.to_str().unwrap());
        // An instance is checked as the template is, which has to be there as well.
        fs::write(directory.path().join(format!("milter@.{kind}")), &text).unwrap();
        let path = directory.path().join(format!("milter@append-header.{kind}"));
        fs::write(&path, text).unwrap();
        path
    });
    (directory, paths)
}

/// Exit status, and everything that it said.
fn analyze(arguments: &[&str], unit: &Path) -> (bool, String) {
    let output = Command::new(foreign("systemd-analyze")).args(arguments).arg(unit).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn units_are_sound_and_confined() {
    let (_directory, units) = units();
    for unit in &units {
        // Of a wrong line it only warns.
        assert_eq!(analyze(&["verify", "--man=no"], unit), (true, String::new()), "{}", unit.display());
    }
    let (is_confined, said) =
        analyze(&["security", "--offline=true", "--threshold", EXPOSURE, "--no-pager"], &units[0]);
    assert!(is_confined && said.contains("Overall exposure level"), "{said}");
    println!("{}", said.lines().last().unwrap_or_default());

    // It would say so.
    let text = fs::read_to_string(&units[0]).unwrap();
    fs::write(&units[0], text.replace("LimitNOFILE=", "LimitFiles=")).unwrap();
    let (_, said) = analyze(&["verify", "--man=no"], &units[0]);
    assert!(said.contains("Unknown key 'LimitFiles'"), "{said}");
}

#[test]
fn inherited_socket_is_served_and_left() {
    for adapter in Adapter::ALL {
        let socket = MilterSocket::new();
        let mut command = Command::new(foreign("systemd-socket-activate"));
        command.arg("--fdname=milter").arg("-l").arg(socket.path()).arg(runnable("append-header"));
        command.args(["--listen", "fd:milter", "--runtime", adapter.name()]);
        let mut program = Runnable::start(&mut command);
        program.wait_for_line("Listening on ", TIMEOUT);
        // It is started by the first connection, which it has to serve.
        let mut mta = UnixStream::connect(socket.path()).unwrap();
        negotiate(&mut mta);
        drop(mta);
        program.wait_for_line(&format!("listening on {}", socket.spec()), TIMEOUT);
        program.signal(Signal::SIGTERM);
        assert_eq!(program.wait(TIMEOUT).code(), Some(0), "{adapter}: {:?}", program.stderr());
        assert!(socket.path().exists(), "it is systemd's");
    }
}

#[test]
fn socket_of_another_name_is_not_taken() {
    let socket = MilterSocket::new();
    let mut command = Command::new(foreign("systemd-socket-activate"));
    command.arg("--fdname=other").arg("-l").arg(socket.path()).arg(runnable("append-header"));
    let mut program = Runnable::start(command.args(["--listen", "fd:milter"]));
    program.wait_for_line("Listening on ", TIMEOUT);
    let _mta = UnixStream::connect(socket.path()).unwrap();
    assert_eq!(program.wait(TIMEOUT).code(), Some(1));
    let said = program.stderr().join("\n");
    assert!(said.contains("error: cannot listen on fd:milter: no such socket was inherited"), "{said}");
    assert!(said.contains("[\"other\"]"), "{said}");
}

#[test]
fn manager_is_told_what_goes_on() {
    for adapter in Adapter::ALL {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(TIMEOUT)).unwrap();
        let file = directory.path().join("body");
        fs::write(&file, "old\n").unwrap();
        let mut command = Command::new(runnable("change-body"));
        command.args(["--listen", "inet:127.0.0.1:0", "--runtime", adapter.name(), "--body-file"]).arg(&file);
        let mut program = Runnable::start(command.env_clear().env("NOTIFY_SOCKET", &path));
        assert_eq!(told(&manager), "READY=1");
        program.signal(Signal::SIGHUP);
        let reloading = told(&manager);
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(told(&manager), "READY=1");
        program.signal(Signal::SIGTERM);
        assert_eq!(told(&manager), "STOPPING=1");
        assert_eq!(program.wait(TIMEOUT).code(), Some(0));
    }
}

#[track_caller]
fn told(manager: &UnixDatagram) -> String {
    let mut octets = [0; 4096];
    let count = manager.recv(&mut octets).unwrap();
    String::from_utf8_lossy(&octets[..count]).trim_end().to_owned()
}

#[track_caller]
fn negotiate(mta: &mut UnixStream) {
    mta.set_read_timeout(Some(TIMEOUT)).unwrap();
    mta.write_all(b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff").unwrap();
    let mut answer = [0; 17];
    mta.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..5], *b"\0\0\0\x0dO");
}
