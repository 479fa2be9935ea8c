//! A filter that dies in the middle of a message.

use std::os::unix::process::ExitStatusExt;

use milter_tests::{FilterProgram, Signal, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";

pub(crate) fn killed_filter_fails_temporarily_and_may_be_restarted(software: Software, transport: Transport) {
    let mut filter = FilterProgram::start(transport, "append-header", &[]);
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    client.command("EHLO client.test");
    client.command("MAIL FROM:<alice@sender.test>");
    client.command("RCPT TO:<bob@example.test>");
    assert_eq!(client.command("DATA").code, 354);
    client.write(b"Subject: cut off\r\n\r\nHel").unwrap();
    assert_eq!(filter.end(Signal::SIGKILL).signal(), Some(Signal::SIGKILL as i32));
    client.write(b"lo\r\n.\r\n").unwrap();
    let answer = client.read_answer().unwrap();
    let expected = match software {
        Software::Postfix => "451 4.7.1 Service unavailable - try again later",
        // What F=T makes of it.
        Software::Sendmail => "451 4.3.2 Please try again later",
    };
    assert_eq!(answer.to_string(), expected);

    // As long as there is no filter, nothing passes.
    let send = || {
        SmtpClient::connect(server.smtp_address()).send("alice@sender.test", &["bob@example.test"], MESSAGE)
    };
    assert_eq!(send().unwrap_err().code, 451);
    filter.restart();
    send().unwrap();
    let delivered = sink.wait_for(1, TIMEOUT);
    assert_eq!(delivered[0].header_values("Subject"), [b"test"]);
    assert_eq!(delivered[0].header_values("X-Milter-Client-IP"), [b"127.0.0.1"]);
    server.wait_for_done(1, TIMEOUT);
    assert_eq!(sink.take().len(), 1);
}
