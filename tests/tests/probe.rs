//! `milter-probe` against our own runnables, and against what is no milter.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{MilterSocket, Runnable, runnable};
use serde_json::Value;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(60);
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/messages/hello.eml");

/// A runnable that listens on a free port, and where.
fn filter(name: &str, options: &[&str]) -> (Runnable, String) {
    let mut command = Command::new(runnable(name));
    let program = Runnable::start(command.args(options).args(["--listen", "inet:127.0.0.1:0"]));
    let line = program.wait_for_line("listening on ", TIMEOUT);
    let spec = line.rsplit(' ').next().unwrap().to_owned();
    (program, spec)
}

/// Exit status, stdout and stderr of a probe.
fn probe(spec: &str, options: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(runnable("milter-probe"));
    let mut program = Runnable::start(command.args(["--connect", spec]).args(options).env_clear());
    let code = program.wait(TIMEOUT).code().expect("an exit status");
    (code, program.stdout().join("\n"), program.stderr().join("\n"))
}

/// A server on a free port that does this with each connection.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = format!("inet:{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    spec
}

/// A server that says this at once, and then waits for the client to go.
fn saying(octets: &'static [u8]) -> String {
    server(move |mut stream| {
        let _ = stream.write_all(octets);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn message_is_accepted_over_tcp_and_unix() {
    let socket = MilterSocket::new();
    let unix = socket.spec();
    let (_filter, inet) = filter("append-header", &["--listen", &unix]);
    for spec in [inet, unix] {
        let (code, stdout, stderr) = probe(&spec, &[SAMPLE]);
        assert_eq!((code, &*stderr), (0, ""), "{stdout}");
        let connected = format!("connected: {spec} in ");
        let shown =
            ["version:  6", "may:      add headers", " ms  continue", "\n+X-Milter-Client-IP: 192.0.2.1\n"];
        assert_has(&stdout, &[&connected]);
        assert_has(&stdout, &shown);
        assert_has(&stdout, &["accepted, 1 modification in "]);
    }
}

#[test]
fn envelope_client_and_macros_are_those_of_the_options() {
    let (filter, spec) = filter("log-all", &["--log-format", "json"]);
    let envelope =
        ["--from", "<a@b.test> SIZE=9", "--to", "c@d.test", "--to", "e@f.test", "--helo", "hi.test"];
    let client = ["--client", "198.51.100.7:cl.test", "--macro", "auth_authen=me", "--macro", "{j}=mx.test"];
    let (code, ..) = probe(&spec, &[&envelope[..], &client, &["--output", "json", SAMPLE]].concat());
    assert_eq!(code, 0);
    filter.wait_for_line("\"quit\"", TIMEOUT);
    let events: Vec<Value> = filter.stdout().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = |name: &str| events.iter().find(|one| one["event"] == name).unwrap();
    let connect = event("connect");
    assert_eq!((&connect["hostname"], &connect["address"]), (&"cl.test".into(), &"198.51.100.7".into()));
    assert_eq!(connect["macros"]["j"], "mx.test");
    assert_eq!(event("helo")["name"], "hi.test");
    let mail = event("mail");
    assert_eq!((&mail["sender"], &mail["arguments"]), (&"<a@b.test>".into(), &serde_json::json!(["SIZE=9"])));
    assert_eq!(mail["macros"]["{auth_authen}"], "me");
    let recipients: Vec<&Value> =
        events.iter().filter(|one| one["event"] == "rcpt").map(|one| &one["recipient"]).collect();
    assert_eq!(recipients, ["<c@d.test>", "<e@f.test>"]);
}

#[test]
fn rejection_and_temporary_failure_are_exit_statuses() {
    for (reply, expected, result) in
        [("550 5.7.1 no", 3, "\nrejected in "), ("451 4.7.1 not now", 4, "\ntemporary failure in ")]
    {
        let (_filter, spec) = filter("block-sender", &["--sender", "@spam.test", "--reply", reply]);
        let (code, stdout, _) = probe(&spec, &["--from", "who@spam.test", SAMPLE]);
        assert_eq!(code, expected, "{stdout}");
        assert_has(&stdout, &[reply, result]);
        assert_eq!(probe(&spec, &[SAMPLE]).0, 0);
    }
}

#[test]
fn older_and_stingy_mail_servers_are_imitated() {
    let (_filter, spec) = filter("append-header", &[]);
    for version in ["2", "3", "4", "5"] {
        let (code, stdout, _) = probe(&spec, &["--offer-version", version, SAMPLE]);
        assert_eq!(code, 0, "{stdout}");
        assert_has(&stdout, &[&format!("version:  {version} (offered: {version})"), "+X-Milter-Client-IP"]);
    }
    let (code, stdout, _) = probe(&spec, &["--offer-protocol", "0", SAMPLE]);
    assert_eq!(code, 0);
    assert_has(
        &stdout,
        &["hears:    connect, helo, mail, rcpt, data, header, end of headers, body, end of message"],
    );
    let (code, stdout, _) = probe(&spec, &["--offer-actions", "0x2", SAMPLE]);
    assert_eq!(code, 5);
    assert_has(&stdout, &["failed at negotiation: the filter closed the connection"]);
}

#[test]
fn what_does_not_listen_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for spec in [format!("inet:{port}"), "unix:/nonexistent/socket".to_owned()] {
        let (code, stdout, _) = probe(&spec, &[SAMPLE]);
        assert_eq!(code, 5);
        assert_has(&stdout, &[&format!("failed at connection: cannot connect to {spec}: ")]);
        let (code, stdout, _) = probe(&spec, &["--output", "json", SAMPLE]);
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            (code, &report["failure"]["stage"], &report["verdict"]),
            (5, &"connection".into(), &"failed".into())
        );
    }
}

#[test]
fn what_is_no_milter_is_told_apart() {
    let negotiated = b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\0\0";
    let cases: [(&[u8], &str); 8] = [
        (b"220 mx.test ESMTP Postfix\r\n", "looks like an SMTP server: \"220 mx.test ESMTP Postfix\""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "looks like an HTTP server: \"HTTP/1.1 400 Bad Request\""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "looks like an SSH server"),
        (b"\x15\x03\x01\0\x02\x02\x46", "looks like a TLS server"),
        (
            b"\0\0\0\x0dO\0\0\0\x06\0\0\x0e\0\0\0\0\0",
            "negotiation: the filter asks for the actions Actions(0xe00), which were not offered",
        ),
        (
            b"\0\0\0\x0dO\0\0\0\x07\0\0\0\0\0\0\0\0",
            "negotiation: the filter answers version 7 of the protocol",
        ),
        (b"\0\0\0\x01c", "negotiation: the filter sent 'c' (0x63) to SMFIC_OPTNEG"),
        (negotiated, "failed at connect: the filter did not answer SMFIC_CONNECT 'C' (0x43) within 0.5 s"),
    ];
    for (octets, part) in cases {
        let (code, stdout, _) = probe(&saying(octets), &["--timeout", "0.5", SAMPLE]);
        assert_eq!(code, 5, "{stdout}");
        assert_has(&stdout, &[part]);
    }
    let strict = saying(b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\x0f\xe0\0\0");
    let (code, stdout, _) = probe(&strict, &["--rules", "sendmail", "--timeout", "0.5", SAMPLE]);
    assert_eq!(code, 5);
    assert_has(
        &stdout,
        &["the filter asks for the protocol steps Protocol(0xfe00000), which were not offered"],
    );
}

#[test]
fn silence_ends_in_a_time_out_that_names_the_stage() {
    let begun = Instant::now();
    let (code, stdout, _) = probe(&saying(b""), &["--timeout", "0.3", SAMPLE]);
    assert_eq!(code, 5);
    assert_has(
        &stdout,
        &["failed at negotiation: the filter did not answer SMFIC_OPTNEG 'O' (0x4f) within 0.3 s"],
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
    let (code, stdout, _) = probe(&server(drop), &[SAMPLE]);
    assert_eq!(code, 5);
    assert_has(&stdout, &["failed at negotiation: "]);
}

#[test]
fn many_messages_are_summed_up() {
    let (_filter, spec) = filter("append-header", &[]);
    let load = ["--repeat", "200", "--concurrency", "4", SAMPLE];
    let (code, stdout, stderr) = probe(&spec, &load);
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    assert_has(
        &stdout,
        &["200 messages, 4 at a time, in ", " per second", "\n200 accepted\n", "ms: min ", ", max "],
    );
    let (code, stdout, _) = probe(&spec, &[&load[..], &["--output", "json"]].concat());
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &summary["messages"], &summary["verdicts"]["accepted"]), (0, &200.into(), &200.into()));
    let times =
        ["min", "median", "p95", "p99", "max"].map(|name| summary["milliseconds"][name].as_f64().unwrap());
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");

    let (_filter, spec) = filter("block-sender", &["--sender", "@example.org"]);
    let (code, stdout, _) = probe(&spec, &load);
    assert_eq!(code, 3);
    assert_has(&stdout, &["\n200 rejected\n"]);
    let (code, stdout, _) = probe("unix:/nonexistent/socket", &load);
    assert_eq!(code, 5);
    assert_has(&stdout, &["\n200 failed\n", "failed at connection: cannot connect"]);
}

#[test]
fn what_was_recorded_is_the_same_when_it_is_replayed() {
    let directory = TempDir::new().unwrap();
    let session = directory.path().join("session.txt");
    let file = session.to_str().unwrap();
    let (_appending, appending) = filter("append-header", &[]);
    let (_changing, changing) = filter("change-body", &["--body", "new"]);
    let (_logging, logging) = filter("log-all", &[]);
    for spec in [&appending, &changing, &logging] {
        let (code, stdout, _) = probe(spec, &["--record", file, SAMPLE]);
        assert_eq!(code, 0, "{stdout}");
        // What was written is the text of the vectors.
        let text = fs::read_to_string(file).unwrap();
        let parsed = milter_vectors::parse_session("session", &text).unwrap();
        assert_eq!(milter_vectors::format_session(&parsed), text);
        let (code, stdout, _) = probe(spec, &["--replay", file]);
        assert_eq!(code, 0, "{stdout}");
        assert_has(&stdout, &["same: ", " answers are as recorded"]);
    }
    let (code, stdout, _) = probe(&appending, &["--replay", file]);
    assert_eq!(code, 6);
    assert_has(&stdout, &["different, in connection 1:\n- F O ", "(recorded, line 6)\n+ F O "]);
    let (code, stdout, _) = probe(&changing, &["--replay", file, "--output", "json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&stdout).unwrap()["result"]), (6, &"different".into()));
    let (code, stdout, _) = probe(&saying(b""), &["--replay", file, "--timeout", "0.3"]);
    assert_eq!(code, 6);
    assert_has(&stdout, &["the filter sent nothing for 0.3 s"]);
}

#[test]
fn sessions_of_real_filters_are_replayed_and_differ() {
    let (_filter, spec) = filter("append-header", &[]);
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/sessions/postfix");
    for name in ["plain.txt", "several_messages.txt", "body_1m.txt"] {
        let (code, stdout, stderr) = probe(&spec, &["--replay", sessions.join(name).to_str().unwrap()]);
        assert_eq!((code, &*stderr), (6, ""), "{name}: {stdout}");
    }
}

#[test]
fn answers_that_were_not_recorded_are_seen() {
    let directory = TempDir::new().unwrap();
    let session = directory.path().join("session.txt");
    fs::write(&session, "# mta: none\n# description: an offer\n\nconnection 1\nM O u32:6 u32:0 u32:0\n")
        .unwrap();
    let (code, _, stderr) = probe("inet:127.0.0.1:1", &["--replay", session.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert_has(&stderr, &["session.txt:5: "]);
    let offer = "M O u32:0x00000006 u32:0x000001ff u32:0x001fffff\nM Q\nM eof\n";
    fs::write(&session, format!("# mta: none\n# description: an offer\n\nconnection 1\n{offer}")).unwrap();
    let (_filter, spec) = filter("append-header", &[]);
    let (code, stdout, _) = probe(&spec, &["--replay", session.to_str().unwrap()]);
    assert_eq!(code, 6);
    assert_has(&stdout, &["+ F O ", "(not recorded)"]);
}

#[test]
fn wrong_options_and_files_are_named() {
    let (code, _, stderr) = probe("inet:127.0.0.1:1", &["/nonexistent/message.eml"]);
    assert_eq!(code, 1);
    assert_has(&stderr, &["error: cannot read /nonexistent/message.eml: "]);
    let (code, _, stderr) = probe("inet:127.0.0.1:1", &["--replay", "/nonexistent/session.txt"]);
    assert_eq!(code, 1);
    assert_has(&stderr, &["error: cannot read /nonexistent/session.txt: "]);
    let (code, _, stderr) = probe("inet:127.0.0.1:1", &["--record", "/nonexistent/session.txt", SAMPLE]);
    assert_eq!(code, 1);
    assert_has(&stderr, &["error: cannot write /nonexistent/session.txt: "]);
    let cases: [(&[&str], &str); 7] = [
        (&[], "<FILE>"),
        (&["--macro", "j", SAMPLE], "expected NAME=VALUE"),
        (&["--timeout", "0", SAMPLE], "expected seconds"),
        (&["--repeat", "0", SAMPLE], "--repeat"),
        (&["--offer-protocol", "xyz", SAMPLE], "hex digits"),
        (&["--record", "a", "--repeat", "2", SAMPLE], "cannot be used with"),
        (&["--replay", "a", SAMPLE], "cannot be used with"),
    ];
    for (options, part) in cases {
        let (code, stdout, stderr) = probe("inet:127.0.0.1:1", options);
        assert_eq!((code, &*stdout), (2, ""), "{options:?}: {stderr}");
        assert_has(&stderr, &[part]);
    }
    let (code, help, _) = probe("inet:127.0.0.1:1", &["--help"]);
    assert_eq!(code, 0);
    assert_has(&help, &["Exit status: 0", "--concurrency", "--offer-protocol"]);
}
