//! `log-all`, read as JSON.

use milter_tests::{FilterProgram, Sink, SmtpClient, Software, Transport};
use serde_json::{Value, json};

use super::TIMEOUT;

const HEADERS: &str = "From: alice@sender.test\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n";

pub(crate) fn every_event_of_a_connection_is_logged(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "log-all", &["--log-format", "json"]);
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    client.command("EHLO client.test");
    for subject in ["one", "two"] {
        client.command("MAIL FROM:<alice@sender.test> SIZE=200 BODY=8BITMIME");
        client.command("RCPT TO:<bob@example.test> NOTIFY=NEVER");
        assert_eq!(client.command("RCPT TO:<nouser@example.test>").code, 550);
        let message =
            format!("{HEADERS}Message-ID: <{subject}@test>\r\nSubject: {subject}\r\n\r\n{subject}\r\n");
        assert_eq!(client.data(message.as_bytes()).code, 250);
        if subject == "one" {
            // An aborted message between two that are not. Sendmail sends no abort to a filter that does not answer MAIL:
            // the next command stands for it.
            client.command("MAIL FROM:<carol@sender.test>");
            client.command("RCPT TO:<dave@example.test>");
            assert_eq!(client.command("RSET").code, 250);
            client.command("MAIL FROM:<>");
            client.command("EHLO again.test");
            assert_eq!(client.command("SPEAK").code, 500);
        }
    }
    client.command("QUIT");
    filter.process().wait_for_line(r#""event":"quit""#, TIMEOUT);

    let events = events(&filter);
    let message = |number: u64, subject: &str| {
        vec![
            format!("{number} mail <alice@sender.test> [\"SIZE=200\",\"BODY=8BITMIME\"]"),
            format!("{number} rcpt <bob@example.test> [\"NOTIFY=NEVER\"]"),
            format!("{number} rcpt <nouser@example.test> [] rejected"),
            format!("{number} data"),
            format!("{number} header From: alice@sender.test"),
            format!("{number} header Date: Mon, 6 Jan 2025 10:00:00 +0000"),
            format!("{number} header Message-ID: <{subject}@test>"),
            format!("{number} header Subject: {subject}"),
            format!("{number} end_of_headers"),
            format!("{number} body 5 {subject}\r\n"),
            format!("{number} end_of_message"),
        ]
    };
    let session = |events: &[&str]| events.iter().map(|&event| event.to_owned()).collect::<Vec<_>>();
    let expected = [
        session(&["0 connect inet 127.0.0.1", "0 helo client.test"]),
        message(1, "one"),
        session(&["2 mail <carol@sender.test> []", "2 rcpt <dave@example.test> []", "2 abort"]),
        session(&["3 mail <> []", "3 abort", "3 helo again.test", "3 unknown SPEAK"]),
        message(4, "two"),
        session(&["4 quit"]),
    ];
    assert_eq!(events.iter().map(summary).collect::<Vec<_>>(), expected.concat());
    assert!(events.iter().all(|event| event["connection"] == 1));
    assert_macros(software, &events);
    assert_eq!(sink.wait_for(2, TIMEOUT).len(), 2);
}

/// What an event is about. The data of every kind of event must be there, or this shows `null`.
fn summary(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap_or("null");
    let kind = text("event");
    let details = match kind {
        "connect" => {
            assert!(event["hostname"].is_string() && event["port"].as_u64().is_some_and(|port| port > 0));
            format!(" {} {}", text("family"), text("address"))
        }
        "helo" => format!(" {}", text("name")),
        "mail" => format!(" {} {}", text("sender"), event["arguments"]),
        "rcpt" => {
            let rejected = if event["macros"]["{rcpt_mailer}"] == "error" { " rejected" } else { "" };
            format!(" {} {}{rejected}", text("recipient"), event["arguments"])
        }
        "header" => format!(" {}: {}", text("name"), text("value")),
        "body" => format!(" {} {}", event["bytes"], text("data")),
        "unknown" => format!(" {}", text("line")),
        _ => String::new(),
    };
    format!("{} {kind}{details}", event["message"])
}

fn assert_macros(software: Software, events: &[Value]) {
    let queue_id = |event: &Value| event["macros"]["i"].as_str().map(str::to_owned);
    for event in events {
        let macros = &event["macros"];
        let kind = event["event"].as_str().unwrap();
        assert_eq!(macros["j"], "mta.example.test", "{event}");
        assert!(macros["{daemon_name}"].is_string(), "{event}");
        // Sendmail sends its version only where it is told to.
        assert_eq!(macros["v"].is_string(), software == Software::Postfix, "{event}");
        if kind == "mail" && event["sender"] != "<>" {
            assert_eq!(format!("<{}>", macros["{mail_addr}"].as_str().unwrap()), event["sender"]);
        }
        if kind == "rcpt" && event["recipient"] != "<nouser@example.test>" {
            assert_eq!(format!("<{}>", macros["{rcpt_addr}"].as_str().unwrap()), event["recipient"]);
        }
        if kind == "rcpt" && macros["{rcpt_mailer}"] == "error" {
            assert!(macros["{rcpt_addr}"].as_str().unwrap().contains("User unknown"), "{event}");
        }
        let in_content = ["data", "header", "end_of_headers", "body", "end_of_message"].contains(&kind);
        assert_eq!(in_content, in_content && queue_id(event).is_some(), "{event}");
    }
    let mut queue_ids: Vec<String> =
        events.iter().filter(|event| event["event"] == "end_of_message").filter_map(queue_id).collect();
    queue_ids.dedup();
    assert_eq!(queue_ids.len(), 2);
}

pub(crate) fn other_alphabets_and_octets_are_logged(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "log-all", &["--log-format", "json"]);
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    let text = "Subject: grüß\r\nX-Folded: one\r\n\ttwo\r\n".as_bytes();
    let message = [text, b"X-Latin: \xe9\r\n\r\nh\xc3\xa9\r\n"].concat();
    let (sender, recipient, arguments) = match software {
        Software::Postfix => ("zoë@sender.test", "jürgen@bücher.test", json!(["SMTPUTF8"])),
        // It refuses SMTPUTF8 (8.17 as Debian builds it).
        Software::Sendmail => ("zoe@sender.test", "juergen@buecher.test", json!([])),
    };
    client.send(sender, &[recipient], &message).unwrap();
    client.send("alice@sender.test", &["bob@example.test"], b"\r\n\xe9 \"quoted\"\r\n").unwrap();
    client.command("QUIT");
    filter.process().wait_for_line(r#""event":"quit""#, TIMEOUT);

    let events = events(&filter);
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    assert_eq!(of("mail")[0]["sender"], format!("<{sender}>"));
    assert_eq!(of("mail")[0]["arguments"], arguments);
    assert_eq!(of("rcpt")[0]["recipient"], format!("<{recipient}>"));
    let value =
        |name: &str| of("header").into_iter().find(|header| header["name"] == name).unwrap()["value"].clone();
    assert_eq!(value("Subject"), "grüß");
    assert_eq!(value("X-Folded"), "one\n\ttwo");
    assert_eq!(value("X-Latin"), json!({ "base64": "6Q==" }));
    let bodies: Vec<_> =
        of("body").into_iter().map(|body| (body["bytes"].clone(), body["data"].clone())).collect();
    let latin = json!({ "base64": "6SAicXVvdGVkIg0K" });
    assert_eq!(bodies, [(json!(5), json!("hé\r\n")), (json!(12), latin)]);
}

fn events(filter: &FilterProgram) -> Vec<Value> {
    let lines = filter.process().stdout();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}
