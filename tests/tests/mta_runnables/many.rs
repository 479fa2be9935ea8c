//! Many messages at once: each arrives once.

use std::collections::BTreeMap;
use std::thread;

use milter_tests::{Delivered, FilterProgram, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const CONNECTIONS: usize = 20;
const MESSAGES_EACH: usize = 10;
const MESSAGES: usize = CONNECTIONS * MESSAGES_EACH;

pub(crate) fn append_header_loses_and_doubles_nothing(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "append-header", &[]);
    for delivered in assert_each_arrives_once(software, &filter, |_| true) {
        assert_eq!(delivered.header_values("X-Milter-Client-IP"), [b"127.0.0.1"]);
    }
}

pub(crate) fn change_body_loses_and_doubles_nothing(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "change-body", &["--body", "new\n"]);
    for delivered in assert_each_arrives_once(software, &filter, |_| true) {
        assert_eq!(delivered.body(), b"new\r\n");
    }
}

pub(crate) fn block_sender_loses_and_doubles_nothing(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "block-sender", &["--sender", "@odd.test"]);
    for delivered in assert_each_arrives_once(software, &filter, |message| message % 2 == 0) {
        assert_eq!(delivered.sender, "alice@even.test");
    }
}

pub(crate) fn log_all_loses_and_doubles_nothing(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "log-all", &["--log-format", "json"]);
    assert_each_arrives_once(software, &filter, |_| true);
    filter.process().wait_for_lines(r#""event":"quit""#, CONNECTIONS, TIMEOUT);
    let mut logged: BTreeMap<String, usize> = BTreeMap::new();
    let mut ends = 0;
    for line in filter.process().stdout() {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "header" && event["name"] == "Message-ID" {
            *logged.entry(event["value"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        ends += usize::from(event["event"] == "end_of_message");
    }
    assert_eq!(logged, (0..MESSAGES).map(|message| (id(message), 1)).collect());
    assert_eq!(ends, MESSAGES);
}

fn id(message: usize) -> String {
    format!("<{message}@test>")
}

/// Sends the messages and gives what was delivered: each message that `passes`, once, with its own content.
#[track_caller]
fn assert_each_arrives_once(
    software: Software,
    filter: &FilterProgram,
    passes: impl Fn(usize) -> bool + Sync,
) -> Vec<Delivered> {
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (address, passes) = (server.smtp_address(), &passes);
            scope.spawn(move || {
                let mut client = SmtpClient::connect(address);
                client.set_read_timeout(TIMEOUT);
                for message in (0..MESSAGES_EACH).map(|message| connection * MESSAGES_EACH + message) {
                    let sender = if message % 2 == 0 { "alice@even.test" } else { "alice@odd.test" };
                    let text = format!("Message-ID: {}\r\nSubject: {message}\r\n\r\nHello\r\n", id(message));
                    let sent = client.send(sender, &["bob@example.test"], text.as_bytes());
                    assert_eq!(sent.is_ok(), passes(message), "{message}: {sent:?}");
                }
                client.command("QUIT");
            });
        }
    });
    let expected: BTreeMap<String, (usize, String)> = (0..MESSAGES)
        .filter(|&message| passes(message))
        .map(|message| (id(message), (1, message.to_string())))
        .collect();
    // The queue is empty then: nothing will come any more.
    assert_eq!(server.wait_for_done(expected.len(), TIMEOUT), expected.len());
    let delivered = sink.take();
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for message in &delivered {
        let header = |name| message.header_values(name).concat();
        let [id, subject] = ["Message-ID", "Subject"].map(|name| String::from_utf8(header(name)).unwrap());
        found.entry(id).or_insert((0, subject)).0 += 1;
    }
    assert_eq!(found, expected);
    delivered
}
