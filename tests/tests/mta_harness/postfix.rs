//! What the harness says about Postfix alone.

use std::os::unix::net::UnixListener;

use milter_tests::{MilterSocket, Postfix, Sink, SmtpClient};

use super::{MESSAGE, TIMEOUT};

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
fn settings_may_be_changed() {
    let mut postfix = Postfix::builder().start();
    let address = postfix.smtp_address();
    postfix.reconfigure(&[("smtpd_banner", "$myhostname again"), ("smtpd_helo_required", "yes")]);
    assert_eq!(postfix.smtp_address(), address);
    let mut client = SmtpClient::connect(address);
    assert_eq!(client.greeting().text(), "mta.example.test again");
    assert_eq!(client.command("MAIL FROM:<alice@sender.test>").code, 503);
}
