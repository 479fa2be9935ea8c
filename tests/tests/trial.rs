//! `--try` of every runnable: the filter on a message, without a mail server.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use milter_tests::{Runnable, runnable};
use serde_json::Value;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(60);
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/messages/hello.eml");

/// The programs, each with the options that it cannot do without.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("append-header", &[]),
    ("block-sender", &["--sender", "@spam.test"]),
    ("change-body", &["--body", "new"]),
    ("log-all", &[]),
];

/// Exit status, stdout and stderr.
fn outcome(name: &str, options: &[&str]) -> (i32, String, String) {
    let mut program = Runnable::start(Command::new(runnable(name)).args(options).env_clear());
    let code = program.wait(TIMEOUT).code().expect("an exit status");
    (code, program.stdout().join("\n"), program.stderr().join("\n"))
}

/// The report of a trial that is printed as JSON, and the exit status.
fn report(name: &str, options: &[&str]) -> (i32, Value) {
    let (code, stdout, stderr) = outcome(name, &[options, &["--try-output", "json"]].concat());
    let line = stdout.lines().last().unwrap_or_else(|| panic!("nothing is printed: {stderr}"));
    (code, serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

/// What was asked and answered, on one line.
fn stages(report: &Value) -> String {
    let stages = report["stages"].as_array().unwrap().iter();
    let words = stages
        .map(|stage| format!("{}={}", stage["stage"].as_str().unwrap(), stage["answer"].as_str().unwrap()));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn sample_is_accepted_by_every_runnable() {
    for (name, options) in PROGRAMS {
        let (code, stdout, stderr) = outcome(name, &[options, &["--try", SAMPLE]].concat());
        assert_eq!((code, &*stderr), (0, ""), "{name}");
        assert!(stdout.contains("end of message"), "{stdout}");
        assert!(stdout.lines().last().is_some_and(|line| line.starts_with("accepted")), "{stdout}");
    }
}

#[test]
fn modified_message_is_shown_as_a_diff() {
    let (_, stdout, _) = outcome("append-header", &["--try", SAMPLE, "--try-client", "2001:db8::1:a.test"]);
    for part in [
        "connect         a.test [2001:db8::1]",
        "(no reply)         220 ",
        "add header X-Milter-Client-IP: 2001:db8::1\n",
        "\n--- headers\n+++ headers\n@@ ",
        "\n+X-Milter-Client-IP: 2001:db8::1\n",
        "\naccepted, 1 modification",
    ] {
        assert!(stdout.contains(part), "{part:?} is not in:\n{stdout}");
    }
    assert!(!stdout.lines().any(|line| line.starts_with('-') && line != "--- headers"), "{stdout}");
}

#[test]
fn rejection_and_temporary_failure_are_exit_statuses() {
    for (reply, expected, verdict) in
        [("550 5.7.1 no", 3, "rejected"), ("451 4.7.1 not now", 4, "temporary_failure")]
    {
        let blocking = ["--sender", "@spam.test", "--reply", reply, "--try", SAMPLE];
        let (code, report) =
            report("block-sender", &[&blocking[..], &["--try-from", "<who@spam.test> SIZE=100"]].concat());
        assert_eq!((code, &report["verdict"]), (expected, &verdict.into()), "{report}");
        assert_eq!(stages(&report), "connect=left_out helo=left_out mail=reply");
        let mail = &report["stages"][2];
        assert_eq!(
            (&mail["asked"], &mail["client_hears"]),
            (&"<who@spam.test> SIZE=100".into(), &reply.into())
        );
        assert_eq!(report["result"], Value::Null);
        assert_eq!(outcome("block-sender", &blocking).0, 0, "another sender");
    }
}

#[test]
fn json_has_everything() {
    let options = ["--body", "one\n", "--try", SAMPLE, "--try-to", "a@b.test", "--try-to", "<c@d.test>"];
    let (code, report) = report("change-body", &options);
    assert_eq!(code, 0);
    assert_eq!(report["message"], serde_json::json!({ "subject": "Hello", "headers": 7, "body_octets": 63 }));
    let negotiation = &report["negotiation"];
    assert_eq!(negotiation["offered"]["version"], 6);
    assert_eq!(negotiation["agreed"]["actions"], serde_json::json!(["CHANGE_BODY"]));
    assert_eq!(negotiation["hears"], serde_json::json!(["end_of_message"]));
    assert_eq!(negotiation["macros"], serde_json::json!({}));
    assert_eq!(
        stages(&report),
        "connect=left_out helo=left_out mail=left_out rcpt=left_out rcpt=left_out data=left_out header=left_out \
         end_of_headers=left_out body=left_out end_of_message=continue"
    );
    assert_eq!(report["stages"][6]["count"], 7);
    let replaced = serde_json::json!([{ "action": "replace_body", "octets": 5, "pieces": 1 }]);
    assert_eq!(report["modifications"], replaced);
    assert_eq!((&report["notes"], &report["failure"]), (&serde_json::json!([]), &Value::Null));
    let result = &report["result"];
    assert_eq!(result["sender"], "<alice@example.org>");
    assert_eq!(result["recipients"], serde_json::json!(["<a@b.test>", "<c@d.test>"]));
    assert!(result["message"].as_str().unwrap().ends_with("charset=utf-8\r\n\r\none\r\n"), "{result}");
    assert!(report["diff"].as_str().unwrap().ends_with("-Alice\n+one\n"), "{report}");
    assert!(report["milliseconds"].as_f64().is_some_and(|time| time > 0.0));
}

#[test]
fn macros_are_those_of_postfix() {
    let options = ["--try", SAMPLE, "--log-format", "json", "--try-output", "json"];
    let (_, stdout, _) = outcome("log-all", &options);
    let events: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let macros = |event: &str| events.iter().find(|one| one["event"] == event).unwrap()["macros"].clone();
    let connect = macros("connect");
    assert_eq!(
        (&connect["j"], &connect["_"]),
        (&"mail.example.net".into(), &"client.example.org [192.0.2.1]".into())
    );
    assert_eq!(macros("mail")["{mail_addr}"], "alice@example.org");
    assert_eq!(macros("mail").get("i"), None);
    assert_eq!(macros("rcpt")["{rcpt_addr}"], "bob@example.net");
    assert_eq!(macros("end_of_message")["i"], "4TRIAL0000");
}

#[test]
fn message_is_read_from_standard_input() {
    let mut command = Command::new(runnable("append-header"));
    command.args(["--try", "-"]).stdin(File::open(SAMPLE).unwrap()).stdout(Stdio::piped());
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("accepted, 1 modification\n"));
}

#[test]
fn bad_messages_are_handled_and_named() {
    let directory = TempDir::new().unwrap();
    let long = [b"Subject: ok\r\nX-Long: ", &b"x".repeat(65_600)[..], b"\r\n\r\nbody\r\n"].concat();
    let most = [b"X: ", &b"x".repeat(65_532)[..], b"\r\n\r\n"].concat();
    let large =
        [&b"Subject: large\r\n\r\n"[..], &b"0123456789abcdef0123456789abcde\n".repeat(50 << 15)].concat();
    let cases: [(&str, &[u8], &str); 11] = [
        ("empty", b"", "the message is empty"),
        ("no-headers", b"only text\r\n", "the message has no headers"),
        ("blank", b"\r\n", "accepted"),
        ("bare-lf", b"Subject: a\n\nbody\n", "3 lines ended by LF alone"),
        ("no-end", b"Subject: a\r\n\r\nbody", "the last line had no end"),
        ("nul", b"Subject: a\0b\r\nX: y\r\n\r\nbo\0dy\r\n", "is not shown the header Subject"),
        ("octets", b"S\xfc: \xff\r\n\r\n\xff\x80\x1b[31m\r\n", "accepted"),
        ("long-header", &long, "is not shown the header X-Long: a payload of 65608 octets"),
        ("longest-header", &most, "accepted"),
        ("only-cr", b"\r\r\r", "the last line had no end"),
        ("large", &large, "lines ended by LF alone"),
    ];
    for (name, message, note) in cases {
        let file = directory.path().join(name);
        fs::write(&file, message).unwrap();
        for (program, options) in PROGRAMS {
            if name == "large" && program == "log-all" {
                // It would print all of it, escaped.
                continue;
            }
            let (code, stdout, stderr) =
                outcome(program, &[options, &["--try", file.to_str().unwrap()]].concat());
            assert_eq!(code, 0, "{program}, {name}: {stderr}");
            assert!(stdout.contains(note), "{program}, {name}: {stdout}");
            assert!(
                stdout.lines().all(|line| line.len() < 70_000 || program == "log-all"),
                "{program}, {name}"
            );
            assert!(!stdout.contains('\u{1b}') && !stdout.contains('\0'), "{program}, {name}");
        }
    }
}

#[test]
fn diff_of_a_long_body_is_cut() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("long.eml");
    fs::write(&file, ["Subject: a\r\n\r\n", &"line\r\n".repeat(1000)].concat()).unwrap();
    let (_, stdout, _) = outcome("change-body", &["--body", "new", "--try", file.to_str().unwrap()]);
    assert_eq!(stdout.matches("\n-line").count(), 60);
    assert!(stdout.contains("\n\\ 941 more lines\n"), "{stdout}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().to_str().unwrap();
    for (program, options) in PROGRAMS {
        for file in ["/nonexistent/message.eml", folder] {
            let (code, stdout, stderr) = outcome(program, &[options, &["--try", file]].concat());
            assert_eq!((code, &*stdout), (1, ""));
            assert!(stderr.starts_with(&format!("error: cannot read {file}: ")), "{stderr}");
        }
    }
    let file = directory.path().join("huge");
    File::create(&file).unwrap().set_len((100 << 20) + 1).unwrap();
    let (code, _, stderr) = outcome("log-all", &["--try", file.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stderr.ends_with("is larger than 100 MiB"), "{stderr}");
}

#[test]
fn wrong_options_are_named() {
    let long = "a".repeat(3000);
    let cases: [(&[&str], &str); 7] = [
        (&["--try-from", "a@b"], "--try <FILE>"),
        (&["--try-output", "json"], "--try <FILE>"),
        (&["--try", SAMPLE, "--try-client", "client.test"], "expected an IP address"),
        (&["--try", SAMPLE, "--try-output", "xml"], "[possible values: text, json]"),
        (&["--try", SAMPLE, "--try-from", "a@b\r\nDATA"], "without control characters"),
        (&["--try", SAMPLE, "--try-to", &long], "at most 2000 octets"),
        (&["--try", SAMPLE, "--try-helo", "a\nb"], "without control characters"),
    ];
    for (options, part) in cases {
        let (code, stdout, stderr) = outcome("log-all", options);
        assert_eq!((code, &*stdout), (2, ""), "{options:?}: {stderr}");
        assert!(stderr.contains(part), "{options:?}: {stderr}");
    }
}
