//! The verbs of an SMTP session.

use super::{Filter, Pair};
use crate::asking::pairs;
use crate::sample::{fits, text};
use milter_proto::{
    Arguments, ArgumentsBuf, BodyChunk, BodyVerdict, Command, CommandKind, Connect, Data, EndOfHeaders,
    Header, Helo, Mail, Peer, Rcpt, SendError, Unknown,
};

impl<F: Filter> Pair<F> {
    /// A client connects from this address and port 25000.
    #[track_caller]
    pub fn connect(&mut self, hostname: &str, address: &str) -> Option<BodyVerdict> {
        let (port, address, hostname) = (25000, text(address), text(hostname));
        let peer =
            if address.contains(&b':') { Peer::Ipv6 { port, address } } else { Peer::Ipv4 { port, address } };
        self.ask(&Command::Connect(fits(Connect::new(hostname, peer))))
    }

    /// HELO.
    #[track_caller]
    pub fn helo(&mut self, name: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Helo(fits(Helo::new(text(name)))))
    }

    /// MAIL.
    #[track_caller]
    pub fn mail(&mut self, sender: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Mail(fits(Mail::new(text(sender), Arguments::default()))))
    }

    /// MAIL with arguments.
    #[track_caller]
    pub fn mail_with(&mut self, sender: &str, arguments: &[&str]) -> Option<BodyVerdict> {
        let mut buffer = ArgumentsBuf::new();
        for argument in arguments {
            fits(buffer.push(argument));
        }
        self.ask(&Command::Mail(fits(Mail::new(text(sender), buffer.view()))))
    }

    /// RCPT.
    #[track_caller]
    pub fn rcpt(&mut self, recipient: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Rcpt(fits(Rcpt::new(text(recipient), Arguments::default()))))
    }

    /// RCPT with a recipient that the MTA itself rejected, by this enhanced code and text.
    #[track_caller]
    pub fn rejected_rcpt(&mut self, recipient: &str, code: &str, reply: &str) -> Option<BodyVerdict> {
        fits(self.negotiate());
        let macros = pairs(&[("{rcpt_host}", code), ("{rcpt_addr}", reply)]);
        fits(self.mta.send_rejected(fits(Rcpt::new(text(recipient), Arguments::default())), macros.view()));
        fits(self.decision()).map(|(verdict, _)| verdict)
    }

    /// DATA.
    #[track_caller]
    pub fn data(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::Data(Data))
    }

    /// A header, with what is on the wire as its value.
    #[track_caller]
    pub fn header(&mut self, name: &str, value: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Header(fits(Header::new(text(name), text(value)))))
    }

    /// The end of the headers.
    #[track_caller]
    pub fn end_of_headers(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::EndOfHeaders(EndOfHeaders))
    }

    /// The body, in chunks: the decision about the last that was answered.
    #[track_caller]
    pub fn body(&mut self, body: impl AsRef<[u8]>) -> Option<BodyVerdict> {
        let mut decided = None;
        for chunk in BodyChunk::split(body.as_ref()) {
            decided = self.ask(&Command::Body(chunk)).or(decided);
        }
        decided
    }

    /// The end of the message: its verdict, and the modifications, which are [taken](Self::modifications).
    #[track_caller]
    pub fn end_of_message(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::EndOfMessage(None))
    }

    /// The message is dropped.
    #[track_caller]
    pub fn abort(&mut self) {
        assert_eq!(self.ask(&Command::Abort), None);
    }

    /// The end of the SMTP session and of the connection.
    #[track_caller]
    pub fn quit(&mut self) {
        assert_eq!(self.ask(&Command::Quit), None);
        assert!(self.closed, "both sides have closed");
    }

    /// The end of the SMTP session.
    #[track_caller]
    pub fn quit_new_connection(&mut self) {
        assert_eq!(self.ask(&Command::QuitNewConnection), None);
    }

    /// A command that the MTA does not know.
    #[track_caller]
    pub fn unknown(&mut self, line: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Unknown(fits(Unknown::new(text(line)))))
    }

    /// Macros for the command that follows.
    #[track_caller]
    pub fn macros(&mut self, command: CommandKind, macros: &[(&str, &str)]) {
        fits(self.negotiate());
        fits(self.define(command, macros));
    }

    /// Macros for the command that follows.
    ///
    /// # Errors
    ///
    /// As [`Mta::define`](milter_proto::Mta::define).
    pub fn define(&mut self, command: CommandKind, macros: &[(&str, &str)]) -> Result<(), SendError> {
        self.mta.define(command, pairs(macros).view())
    }

    /// A message from MAIL to its end, from one sender to one recipient: the verdict at its end.
    #[track_caller]
    pub fn message(&mut self, headers: &[(&str, &str)], body: &str) -> Option<BodyVerdict> {
        self.mail("<sender@example.test>");
        self.rcpt("<recipient@example.test>");
        self.data();
        for (name, value) in headers {
            self.header(name, value);
        }
        self.end_of_headers();
        self.body(body);
        self.end_of_message()
    }
}
