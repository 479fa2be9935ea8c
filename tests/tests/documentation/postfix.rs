//! `docs/postfix.md`

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use milter_tests::{Postfix, Runnable, Sink, SmtpClient, foreign, runnable};

use super::page::{blocks, read, rows};
use super::{MESSAGE, TIMEOUT};

#[test]
fn every_line_is_taken_and_asks_the_filter() {
    let sink = Sink::start();
    // As on Debian: smtpd sees the queue directory only.
    let mut postfix = Postfix::builder().chrooted().deliver_to(&sink).start();
    let directory = postfix.queue_directory().join("milter");
    fs::create_dir(&directory).unwrap();
    let group = nix::unistd::Group::from_name("postfix").unwrap().unwrap();
    std::os::unix::fs::chown(&directory, None, Some(group.gid.as_raw())).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o2750)).unwrap();
    let socket = format!("unix:{}", directory.join("filter.sock").display());
    let mut command = Command::new(runnable("append-header"));
    command.args(["--listen", "inet:127.0.0.1:0", "--listen", &socket, "--socket-group", "postfix"]);
    let filter = Runnable::start(command.env_clear());
    let line = filter.wait_for_line("listening on inet:", TIMEOUT);
    let inet = line.rsplit(' ').next().unwrap();

    let blocks = blocks(&read("postfix.md"), "main.cf");
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let block = block.replace("inet:127.0.0.1:9000", inet);
        let settings: Vec<(&str, &str)> =
            block.lines().map(|line| line.split_once(" = ").expect("name = value")).collect();
        for (name, _) in &settings {
            assert_known(name);
        }
        postfix.reconfigure(&settings);
        let mut client = SmtpClient::connect(postfix.smtp_address());
        client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
        let delivered = sink.wait_for(1, TIMEOUT).remove(0);
        assert_eq!(delivered.header_values("X-Milter-Client-IP"), [b"127.0.0.1"], "{block}");
        sink.take();
    }
    // Of its queue's clock Postfix warns as well: a kernel stamps files by a coarser clock than it tells the time by.
    let warnings: Vec<String> = postfix
        .log()
        .lines()
        .filter(|line| line.contains("warning: "))
        .filter(|line| !line.contains("file system clock") && !line.contains("file time stamps"))
        .map(str::to_owned)
        .collect();
    assert_eq!(warnings, Vec::<String>::new());
}

/// Postfix takes any name, since it may be one of the site's own.
#[track_caller]
fn assert_known(name: &str) {
    let output = Command::new(foreign("postconf")).args(["-d", name]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
}

#[test]
fn default_actions_are_as_in_the_table() {
    // Nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sink = Sink::start();
    let mut postfix = Postfix::builder().milter(format!("inet:{gone}")).deliver_to(&sink).start();
    let page = read("postfix.md");
    let actions: Vec<[&str; 2]> = rows::<2>(&page)
        .into_iter()
        .filter(|[_, seen]| seen.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    // That of `accept` is in words.
    assert_eq!(actions.len(), 3);
    for [value, seen] in actions.into_iter().chain([["`accept`", "250"]]) {
        let action = value.split('`').nth(1).unwrap();
        postfix.reconfigure(&[("milter_default_action", action)]);
        let mut client = SmtpClient::connect(postfix.smtp_address());
        let answer = match client.send("alice@sender.test", &["bob@example.test"], MESSAGE) {
            Ok(answer) | Err(answer) => answer,
        };
        let expected = seen.split([',', ':']).next().unwrap();
        assert!(answer.to_string().starts_with(expected), "{action}: {answer}");
        assert_eq!(postfix.held().len(), usize::from(action == "quarantine"));
        if action == "quarantine" {
            break_hold(&postfix);
        }
    }
    assert_eq!(sink.wait_for(1, TIMEOUT).len(), 1);
}

/// Forgets what is on hold.
fn break_hold(postfix: &Postfix) {
    for name in postfix.held() {
        fs::remove_file(postfix.queue_directory().join("hold").join(name)).unwrap();
    }
}
