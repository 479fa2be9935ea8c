//! `append-header`.

use milter_tests::{FilterProgram, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";

pub(crate) fn header_is_added_to_every_message(software: Software, transport: Transport) {
    for (arguments, name) in
        [(&[][..], "X-Milter-Client-IP"), (&["--header-name", "X-From-Where"][..], "X-From-Where")]
    {
        let filter = FilterProgram::start(transport, "append-header", arguments);
        let sink = Sink::start();
        let server = filter.behind(software, &sink);
        let mut client = SmtpClient::connect(server.smtp_address());
        client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
        client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
        for delivered in sink.wait_for(2, TIMEOUT) {
            let expected = (name.to_owned(), b"127.0.0.1".to_vec());
            assert_eq!(delivered.headers().last(), Some(&expected));
            assert_eq!(delivered.header_values(name).len(), 1);
            assert_eq!(delivered.body(), b"Hello\r\n");
        }
    }
}
