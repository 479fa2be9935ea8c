//! `milter-probe` against programs that nobody here wrote: what it says of them is what they did.

mod interop_client;
mod interop_dkim;

use std::fs;
use std::process::Command;

use interop_client::{Asking, PATIENCE};
use interop_dkim::{Key, OpenDkim};
use milter_tests::{MilterSocket, Runnable, libmilter_program, python, runnable};
use serde_json::{Value, json};
use tempfile::TempDir;

const MESSAGE: &str = "From: a@example.com\r\nSubject:  two spaces\r\nX-Twice: 1\r\nx-twice: 2\r\n\
    X-Folded: a\r\n\tb\r\n\r\nline\r\n.\r\n";

/// A filter, and where it listens.
struct Foreign {
    program: Runnable,
    spec: String,
    _socket: Option<MilterSocket>,
}

impl Foreign {
    /// The program `tests/interop/libmilter_filter.c`, which asks for these protocol steps.
    fn libmilter(steps: &str) -> Self {
        let socket = MilterSocket::new();
        let mut command = Command::new(libmilter_program("libmilter_filter"));
        let mut program = Runnable::start(command.arg(socket.spec()).arg(steps));
        let spec = socket.spec();
        await_listening(&spec, &mut program);
        Self { program, spec, _socket: Some(socket) }
    }

    /// An example of purepythonmilter, on a port that the system chose.
    fn example(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg("-m").arg(format!("purepythonmilter.examples.{name}"));
        command.args(["--bind-port", "0", "--log-level", "INFO"]).args(arguments);
        let program = Runnable::start(&mut command);
        let line = program.wait_for_line("awaiting connections on ", PATIENCE);
        let spec = format!("inet:{}", line.rsplit(' ').next().unwrap().trim_end_matches("..."));
        Self { program, spec, _socket: None }
    }

    /// What the probe says about a message from this sender.
    fn ask(&self, sender: &str, options: &[&str]) -> Said {
        let envelope = ["--from", sender, "--to", "<rcpt@example.org>"];
        probe(&self.spec, MESSAGE, &[&envelope[..], options].concat())
    }
}

/// Neither libmilter nor opendkim says when it listens: who can connect knows.
fn await_listening(spec: &str, program: &mut Runnable) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Asking::connect(spec, program).await.client.quit().await.unwrap() });
}

/// What a probe left behind.
#[derive(Debug)]
struct Said {
    code: i32,
    text: String,
}

impl Said {
    #[track_caller]
    fn has(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.text.contains(part), "{part:?} is not in:\n{}", self.text);
        }
    }

    /// The one object of `--output json`.
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.text.lines().count(), 1, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The text from this line on.
    #[track_caller]
    fn from(&self, line: &str) -> &str {
        let at = self.text.find(line).unwrap_or_else(|| panic!("{line:?} is not in:\n{}", self.text));
        &self.text[at..]
    }
}

/// Runs the probe to its end, which its own patience bounds.
fn run(spec: &str, options: &[&str]) -> Said {
    let mut command = Command::new(runnable("milter-probe"));
    command.args(["--connect", spec, "--timeout", &PATIENCE.as_secs().to_string()]).args(options);
    let output = command.env_clear().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{options:?}");
    Said { code: output.status.code().unwrap(), text: String::from_utf8(output.stdout).unwrap() }
}

fn probe(spec: &str, message: &str, options: &[&str]) -> Said {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("message.eml");
    fs::write(&file, message).unwrap();
    run(spec, &[options, &[file.to_str().unwrap()]].concat())
}

/// What was asked and answered, on one line.
fn stages(report: &Value) -> String {
    let stages = report["stages"].as_array().unwrap().iter();
    let words = stages
        .map(|stage| format!("{}={}", stage["stage"].as_str().unwrap(), stage["answer"].as_str().unwrap()));
    words.collect::<Vec<_>>().join(" ")
}

const ALL_CONTINUE: &str = "connect=continue helo=continue mail=continue rcpt=continue data=continue \
    header=continue end_of_headers=continue body=continue end_of_message=continue";

#[test]
fn negotiation_with_libmilter_is_told_in_words() {
    // No HELO, no unknown commands; no reply to headers; skip, and leading space.
    let filter = Foreign::libmilter("100582");
    let said = filter.ask("<none@example.com>", &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    said.has(&[
        &format!("connected: {} in ", filter.spec),
        "\nversion:  6 (offered: 6)\n\
         hears:    connect, mail, rcpt, data, header (without reply), end of headers, body, end of message\n\
         may:      add headers, change body, add recipients, delete recipients, change headers, quarantine, \
         change sender, add recipients with arguments, request macros\n\
         asks for: skip, leading space\n",
        "macros:   at connect: j client_ptr\n",
        "macros:   at mail: i auth_authen\n",
        "macros:   at end of message: msg_id i\n",
        "\naccepted in ",
    ]);
    let row = |stage: &str| said.text.lines().find(|line| line.starts_with(&format!("{stage}  "))).unwrap();
    assert!(row("helo").ends_with("(not asked)        250 mail.example.net"), "{}", row("helo"));
    assert!(row("header").ends_with("(no reply)"), "{}", row("header"));
    assert!(row("body").contains(" 9 octets, 1 chunk "), "{}", row("body"));

    // What an older MTA offers is all that libmilter takes.
    let said = filter.ask("<addheader@example.com>", &["--offer-version", "2", "--output", "json"]);
    let report = said.json();
    let agreed = &report["negotiation"]["agreed"];
    assert_eq!((said.code, &agreed["version"]), (0, &json!(2)), "{agreed}");
    assert_eq!(agreed["protocol"], json!(["NO_HELO"]));
    assert_eq!(report["modifications"][0]["name"], "X-Added");
}

/// What the program's "everything" makes of [`MESSAGE`].
const CHANGED: &str = "X-Top: top\r\n\
    Received: from client.example.org (client.example.org [192.0.2.1])\r\n\
    \tby mail.example.net with ESMTP id 4TRIAL0000\r\n\
    X-Third: third\r\nFrom: a@example.com\r\nsubject: changed\r\nX-Twice: 1\r\nX-Folded: a\r\n\tb\r\n\
    X-Added: first\r\n\tfolded\r\nX-Spaced:  spaced\r\nX-Last: last\r\nX-None: appended\r\n\r\none\r\ntwo\r\n";

#[test]
fn every_modification_by_libmilter_is_shown_and_applied() {
    let filter = Foreign::libmilter("0");
    let said = filter.ask("<everything@example.com>", &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    let (changes, result) = said.from("modifications:\n").rsplit_once("\naccepted, ").unwrap();
    let diff = "--- envelope\n+++ envelope\n@@ -1,2 +1,4 @@\n-MAIL FROM:<everything@example.com>\n\
        -RCPT TO:<rcpt@example.org>\n+MAIL FROM:<changed@example.com>\n+RCPT TO:<added@example.org>\n\
        +RCPT TO:<par@example.org> NOTIFY=NEVER ORCPT=rfc822;o@example.org\n+on hold: looks odd\n\
        --- headers\n+++ headers\n@@ -1,9 +1,15 @@\n+X-Top: top\n \
        Received: from client.example.org (client.example.org [192.0.2.1])\n \
        \tby mail.example.net with ESMTP id 4TRIAL0000\n+X-Third: third\n From: a@example.com\n\
        -Subject:  two spaces\n+subject: changed\n X-Twice: 1\n-x-twice: 2\n X-Folded: a\n \tb\n\
        +X-Added: first\n+\tfolded\n+X-Spaced:  spaced\n+X-Last: last\n+X-None: appended\n \n\
        --- body\n+++ body\n@@ -1,2 +1,2 @@\n-line\n-.\n+one\n+two\n";
    let progress = "note: the filter said once that it is still at work\n";
    let modifications = "modifications:\n  add header X-Added: first\\n\\tfolded\n  add header X-Spaced:  spaced\n  \
        insert header at 0 X-Top: top\n  insert header at 2 X-Third: third\n  \
        insert header at 1000 X-Last: last\n  change header 1 of its name subject: changed\n  \
        delete header 2 of its name X-Twice\n  change header 1 of its name X-None: appended\n  \
        delete header 1 of its name X-Missing\n  add recipient <added@example.org>\n  \
        add recipient <par@example.org> NOTIFY=NEVER ORCPT=rfc822;o@example.org\n  \
        delete recipient <rcpt@example.org>\n  change sender to <changed@example.com>\n  \
        put on hold: looks odd\n  replace body by 10 octets, in 2 pieces\n";
    assert_eq!(changes, format!("{modifications}\n{diff}\n{progress}"));
    assert!(result.starts_with("and put on hold: looks odd, 15 modifications in "), "{result}");

    let report = filter.ask("<everything@example.com>", &["--output", "json"]).json();
    assert_eq!(report["verdict"], "quarantined");
    assert_eq!(stages(&report), ALL_CONTINUE);
    assert_eq!(
        report["result"],
        json!({
            "sender": "<changed@example.com>",
            "recipients": ["<added@example.org>", "<par@example.org> NOTIFY=NEVER ORCPT=rfc822;o@example.org"],
            "quarantined": "looks odd",
            "message": CHANGED,
        })
    );
    assert_eq!(report["diff"], diff);
    assert_eq!(report["notes"], json!([progress.trim_start_matches("note: ").trim_end()]));
    assert_eq!(
        report["modifications"][0],
        json!({ "action": "add_header", "name": "X-Added", "value": "first\n\tfolded" })
    );
    // The program heard what the probe says that it sent.
    filter.program.wait_for_lines("close", 3, PATIENCE);
    filter.program.wait_for_lines("mail <everything@example.com> ", 2, PATIENCE);
    assert!(!filter.program.stdout().iter().any(|line| line.starts_with("failed")));
}

#[test]
fn progress_alone_changes_nothing() {
    let filter = Foreign::libmilter("0");
    let said = filter.ask("<progress@example.com>", &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    said.has(&["\n\nnote: the filter said once that it is still at work\n\naccepted in "]);
    let report = filter.ask("<progress@example.com>", &["--output", "json"]).json();
    assert_eq!((&report["verdict"], &report["diff"]), (&json!("accepted"), &json!("")));
}

#[test]
fn verdicts_of_libmilter_are_exit_statuses() {
    let filter = Foreign::libmilter("0");
    let (refused, later) = ("550 5.7.1 Command rejected", "451 4.7.1 Service unavailable - try again later");
    for stage in ["mail", "rcpt", "data", "header", "eoh", "body", "eom"] {
        for (word, code, verdict, answer, hears) in [
            ("reject", 3, "rejected", "reject", refused),
            ("reply", 3, "rejected", "reply", "554 5.7.1 100% refused"),
            ("lines", 3, "rejected", "reply", "550-5.7.0 one\n550-5.7.0 two\n550 5.7.0 three"),
            ("tempfail", 4, "temporary_failure", "temporary_failure", later),
            ("later", 4, "temporary_failure", "reply", "451 come back"),
        ] {
            let sender = format!("<{stage}-{word}@example.com>");
            let said = filter.ask(&sender, &["--output", "json"]);
            let report = said.json();
            assert_eq!((said.code, &report["verdict"]), (code, &json!(verdict)), "{sender}");
            let last = report["stages"].as_array().unwrap().last().unwrap();
            let name = stage.replace("eoh", "end_of_headers").replace("eom", "end_of_message");
            assert_eq!((&last["stage"], &last["answer"]), (&json!(name), &json!(answer)), "{sender}");
            assert_eq!(last["client_hears"], hears, "{sender}");
            assert_eq!(last["reply"], if answer == "reply" { json!(hears) } else { Value::Null });
            assert_eq!((&report["result"], &report["failure"]), (&Value::Null, &Value::Null));
        }
    }
    for (word, code, parts) in [
        ("mail-reject", 3, ["  reject             550 5.7.1 Command rejected\n", "\n\nrejected in "]),
        ("eom-lines", 3, ["550-5.7.0 one | 550-5.7.0 two | 550 5.7.0 three\n", "\n\nrejected in "]),
        ("body-later", 4, ["  reply              451 come back\n", "\n\ntemporary failure in "]),
        ("data-discard", 0, ["  discard ", "\n\naccepted, and discarded in "]),
    ] {
        let said = filter.ask(&format!("<{word}@example.com>"), &[]);
        assert_eq!(said.code, code, "{}", said.text);
        said.has(&parts);
    }
    // Of the client, it is one on the session.
    let said = filter.ask("<none@example.com>", &["--client", "192.0.2.1:connect-lines", "--output", "json"]);
    assert_eq!((said.code, &*stages(&said.json())), (3, "connect=reply"));
}

#[test]
fn sessions_with_libmilter_are_the_same_when_they_are_replayed() {
    let filter = Foreign::libmilter("0");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("session.txt");
    let file = file.to_str().unwrap();
    for (sender, code, answers) in
        [("<everything@example.com>", 0, 30), ("<eom-lines@example.com>", 3, 14), ("<mail-tempfail@x>", 4, 4)]
    {
        assert_eq!(filter.ask(sender, &["--record", file]).code, code);
        let text = fs::read_to_string(file).unwrap();
        let session = milter_vectors::parse_session("session", &text).unwrap();
        assert_eq!(milter_vectors::format_session(&session), text);
        assert_eq!(text.contains("\nF p\n"), code == 0, "{text}");
        let said = run(&filter.spec, &["--replay", file]);
        assert_eq!((said.code, &*said.text), (0, &*format!("same: {answers} answers are as recorded\n")));
        let said = run(&filter.spec, &["--replay", file, "--output", "json"]);
        assert_eq!((said.code, &said.json()["answers"]), (0, &json!(answers)));
    }
    // The same program, asking for other steps.
    let said = run(&Foreign::libmilter("100000").spec, &["--replay", file]);
    assert_eq!(said.code, 6);
    said.has(&["different, in connection 1:\n- F O ", "\n+ F O "]);
}

/// The message that a probe of opendkim says would be delivered, and the report.
fn passed(dkim: &mut OpenDkim, message: &str, client: &str) -> (String, Value) {
    let spec = dkim.socket.spec();
    await_listening(&spec, &mut dkim.program);
    let said = probe(&spec, message, &["--client", client, "--output", "json"]);
    let report = said.json();
    assert_eq!((said.code, &report["verdict"]), (0, &json!("accepted")), "{report}");
    (report["result"]["message"].as_str().unwrap().to_owned(), report)
}

#[test]
fn message_that_a_probe_shows_has_a_signature_that_verifies() {
    let message = "From: Alice <alice@example.com>\r\nTo: bob@example.org\r\n\
        Subject:  two spaces,\r\n\ta tab and gr\u{fc}n\r\n\r\nHello \u{2713}\t \r\n.\r\n\r\n\r\n";
    let key = Key::generate();
    let mut verifier = OpenDkim::verifier(&key);
    for canonicalization in ["simple/simple", "relaxed/relaxed"] {
        let mut signer = OpenDkim::signer(&key, canonicalization);
        let (signed, report) = passed(&mut signer, message, "127.0.0.1:client.example");
        assert!(signed.starts_with("DKIM-Signature: v=1; "), "{signed}");
        assert!(signed.ends_with(message), "the rest is what it was: {signed}");
        let made = &report["modifications"][0];
        assert_eq!((&made["action"], &made["name"]), (&json!("insert_header"), &json!("DKIM-Signature")));
        assert!(report["diff"].as_str().unwrap().contains("\n+DKIM-Signature: v=1; "), "{report}");

        // Two verifiers, neither of which is a yes-man.
        let changed = signed.replacen("two spaces", "two  spaces", 1).replacen("Hello", "hello", 1);
        assert_eq!(key.verify(&[signed.clone().into(), changed.clone().into()]), [true, false]);
        for (message, result) in [(signed, "dkim=pass"), (changed, "dkim=fail")] {
            let (seen, _) = passed(&mut verifier, &message, "192.0.2.1:client.example");
            let (above, _) = seen.split_once("DKIM-Signature: ").unwrap();
            assert!(above.contains("Authentication-Results: ") && above.contains(result), "{seen}");
        }
    }
}

#[test]
fn append_header_ip_of_purepythonmilter() {
    let example = Foreign::example("append_header_ip", &["--headername", "X-Client"]);
    for address in ["198.51.100.7", "2001:db8::1"] {
        let client = &*format!("{address}:client.example");
        let said = example.ask("<alice@example.com>", &["--client", client]);
        assert_eq!(said.code, 0, "{}", said.text);
        said.has(&[
            "\nhears:    connect, end of message\nmay:      add headers, request macros\n",
            &format!("\nmodifications:\n  add header X-Client: {address}\n"),
            &format!("\n X-Folded: a\n \tb\n+X-Client: {address}\n \n\naccepted, 1 modification in "),
        ]);
        let report = example.ask("<alice@example.com>", &["--client", client, "--output", "json"]).json();
        let header = json!({ "action": "add_header", "name": "X-Client", "value": address });
        assert_eq!(report["modifications"], json!([header]));
        let expected = MESSAGE.replacen("\r\n\r\n", &format!("\r\nX-Client: {address}\r\n\r\n"), 1);
        assert!(report["result"]["message"].as_str().unwrap().ends_with(&expected), "{report}");
    }
}

#[test]
fn change_body_of_purepythonmilter() {
    let example = Foreign::example("change_body", &["--newbody", "another body\r\n"]);
    let said = example.ask("<alice@example.com>", &[]);
    assert_eq!(said.code, 0, "{}", said.text);
    said.has(&["\nhears:    end of message\nmay:      change body, request macros\nasks for: skip\n"]);
    let end = "modifications:\n  replace body by 14 octets\n\n\
        --- body\n+++ body\n@@ -1,2 +1 @@\n-line\n-.\n+another body\n\naccepted, 1 modification in ";
    assert!(said.from("modifications:").starts_with(end), "{}", said.text);
    let report = example.ask("<alice@example.com>", &["--output", "json"]).json();
    assert_eq!(stages(&report), ALL_CONTINUE.replace("=continue ", "=left_out "));
    let message = report["result"]["message"].as_str().unwrap();
    assert!(message.ends_with("\r\nX-Folded: a\r\n\tb\r\n\r\nanother body\r\n"), "{message}");
}
