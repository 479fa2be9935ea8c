//! Macros, as many as an MTA sends.

use super::{Recording, text};
use milter_proto::{
    ArgumentsBuf, Command, CommandKind, Connect, Data, EndOfHeaders, Helo, Mail, Options, Peer, Rcpt,
};

const CONNECT: [(&str, &str); 5] = [
    ("j", "mx.example.org"),
    ("{daemon_name}", "mx.example.org"),
    ("{daemon_addr}", "192.0.2.1"),
    ("v", "Postfix 3.9.1"),
    ("_", "mail.sender.example [192.0.2.25]"),
];
const HELO: [(&str, &str); 5] = [
    ("{tls_version}", "TLSv1.3"),
    ("{cipher}", "TLS_AES_256_GCM_SHA384"),
    ("{cipher_bits}", "256"),
    ("{cert_subject}", "mail.sender.example"),
    ("{cert_issuer}", "Example Authority R3"),
];
const MAIL: [(&str, &str); 6] = [
    ("{auth_type}", "PLAIN"),
    ("{auth_authen}", "sender"),
    ("{auth_author}", "sender@sender.example"),
    ("{mail_addr}", "sender@sender.example"),
    ("{mail_host}", "sender.example"),
    ("{mail_mailer}", "smtp"),
];
const RCPT: [(&str, &str); 4] = [
    ("i", "4XyZ1234AbCd"),
    ("{rcpt_addr}", "user@example.org"),
    ("{rcpt_host}", "example.org"),
    ("{rcpt_mailer}", "local"),
];

impl Recording {
    /// A session with a message to this many recipients and without content, and every macro that Postfix sends unless
    /// it is told otherwise.
    pub fn recipients(count: usize) -> Self {
        let mut recording = Self::default();
        recording.push(Command::Negotiate(Options::CURRENT));
        recording.macros(CommandKind::Connect, &CONNECT);
        let peer = Peer::Ipv6 { port: 34567, address: text("IPv6:2001:db8::25") };
        recording.push(Command::Connect(Connect::new(text("mail.sender.example"), peer).expect("fits")));
        recording.macros(CommandKind::Helo, &HELO);
        recording.push(Command::Helo(Helo::new(text("mail.sender.example")).expect("fits")));
        let mut arguments = ArgumentsBuf::new();
        for argument in ["SIZE=4711", "BODY=8BITMIME"] {
            arguments.push(argument).expect("no NUL");
        }
        recording.macros(CommandKind::Mail, &MAIL);
        let sender = text("<sender@sender.example>");
        recording.push(Command::Mail(Mail::new(sender, arguments.view()).expect("fits")));
        let mut arguments = ArgumentsBuf::new();
        arguments.push("NOTIFY=FAILURE").expect("no NUL");
        for _ in 0..count {
            recording.macros(CommandKind::Rcpt, &RCPT);
            let recipient = text("<user@example.org>");
            recording.push(Command::Rcpt(Rcpt::new(recipient, arguments.view()).expect("fits")));
        }
        let queue_id = &RCPT[..1];
        recording.macros(CommandKind::Data, queue_id);
        recording.push(Command::Data(Data));
        recording.macros(CommandKind::EndOfHeaders, queue_id);
        recording.push(Command::EndOfHeaders(EndOfHeaders));
        recording.macros(CommandKind::EndOfMessage, queue_id);
        recording.push(Command::EndOfMessage(None));
        recording.push(Command::Quit);
        recording
    }
}
