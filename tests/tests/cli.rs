//! The command line of the programs of the package `milter-examples`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{MilterSocket, Runnable, Signal, runnable};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The programs, each with the options that it cannot do without.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("append-header", &[]),
    ("block-sender", &["--sender", "@spam.test"]),
    ("change-body", &["--body", "new"]),
    ("log-all", &[]),
];

/// Starts a program with these options and these environment variables only.
fn start(name: &str, options: &[&str], variables: &[(&str, &str)]) -> Runnable {
    let mut command = Command::new(runnable(name));
    Runnable::start(command.args(options).env_clear().envs(variables.iter().copied()))
}

/// Its exit status, stdout and stderr.
fn outcome(mut program: Runnable) -> (Option<i32>, String, String) {
    let code = program.wait(TIMEOUT).code();
    (code, program.stdout().join("\n"), program.stderr().join("\n"))
}

#[test]
fn wrong_options_are_named() {
    let both = ["--body", "a", "--body-file", "b"];
    let cases: [(&str, &[&str], &[&str]); 14] = [
        (
            "log-all",
            &["--listen", "inet:9000"],
            &["--listen", "\"inet:9000\" is no socket address", "unix:/PATH"],
        ),
        ("log-all", &["--listen", "inet:127.0.0.1:1,tcp:x"], &["--listen", "\"tcp:x\" is no socket address"]),
        ("log-all", &["--listen", ""], &["--listen", "is no socket address"]),
        ("log-all", &["--log-level", "loud"], &["--log-level", "error, warn, info, debug, trace"]),
        ("log-all", &["--log-format", "xml"], &["--log-format", "text, json"]),
        ("log-all", &["--listne", "inet:127.0.0.1:1"], &["--listne", "--listen"]),
        (
            "append-header",
            &["--header-name", "X Y"],
            &["--header-name", "a header name has the octet 0x20 at 1"],
        ),
        ("change-body", &[], &["--body <TEXT>|--body-file <FILE>"]),
        ("change-body", &both, &["--body", "--body-file", "cannot be used"]),
        ("block-sender", &[], &["--sender"]),
        ("block-sender", &["--sender", "spam.test"], &["--sender", "expected one address"]),
        (
            "block-sender",
            &["--sender", "@a", "--reply", "250 ok"],
            &["--reply", "a reply code of 400 to 599"],
        ),
        (
            "block-sender",
            &["--sender", "@a", "--reply", "550 4.7.1 no"],
            &["--reply", "an enhanced status code"],
        ),
        ("block-sender", &["--sender", "@a", "--reply", "550 a\nb"], &["--reply", "the octet 0x0a"]),
    ];
    for (name, options, parts) in cases {
        let (code, stdout, stderr) = outcome(start(name, options, &[]));
        assert_eq!((code, &*stdout), (Some(2), ""), "{name} {options:?}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{name} {options:?}: {stderr}");
    }
}

#[test]
fn help_and_version_are_told() {
    for (name, _) in PROGRAMS {
        let (code, help, stderr) = outcome(start(name, &["--help"], &[]));
        assert_eq!((code, &*stderr), (Some(0), ""));
        for part in
            ["--listen", "MILTER_LISTEN", "inet:127.0.0.1:9000", "--log-level", "SIGTERM", "Exit status"]
        {
            assert!(help.contains(part), "{part} is not in: {help}");
        }
        assert!(help.contains("smtpd_milters = inet:127.0.0.1:9000"), "{help}");
        let version = format!("{name} {}", env!("CARGO_PKG_VERSION"));
        assert_eq!(outcome(start(name, &["--version"], &[])), (Some(0), version, String::new()));
    }
}

#[test]
fn socket_that_cannot_be_bound_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = MilterSocket::new();
    let _live = UnixListener::bind(socket.path()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "no socket").unwrap();
    let specs = [
        format!("inet:{}", port.local_addr().unwrap()),
        socket.spec(),
        format!("unix:{}", file.display()),
        "unix:/nonexistent/socket".to_owned(),
    ];
    for spec in &specs {
        for (name, options) in PROGRAMS {
            // The other one could be bound: half a filter is none.
            let listen = ["--listen", "inet:127.0.0.1:0", "--listen", spec];
            let (code, stdout, stderr) = outcome(start(name, &[&listen, options].concat(), &[]));
            assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
            assert!(stderr.starts_with(&format!("error: cannot listen on {spec}: ")), "{stderr}");
        }
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"no socket");
}

#[test]
fn body_file_that_cannot_be_read_is_named() {
    let (code, stdout, stderr) = outcome(start("change-body", &["--body-file", "/nonexistent/body"], &[]));
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.starts_with("error: cannot read /nonexistent/body: "), "{stderr}");
}

#[test]
fn environment_is_read() {
    let sockets = [MilterSocket::new(), MilterSocket::new()];
    let specs = sockets.each_ref().map(MilterSocket::spec);
    let listen = format!("{}, {} inet:127.0.0.1:0", specs[0], specs[1]);
    let program = start("log-all", &[], &[("MILTER_LISTEN", &listen), ("MILTER_LOG_LEVEL", "Info")]);
    let lines = program.wait_for_lines("listening on ", 3, TIMEOUT);
    for (line, spec) in lines.iter().zip([&*specs[0], &*specs[1], "inet:127.0.0.1:"]) {
        assert!(line.contains(&format!("INFO listening on {spec}")), "{line}");
    }
    assert!(!lines[2].ends_with(":0"), "{lines:?}");

    // An option comes before a variable.
    let other = ("MILTER_LISTEN", "unix:/nonexistent/socket");
    let program = start("log-all", &["--listen", "inet:127.0.0.1:0"], &[other]);
    program.wait_for_line("listening on inet:127.0.0.1:", TIMEOUT);

    for (name, variable, value, part) in [
        ("log-all", "MILTER_LISTEN", "inet:9000", "--listen"),
        ("log-all", "MILTER_LOG_LEVEL", "loud", "--log-level"),
        ("log-all", "MILTER_LOG_FORMAT", "xml", "--log-format"),
        ("append-header", "MILTER_HEADER_NAME", "X:", "--header-name"),
    ] {
        let (code, _, stderr) = outcome(start(name, &[], &[(variable, value)]));
        assert_eq!(code, Some(2));
        assert!(stderr.contains(part) && stderr.contains(value), "{stderr}");
    }
}

#[test]
fn log_level_is_kept() {
    let socket = MilterSocket::new();
    let quiet = start("append-header", &["--listen", &socket.spec(), "--log-level", "WARN"], &[]);
    // It does not say when it is ready, but it answers then.
    drop(negotiate(&socket.path()));
    assert_ended_by(Signal::SIGTERM, quiet, &socket.path(), str::is_empty);
}

#[test]
fn broken_stdout_stops_no_mail() {
    let socket = MilterSocket::new();
    // Each write to this device fails.
    let command = "exec \"$0\" \"$@\" >/dev/full";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).arg(runnable("log-all")).args(["--listen", &socket.spec()]);
    let program = Runnable::start(&mut shell);
    program.wait_for_line("listening on ", TIMEOUT);
    for _ in 0..2 {
        let mut mta = negotiate(&socket.path());
        // A message in the shortest form.
        mta.write_all(b"\0\0\0\x04M<>\0\0\0\0\x01E").unwrap();
        let mut answer = [0; 5];
        mta.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\0\0\0\x01c");
    }
    program.signal(Signal::SIGTERM);
    let (code, _, stderr) = outcome(program);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr.matches("events are lost: cannot write the log").count(), 1, "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn signals_end_it_in_good_order() {
    for (signal, (name, options)) in [Signal::SIGTERM, Signal::SIGINT].into_iter().cycle().zip(PROGRAMS) {
        let socket = MilterSocket::new();
        let listen = ["--listen", &socket.spec(), "--listen", "inet:127.0.0.1:0"];
        let program = start(name, &[&listen, options].concat(), &[]);
        program.wait_for_lines("listening on ", 2, TIMEOUT);
        assert!(socket.path().exists());
        assert_ended_by(signal, program, &socket.path(), |stderr| stderr.contains("shutting down"));
    }
}

#[track_caller]
fn assert_ended_by(signal: Signal, program: Runnable, socket: &Path, said: impl Fn(&str) -> bool) {
    program.signal(signal);
    let (code, stdout, stderr) = outcome(program);
    assert_eq!((code, &*stdout), (Some(0), ""), "{stderr}");
    assert!(said(&stderr), "{stderr}");
    assert!(!socket.exists());
}

#[test]
fn stale_socket_is_replaced() {
    let socket = MilterSocket::new();
    let listen = ["--listen", &socket.spec()];
    let mut killed = start("log-all", &listen, &[]);
    killed.wait_for_line("listening on ", TIMEOUT);
    killed.kill();
    assert!(socket.path().exists());
    start("log-all", &listen, &[]).wait_for_line("listening on ", TIMEOUT);
}

/// A connection to the filter at `socket`, as soon as there is one, after the negotiation.
#[track_caller]
fn negotiate(socket: &Path) -> UnixStream {
    let deadline = Instant::now() + TIMEOUT;
    let mut mta = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        thread::sleep(Duration::from_millis(5));
    };
    mta.set_read_timeout(Some(TIMEOUT)).unwrap();
    // Version 6; headers may be added; no command can be switched off; none but the end of a message needs a reply.
    mta.write_all(b"\0\0\0\x0dO\0\0\0\x06\0\0\0\x01\0\x0f\xf8\x80").unwrap();
    mta.read_exact(&mut [0; 17]).unwrap();
    mta
}
