//! What the harness says about Postfix.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::scripted_milter::{REJECTED_SENDER, ScriptedMilter};
use milter_tests::{MilterSocket, Postfix, Runnable, Sink, SmtpClient};

const TIMEOUT: Duration = Duration::from_secs(20);
const MESSAGE: &[u8] = b"From: Alice <alice@sender.test>\r\nSubject: test\r\n\r\nHello\r\n";

#[test]
fn delivers_exact_bytes_and_envelope() {
    let sink = Sink::start();
    let postfix = Postfix::builder().deliver_to(&sink).start();
    let mut body = b".\r\n..\r\n.leading dot\r\n\r\n  blanks \t\r\n\xe9t\xe9 \x80\xff\r\n".to_vec();
    body.extend_from_slice(&[b'x'; 3000]);
    body.extend_from_slice(b"\r\n\r\n\r\n");
    let message = [b"From: alice@sender.test\r\nX-Folded: one\r\n\ttwo\r\n\r\n", &body[..]].concat();

    let mut client = SmtpClient::connect(postfix.smtp_address());
    assert_eq!(client.greeting().text(), "mta.example.test ESMTP Postfix");
    assert_eq!(client.command("EHLO client.test").code, 250);
    assert_eq!(client.command("MAIL FROM:<alice@sender.test> BODY=8BITMIME RET=HDRS ENVID=x1").code, 250);
    assert_eq!(client.command("RCPT TO:<bob@example.test> NOTIFY=NEVER").code, 250);
    assert_eq!(client.command("RCPT TO:<carol@elsewhere.test>").code, 250);
    let answer = client.data(&message);
    assert!(answer.text().contains("queued as"), "{answer}");
    client.command("QUIT");

    let delivered = sink.wait_for(1, TIMEOUT).remove(0);
    assert_eq!(delivered.helo, "mta.example.test");
    assert_eq!(delivered.sender, "alice@sender.test");
    for argument in ["BODY=8BITMIME", "RET=HDRS", "ENVID=x1"] {
        assert!(delivered.sender_arguments.iter().any(|found| found == argument), "{delivered:?}");
    }
    assert_eq!(delivered.header_values("x-folded"), [b"one\r\n\ttwo"]);
    assert_eq!(delivered.body(), body);
    assert_eq!(delivered.recipient_addresses(), ["bob@example.test", "carol@elsewhere.test"]);
    let bob = delivered.recipients.iter().find(|one| one.address == "bob@example.test").unwrap();
    assert!(bob.arguments.iter().any(|found| found == "NOTIFY=NEVER"), "{bob:?}");
}

#[test]
fn rejects_unknown_recipients() {
    let sink = Sink::start();
    let postfix = Postfix::builder().unknown_recipient("gone@example.test").deliver_to(&sink).start();
    let mut client = SmtpClient::connect(postfix.smtp_address());
    for unknown in ["nouser@example.test", "gone@example.test"] {
        let refusal = client.send("alice@sender.test", &["bob@example.test", unknown], MESSAGE).unwrap_err();
        assert_eq!(refusal.code, 550);
        assert_eq!(
            refusal.text(),
            format!("5.1.1 <{unknown}>: Recipient address rejected: User unknown in local recipient table")
        );
    }
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    assert_eq!(sink.wait_for(1, TIMEOUT)[0].recipient_addresses(), ["bob@example.test"]);
    assert_eq!(sink.take().len(), 1);
    assert_eq!(sink.take().len(), 0);
}

#[test]
fn instances_do_not_mix() {
    let sinks = [Sink::start(), Sink::start()];
    let instances = sinks.each_ref().map(|sink| Postfix::builder().deliver_to(sink).start());
    assert_ne!(instances[0].smtp_address(), instances[1].smtp_address());
    for (postfix, subject) in instances.iter().zip(["first", "second"]) {
        let message = format!("Subject: {subject}\r\n\r\n{subject}\r\n");
        SmtpClient::connect(postfix.smtp_address())
            .send("alice@sender.test", &["bob@example.test"], message.as_bytes())
            .unwrap();
    }
    for (sink, subject) in sinks.iter().zip([b"first", &b"second"[..]]) {
        let delivered = sink.wait_for(1, TIMEOUT);
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].header_values("subject"), [subject]);
    }
}

#[test]
fn delivers_utf8_addresses() {
    let sink = Sink::start();
    let postfix = Postfix::builder().deliver_to(&sink).start();
    let mut client = SmtpClient::connect(postfix.smtp_address());
    let message = "From: Zoë <zoë@sender.test>\r\nSubject: grüß\r\n\r\nhé\r\n";
    client.send("zoë@sender.test", &["jürgen@example.test"], message.as_bytes()).unwrap();
    let delivered = sink.wait_for(1, TIMEOUT).remove(0);
    assert_eq!(delivered.sender, "zoë@sender.test");
    assert!(delivered.sender_arguments.iter().any(|argument| argument == "SMTPUTF8"), "{delivered:?}");
    assert_eq!(delivered.recipient_addresses(), ["jürgen@example.test"]);
    assert_eq!(delivered.header_values("Subject"), ["grüß".as_bytes()]);
    assert_eq!(delivered.body(), "hé\r\n".as_bytes());
}

#[test]
fn asks_a_milter_on_a_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let milter = format!("inet:{}", listener.local_addr().unwrap());
    let commands = ScriptedMilter::accept_on(move || listener.accept().map(|(stream, _)| stream));
    assert_asked(&milter, &commands);
}

#[test]
fn asks_a_milter_on_a_unix_socket() {
    let socket = MilterSocket::new();
    let listener = UnixListener::bind(socket.path()).unwrap();
    socket.allow_everybody(TIMEOUT);
    let commands = ScriptedMilter::accept_on(move || listener.accept().map(|(stream, _)| stream));
    assert_asked(&socket.spec(), &commands);
}

/// Sends two messages through Postfix and expects that the milter rejects one and saw all of the other, to which it adds
/// a header.
#[track_caller]
fn assert_asked(milter: &str, commands: &ScriptedMilter) {
    let sink = Sink::start();
    let postfix = Postfix::builder()
        .milter(milter)
        .set("milter_default_action", "tempfail")
        .set("milter_content_timeout", "5s")
        .deliver_to(&sink)
        .start();
    let mut client = SmtpClient::connect(postfix.smtp_address());
    let refusal = client.send(REJECTED_SENDER, &["bob@example.test"], MESSAGE).unwrap_err();
    assert_eq!(refusal.lines, ["550 5.7.1 Command rejected"]);
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    client.command("QUIT");
    assert_eq!(sink.wait_for(1, TIMEOUT)[0].header_values("X-Scripted"), [b"yes"]);
    // Connect, helo, mail, rcpt, data, the headers (Postfix adds Message-Id and Date), end of headers, body and end.
    commands.wait_for_end(TIMEOUT);
    let seen = commands.seen();
    assert!(seen.starts_with("OCHMA") && seen.contains("MRTLLLLNBE") && seen.ends_with('Q'), "{seen}");
}

#[test]
fn milter_socket_that_only_root_may_use_is_no_milter() {
    let socket = MilterSocket::new();
    let _listener = UnixListener::bind(socket.path()).unwrap();
    let postfix = Postfix::builder().milter(socket.spec()).start();
    let refusal = SmtpClient::connect(postfix.smtp_address())
        .send("alice@sender.test", &["bob@example.test"], MESSAGE)
        .unwrap_err();
    assert_eq!(refusal.code, 451);
    postfix.wait_for_log("Permission denied", TIMEOUT);
}

#[test]
fn starts_fast_restarts_and_ends() {
    let sink = Sink::start();
    let start = Instant::now();
    let mut postfix = Postfix::builder().deliver_to(&sink).start();
    assert!(start.elapsed() < Duration::from_secs(3), "Postfix took {:?} to start", start.elapsed());
    let address = postfix.smtp_address();

    postfix.reconfigure(&[("smtpd_banner", "$myhostname again"), ("smtpd_helo_required", "yes")]);
    assert_eq!(postfix.smtp_address(), address);
    let mut client = SmtpClient::connect(address);
    assert_eq!(client.greeting().text(), "mta.example.test again");
    assert_eq!(client.command("MAIL FROM:<alice@sender.test>").code, 503);

    // Dropped in the middle of a message.
    client.command("EHLO client.test");
    client.command("MAIL FROM:<alice@sender.test>");
    client.command("RCPT TO:<bob@example.test>");
    assert_eq!(client.command("DATA").code, 354);
    client.write(b"Subject: cut off\r\n\r\nHel").unwrap();
    drop(client);
    postfix.wait_for_log("lost connection after DATA", TIMEOUT);
    assert!(postfix.held().is_empty());

    drop(postfix);
    assert!(SmtpClient::try_connect(address).is_err(), "something still listens at {address}");
    assert!(sink.take().is_empty());
}

#[test]
fn restart_waits_for_its_port() {
    let mut postfix = Postfix::builder().start();
    let address = postfix.smtp_address();
    postfix.stop();
    let squatter = TcpListener::bind(address).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_secs(1));
            drop(squatter);
        });
        postfix.restart();
    });
    assert!(postfix.log().contains("Address already in use"), "{}", postfix.log());
    SmtpClient::connect(address).send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
}

/// The test runs itself once more, in a process that is killed while its Postfix runs.
#[test]
fn nothing_is_left_of_a_killed_test() {
    const INNER: &str = "MILTER_TESTS_INNER";
    if env::var_os(INNER).is_some() {
        let postfix = Postfix::builder().start();
        println!("listens at <{}>", postfix.smtp_address());
        thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut inner = Runnable::start(
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "postfix::nothing_is_left_of_a_killed_test", "--nocapture"])
            .env(INNER, "1"),
    );
    let line = inner.wait_for_line("listens at <", TIMEOUT);
    let address: SocketAddr = line.split(['<', '>']).nth(1).unwrap().parse().unwrap();
    drop(SmtpClient::connect(address));
    inner.kill();
    let deadline = Instant::now() + TIMEOUT;
    while SmtpClient::try_connect(address).is_ok() {
        assert!(Instant::now() < deadline, "Postfix still answers at {address}");
        thread::sleep(Duration::from_millis(50));
    }
}
