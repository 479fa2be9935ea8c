//! What the harness says about Sendmail alone.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use milter_tests::{MilterSocket, Sendmail, SmtpClient};

use super::{MESSAGE, TIMEOUT};

#[test]
fn definitions_are_obeyed() {
    let sendmail = Sendmail::builder().define("confMAX_MESSAGE_SIZE", "1000").start();
    let mut client = SmtpClient::connect(sendmail.smtp_address());
    let refusal = client.send("alice@sender.test", &["bob@example.test"], &[b'x'; 2000]).unwrap_err();
    assert_eq!(refusal.code, 552);
    // Without a sink it is thrown away.
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    sendmail.wait_for_log("mailer=null, pri=", TIMEOUT);
    assert!(sendmail.log().contains("stat=Sent"), "{}", sendmail.log());
}

#[test]
fn without_its_milter_mail_is_refused_for_now() {
    let socket = MilterSocket::new();
    let sendmail = Sendmail::builder().milter(socket.spec()).start();
    let refusal = SmtpClient::connect(sendmail.smtp_address())
        .send("alice@sender.test", &["bob@example.test"], MESSAGE)
        .unwrap_err();
    assert_eq!(refusal.code, 451);
    sendmail.wait_for_log("to error state", TIMEOUT);
}

#[test]
fn milter_timeouts_are_obeyed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let milter = format!("inet:{}", listener.local_addr().unwrap());
    let sendmail = Sendmail::builder().milter(milter).milter_timeouts("C:1s;S:1s;R:1s;E:1s").start();
    let start = Instant::now();
    let refusal = SmtpClient::connect(sendmail.smtp_address())
        .send("alice@sender.test", &["bob@example.test"], MESSAGE)
        .unwrap_err();
    assert_eq!(refusal.code, 451);
    assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
}
