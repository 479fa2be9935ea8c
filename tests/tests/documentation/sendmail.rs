//! `docs/sendmail.md`

use std::net::TcpListener;
use std::process::Command;

use milter_tests::{MilterSocket, Runnable, Sendmail, Sink, SmtpClient, runnable};

use super::page::{blocks, read, rows};
use super::{MESSAGE, TIMEOUT};

#[test]
fn every_line_is_taken_and_asks_the_filter() {
    let socket = MilterSocket::new();
    let mut command = Command::new(runnable("append-header"));
    command.args(["--listen", "inet:127.0.0.1:0", "--listen", &socket.spec()]);
    let filter = Runnable::start(command.env_clear());
    let line = filter.wait_for_line("listening on inet:", TIMEOUT);
    let port = line.rsplit(':').next().unwrap();

    let blocks = blocks(&read("sendmail.md"), "sendmail.mc");
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let block = block.replace("inet:9000@", &format!("inet:{port}@"));
        let block = block.replace("unix:/run/milter/filter.sock", &socket.spec());
        let filters = block.matches("`S=").count();
        let sink = Sink::start();
        let mut builder = Sendmail::builder().lines(&block).deliver_to(&sink);
        if filters == 0 {
            builder = builder.milter(format!("inet:127.0.0.1:{port}"));
        }
        let sendmail = builder.start();
        let mut client = SmtpClient::connect(sendmail.smtp_address());
        client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
        let delivered = sink.wait_for(1, TIMEOUT).remove(0);
        // Each filter of the list was asked.
        let expected = vec![b"127.0.0.1"; filters.max(1)];
        assert_eq!(delivered.header_values("X-Milter-Client-IP"), expected, "{block}");
    }
}

#[test]
fn flags_are_as_in_the_table() {
    // Nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let page = read("sendmail.md");
    let flags: Vec<[&str; 2]> = rows::<2>(&page)
        .into_iter()
        .filter(|[value, _]| value.starts_with("`F=") || *value == "none")
        .collect();
    assert_eq!(flags.len(), 4);
    for [value, seen] in flags {
        let flag = value.trim_matches('`');
        let flag = if flag == "none" { String::new() } else { format!(", {flag}") };
        let sink = Sink::start();
        let filter = format!("INPUT_MAIL_FILTER(`gone', `S=inet:{port}@127.0.0.1{flag}')\n");
        let sendmail = Sendmail::builder().lines(&filter).deliver_to(&sink).start();
        let mut client = SmtpClient::connect(sendmail.smtp_address());
        let greeting = client.greeting().clone();
        let answer = match greeting.is_positive() {
            true => client
                .send("alice@sender.test", &["bob@example.test"], MESSAGE)
                .unwrap_or_else(|refused| refused),
            false => greeting,
        };
        let expected = if seen.starts_with(|c: char| c.is_ascii_digit()) {
            seen.split([',', ' ']).next().unwrap()
        } else {
            "250"
        };
        assert!(answer.to_string().starts_with(expected), "{value}: {answer}");
    }
}
