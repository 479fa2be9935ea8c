//! What the harness says about both mail servers.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{Builder, MilterSocket, Postfix, Runnable, Sendmail, Setup, Sink, SmtpClient, Software};

use super::scripted_milter::{REJECTED_SENDER, ScriptedMilter};
use super::{MESSAGE, TIMEOUT};

/// Tests that are run once for each mail server.
macro_rules! for_each_mail_server {
    ($($test:ident)*) => {
        for_each_mail_server!(@ postfix Postfix $($test)*);
        for_each_mail_server!(@ sendmail Sendmail $($test)*);
    };
    (@ $name:ident $Server:ident $($test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(super::$Server::builder);
                }
            )*
        }
    };
}

for_each_mail_server! {
    delivers_exact_bytes_and_envelope
    rejects_unknown_recipients
    instances_do_not_mix
    asks_a_milter_on_a_port
    asks_a_milter_on_a_unix_socket
    starts_fast_restarts_and_ends
    restart_waits_for_its_port
    nothing_is_left_of_a_killed_test
}

fn delivers_exact_bytes_and_envelope<S: Setup>(builder: fn() -> Builder<S>) {
    let sink = Sink::start();
    let server = builder().deliver_to(&sink).start();
    let mut body = b".\r\n..\r\n.leading dot\r\n\r\n  blanks \t\r\n\xe9t\xe9 \x80\xff\r\n".to_vec();
    body.extend_from_slice(&[b'x'; 3000]);
    body.extend_from_slice(b"\r\n\r\n\r\n");
    let message = [b"From: alice@sender.test\r\nX-Folded: one\r\n\ttwo\r\n\r\n", &body[..]].concat();

    let mut client = SmtpClient::connect(server.smtp_address());
    let greeting = format!("mta.example.test ESMTP {:?}", server.software());
    assert!(client.greeting().text().starts_with(&greeting), "{}", client.greeting());
    assert_eq!(client.command("EHLO client.test").code, 250);
    assert_eq!(client.command("MAIL FROM:<alice@sender.test> BODY=8BITMIME RET=HDRS ENVID=x1").code, 250);
    assert_eq!(client.command("RCPT TO:<bob@example.test> NOTIFY=NEVER").code, 250);
    assert_eq!(client.command("RCPT TO:<carol@elsewhere.test>").code, 250);
    assert_eq!(client.data(&message).code, 250);
    if server.software() == Software::Sendmail {
        // Delivered before it was answered.
        assert_eq!(sink.wait_for(1, Duration::ZERO).len(), 1);
    }
    client.command("QUIT");

    let delivered = sink.wait_for(1, TIMEOUT).remove(0);
    assert_eq!(server.wait_for_done(1, TIMEOUT), 1);
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

fn rejects_unknown_recipients<S: Setup>(builder: fn() -> Builder<S>) {
    let sink = Sink::start();
    let server = builder().unknown_recipient("gone@example.test").deliver_to(&sink).start();
    let mut client = SmtpClient::connect(server.smtp_address());
    for unknown in ["nouser@example.test", "gone@example.test"] {
        let refusal = client.send("alice@sender.test", &["bob@example.test", unknown], MESSAGE).unwrap_err();
        let expected = match server.software() {
            Software::Postfix => format!(
                "550 5.1.1 <{unknown}>: Recipient address rejected: User unknown in local recipient table"
            ),
            Software::Sendmail => format!("550 5.1.1 <{unknown}>... User unknown"),
        };
        assert_eq!(refusal.lines, [expected]);
    }
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    assert_eq!(sink.wait_for(1, TIMEOUT)[0].recipient_addresses(), ["bob@example.test"]);
    assert_eq!(sink.take().len(), 1);
    assert_eq!(sink.take().len(), 0);
}

fn instances_do_not_mix<S: Setup>(builder: fn() -> Builder<S>) {
    let sinks = [Sink::start(), Sink::start()];
    let instances = sinks.each_ref().map(|sink| builder().deliver_to(sink).start());
    assert_ne!(instances[0].smtp_address(), instances[1].smtp_address());
    for (server, subject) in instances.iter().zip(["first", "second"]) {
        let message = format!("Subject: {subject}\r\n\r\n{subject}\r\n");
        SmtpClient::connect(server.smtp_address())
            .send("alice@sender.test", &["bob@example.test"], message.as_bytes())
            .unwrap();
    }
    for (sink, subject) in sinks.iter().zip([b"first", &b"second"[..]]) {
        let delivered = sink.wait_for(1, TIMEOUT);
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].header_values("subject"), [subject]);
    }
}

fn asks_a_milter_on_a_port<S: Setup>(builder: fn() -> Builder<S>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let milter = format!("inet:{}", listener.local_addr().unwrap());
    let commands = ScriptedMilter::accept_on(move || listener.accept().map(|(stream, _)| stream));
    assert_asked(builder().milter(milter), &commands);
}

fn asks_a_milter_on_a_unix_socket<S: Setup>(builder: fn() -> Builder<S>) {
    let socket = MilterSocket::new();
    let listener = UnixListener::bind(socket.path()).unwrap();
    socket.allow_everybody(TIMEOUT);
    let commands = ScriptedMilter::accept_on(move || listener.accept().map(|(stream, _)| stream));
    assert_asked(builder().milter(socket.spec()), &commands);
}

/// Sends two messages and expects that the milter rejects one and saw all of the other, to which it adds a header.
#[track_caller]
fn assert_asked<S: Setup>(builder: Builder<S>, commands: &ScriptedMilter) {
    let sink = Sink::start();
    let server = builder.deliver_to(&sink).start();
    let mut client = SmtpClient::connect(server.smtp_address());
    let refusal = client.send(REJECTED_SENDER, &["bob@example.test"], MESSAGE).unwrap_err();
    let (text, connection) = match server.software() {
        // Headers of its own, Message-Id and Date, and aborts, how many is its own affair.
        Software::Postfix => ("550 5.7.1 Command rejected", "OCHMMRTLLLLNBEQ"),
        // Neither.
        Software::Sendmail => ("550 5.7.1 <rejected@sender.test>... Command rejected", "OCHMMRTLLNBEQ"),
    };
    assert_eq!(refusal.lines, [text]);
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    client.command("QUIT");
    assert_eq!(sink.wait_for(1, TIMEOUT)[0].header_values("X-Scripted"), [b"yes"]);
    commands.wait_for_end(TIMEOUT);
    let mut seen = commands.seen();
    if server.software() == Software::Postfix {
        seen.retain(|command| command != 'A');
    }
    assert_eq!(seen, connection);
}

fn starts_fast_restarts_and_ends<S: Setup>(builder: fn() -> Builder<S>) {
    let sink = Sink::start();
    let start = Instant::now();
    let mut server = builder().deliver_to(&sink).start();
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?} to start", start.elapsed());
    let address = server.smtp_address();

    server.restart();
    assert_eq!(server.smtp_address(), address);
    // Dropped in the middle of a message.
    let mut client = SmtpClient::connect(address);
    client.command("EHLO client.test");
    client.command("MAIL FROM:<alice@sender.test>");
    client.command("RCPT TO:<bob@example.test>");
    assert_eq!(client.command("DATA").code, 354);
    client.write(b"Subject: cut off\r\n\r\nHel").unwrap();
    drop(client);
    let lost = match server.software() {
        Software::Postfix => "lost connection after DATA",
        Software::Sendmail => "info=unexpected close",
    };
    server.wait_for_log(lost, TIMEOUT);
    assert!(server.held().is_empty());

    // One that is still connected when the server ends.
    let mut client = SmtpClient::connect(address);
    drop(server);
    assert!(client.try_command("NOOP").is_err());
    assert!(SmtpClient::try_connect(address).is_err(), "something still listens at {address}");
    assert!(sink.take().is_empty());
}

fn restart_waits_for_its_port<S: Setup>(builder: fn() -> Builder<S>) {
    let mut server = builder().start();
    let address = server.smtp_address();
    server.stop();
    let squatter = TcpListener::bind(address).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_secs(1));
            drop(squatter);
        });
        server.restart();
    });
    assert!(server.log().contains("Address already in use"), "{}", server.log());
    SmtpClient::connect(address).send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
}

/// The test runs itself once more, in a process that is killed while its mail server runs.
fn nothing_is_left_of_a_killed_test<S: Setup>(builder: fn() -> Builder<S>) {
    const INNER: &str = "MILTER_TESTS_INNER";
    if env::var_os(INNER).is_some() {
        let server = builder().start();
        println!("listens at <{}>", server.smtp_address());
        thread::sleep(Duration::from_secs(60));
        return;
    }
    // The thread of a test has its name.
    let test = thread::current().name().unwrap().to_owned();
    let mut inner = Runnable::start(
        Command::new(env::current_exe().unwrap()).args(["--exact", &test, "--nocapture"]).env(INNER, "1"),
    );
    let line = inner.wait_for_line("listens at <", TIMEOUT);
    let address: SocketAddr = line.split(['<', '>']).nth(1).unwrap().parse().unwrap();
    drop(SmtpClient::connect(address));
    inner.kill();
    let deadline = Instant::now() + TIMEOUT;
    while SmtpClient::try_connect(address).is_ok() {
        assert!(Instant::now() < deadline, "something still answers at {address}");
        thread::sleep(Duration::from_millis(50));
    }
}
