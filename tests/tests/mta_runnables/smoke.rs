//! The runtimes that the other tests do not run on: one message modified, one rejected.

use milter_tests::{Adapter, FilterProgram, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";

pub(crate) fn async_std_modifies_and_rejects(software: Software, transport: Transport) {
    modifies_and_rejects(Adapter::AsyncStd, software, transport);
}

pub(crate) fn smol_modifies_and_rejects(software: Software, transport: Transport) {
    modifies_and_rejects(Adapter::Smol, software, transport);
}

fn modifies_and_rejects(adapter: Adapter, software: Software, transport: Transport) {
    let on = ["--runtime", adapter.name()];
    let modifies = FilterProgram::start(transport, "append-header", &on);
    let sink = Sink::start();
    let server = modifies.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    let delivered = sink.wait_for(1, TIMEOUT);
    assert_eq!(delivered[0].header_values("X-Milter-Client-IP"), [b"127.0.0.1"]);
    assert_eq!(delivered[0].body(), b"Hello\r\n");

    let arguments = [&on[..], &["--sender", "@spam.test"]].concat();
    let rejects = FilterProgram::start(transport, "block-sender", &arguments);
    let sink = Sink::start();
    let server = rejects.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    let refused = client.send("alice@spam.test", &["bob@example.test"], MESSAGE).unwrap_err();
    assert_eq!(refused.code, 550);
    client.send("alice@ham.test", &["bob@example.test"], MESSAGE).unwrap();
    assert_eq!(sink.wait_for(1, TIMEOUT)[0].sender, "alice@ham.test");
}
