//! `milter-probe` against filters that nobody here wrote: on libmilter, and those that come with purepythonmilter.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use milter_tests::{MilterSocket, Runnable, libmilter_program, python, runnable};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/messages/hello.eml");

fn probe(spec: &str, options: &[&str]) -> (i32, String) {
    let mut command = Command::new(runnable("milter-probe"));
    let mut program = Runnable::start(command.args(["--connect", spec]).args(options).env_clear());
    let code = program.wait(PATIENCE).code().expect("an exit status");
    (code, program.stdout().join("\n"))
}

fn report(spec: &str, options: &[&str]) -> (i32, Value) {
    let (code, stdout) = probe(spec, &[options, &["--output", "json", SAMPLE]].concat());
    (code, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}")))
}

/// The program `tests/interop/libmilter_filter.c`, as soon as its socket is there.
fn on_libmilter(socket: &MilterSocket) -> Runnable {
    let mut command = Command::new(libmilter_program("libmilter_filter"));
    let program = Runnable::start(command.arg(socket.spec()));
    socket.allow_everybody(PATIENCE);
    program
}

#[test]
fn verdicts_of_a_filter_on_libmilter_are_exit_statuses() {
    let socket = MilterSocket::new();
    let _program = on_libmilter(&socket);
    for (word, expected, stage) in [
        ("none", 0, "end_of_message"),
        ("mail-accept", 0, "end_of_message"),
        ("mail-discard", 0, "end_of_message"),
        ("quarantine", 0, "end_of_message"),
        ("mail-reject", 3, "mail"),
        ("rcpt-reply", 3, "rcpt"),
        ("header-tempfail", 4, "header"),
        ("body-reject", 3, "body"),
        ("eom-later", 4, "end_of_message"),
    ] {
        let (code, report) = report(&socket.spec(), &["--from", &format!("{word}@example.org")]);
        assert_eq!(code, expected, "{word}: {report}");
        assert_eq!(report["stages"].as_array().unwrap().last().unwrap()["stage"], stage, "{word}");
    }
    let (_, quarantined) = report(&socket.spec(), &["--from", "quarantine@example.org"]);
    assert_eq!(quarantined["verdict"], "quarantined");
}

#[test]
fn modifications_of_a_filter_on_libmilter_are_applied() {
    let socket = MilterSocket::new();
    let _program = on_libmilter(&socket);
    for (word, parts) in [
        ("addheader", &["\"add_header\"", "X-Added: first\\r\\n\\tfolded\\r\\n"][..]),
        ("insheader", &["\"insert_header\"", "X-Top: top\\r\\n"]),
        ("replacebody", &["\"replace_body\""]),
    ] {
        let (code, report) = report(&socket.spec(), &["--from", &format!("{word}@example.org")]);
        assert_eq!(code, 0, "{report}");
        let text = report.to_string();
        parts.iter().for_each(|part| assert!(text.contains(part), "{word}: {part} is not in {text}"));
    }
}

#[test]
fn sessions_with_a_filter_on_libmilter_are_recorded_and_replayed() {
    let socket = MilterSocket::new();
    let _program = on_libmilter(&socket);
    let directory = TempDir::new().unwrap();
    let session = directory.path().join("session.txt");
    for word in ["none", "addheader", "replacebody", "mail-reject"] {
        let from = format!("{word}@example.org");
        probe(&socket.spec(), &["--from", &from, "--record", name(&session), SAMPLE]);
        let (code, stdout) = probe(&socket.spec(), &["--replay", name(&session)]);
        assert_eq!(code, 0, "{word}: {stdout}");
    }
    let (code, stdout) = probe(&socket.spec(), &["--repeat", "100", "--concurrency", "4", SAMPLE]);
    assert_eq!(code, 0, "{stdout}");
}

#[test]
fn example_of_purepythonmilter_is_asked() {
    let mut command = Command::new(python());
    command.args(["-m", "purepythonmilter.examples.append_header_ip", "--headername", "X-Client"]);
    let program = Runnable::start(command.args(["--bind-port", "0", "--log-level", "INFO"]));
    let line = program.wait_for_line("awaiting connections on ", PATIENCE);
    let spec = format!("inet:{}", line.rsplit(' ').next().unwrap().trim_end_matches("..."));
    let (code, stdout) = probe(&spec, &["--client", "2001:db8::7", SAMPLE]);
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("\n+X-Client: 2001:db8::7\n"), "{stdout}");
    assert!(stdout.contains("may:      add headers, request macros\n"), "{stdout}");
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}
