//! What the benchmarks are fed with: SMTP sessions as an MTA sends them, macros before each command.

mod macros;
mod responses;

use milter_proto::{
    Arguments, BodyChunk, Command, CommandKind, Connect, Data, DefineMacros, EndOfHeaders, Header, Helo,
    MacroPairsBuf, Mail, Options, Packet, Peer, Rcpt, Text,
};

/// Packets, in bytes.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    bytes: Vec<u8>,
    /// Where each packet ends.
    ends: Vec<usize>,
}

impl Recording {
    /// A message with this many headers and a body of this many octets, in a session of its own.
    pub fn session(headers: usize, body: usize) -> Self {
        let mut recording = Self::default();
        recording.push(Command::Negotiate(Options::CURRENT));
        recording.open();
        recording.message(headers, body);
        recording.push(Command::Quit);
        recording
    }

    /// The offer, CONNECT and HELO.
    pub fn opening() -> Self {
        let mut recording = Self::default();
        recording.push(Command::Negotiate(Options::CURRENT));
        recording.open();
        recording
    }

    /// One message, from MAIL to the abort that Postfix sends after each.
    pub fn one_message(headers: usize, body: usize) -> Self {
        let mut recording = Self::default();
        recording.message(headers, body);
        recording
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The packets that they are.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = Packet<'_>> {
        let mut rest = self.bytes();
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let (packet, next) = rest.split_at(end - start);
            (rest, start) = (next, *end);
            Packet::new(packet[4], &packet[5..])
        })
    }

    fn open(&mut self) {
        self.macros(
            CommandKind::Connect,
            &[("j", "mx.example.org"), ("{daemon_name}", "smtpd"), ("v", "Postfix 3.9.1")],
        );
        let peer = Peer::Ipv4 { port: 34567, address: text("192.0.2.25") };
        self.push(Command::Connect(Connect::new(text("mail.sender.example"), peer).expect("fits")));
        self.macros(CommandKind::Helo, &[("{tls_version}", "TLSv1.3"), ("{cipher_bits}", "256")]);
        self.push(Command::Helo(Helo::new(text("mail.sender.example")).expect("fits")));
    }

    fn message(&mut self, headers: usize, body: usize) {
        let queue_id = [("i", "4XyZ1234AbCd")];
        self.macros(
            CommandKind::Mail,
            &[("{mail_addr}", "sender@sender.example"), ("{mail_mailer}", "smtp")],
        );
        self.push(Command::Mail(
            Mail::new(text("<sender@sender.example>"), Arguments::default()).expect("fits"),
        ));
        self.macros(CommandKind::Rcpt, &[("{rcpt_addr}", "user@example.org"), ("{rcpt_mailer}", "local")]);
        self.push(Command::Rcpt(Rcpt::new(text("<user@example.org>"), Arguments::default()).expect("fits")));
        self.macros(CommandKind::Data, &queue_id);
        self.push(Command::Data(Data));
        for number in 0..headers {
            self.macros(CommandKind::Header, &queue_id);
            let value =
                "from mail.sender.example (mail.sender.example [192.0.2.25])\n\tby mx.example.org (Postfix)";
            let name = ["Received", "Subject", "DKIM-Signature", "X-Mailer"][number % 4];
            self.push(Command::Header(Header::new(text(name), text(value)).expect("fits")));
        }
        self.macros(CommandKind::EndOfHeaders, &queue_id);
        self.push(Command::EndOfHeaders(EndOfHeaders));
        let line = b"The quick brown fox jumps over the lazy dog and runs off, 0123456789.\r\n";
        let body: Vec<u8> = line.iter().copied().cycle().take(body).collect();
        for chunk in BodyChunk::split(&body) {
            self.macros(CommandKind::Body, &queue_id);
            self.push(Command::Body(chunk));
        }
        self.macros(CommandKind::EndOfMessage, &queue_id);
        self.push(Command::EndOfMessage(None));
        self.push(Command::Abort);
    }

    fn macros(&mut self, command: CommandKind, macros: &[(&str, &str)]) {
        let mut pairs = MacroPairsBuf::new();
        for (name, value) in macros {
            pairs.push(name, value).expect("no NUL");
        }
        self.push(Command::DefineMacros(DefineMacros::new(command, pairs.view()).expect("fits")));
    }

    fn push(&mut self, command: Command<'_>) {
        self.add(|bytes| command.encode(bytes));
    }

    fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }
}

fn text(text: &str) -> Text<'_> {
    Text::try_from(text).expect("no NUL")
}
