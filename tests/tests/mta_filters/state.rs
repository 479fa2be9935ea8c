//! Nothing of a message is left for the next one on the same connection.

use milter_tests::{Delivered, SmtpClient, Software};
use milter_tokio::{
    Actions, Application, BodyChunk, Connect, Context, EndOfMessage, Header, Mail, Milter, ModificationError,
    Rcpt, Verdict,
};

use super::{Scene, TIMEOUT};

/// What a filter may keep of an SMTP session: how many messages it has begun.
#[derive(Default)]
struct Peer {
    messages: usize,
}

impl Peer {
    async fn connect(&mut self, _: Connect<'_>, cx: &mut Context) -> Result<(), ModificationError> {
        cx.add_header("X-Session", "of all messages")
    }

    fn message(&mut self) -> Message {
        self.messages += 1;
        Message { number: self.messages, seen: Vec::new() }
    }
}

/// What it keeps of a message: everything, and each recorded modification too.
struct Message {
    number: usize,
    seen: Vec<String>,
}

impl Message {
    async fn mail(&mut self, mail: Mail<'_>, cx: &mut Context) -> Result<(), ModificationError> {
        self.seen.push(mail.address().to_string());
        cx.add_header("X-Sender", mail.address())
    }

    async fn rcpt(&mut self, rcpt: Rcpt<'_>, cx: &mut Context) -> Result<Verdict, ModificationError> {
        self.seen.push(rcpt.address().to_string());
        cx.add_header("X-Recipient", rcpt.address())?;
        Ok(Verdict::Continue)
    }

    async fn header(&mut self, header: Header<'_>, cx: &mut Context) -> Result<(), ModificationError> {
        if header.is("Subject") {
            self.seen.push(header.value().to_string());
            cx.add_header("X-Subject", header.value())?;
        }
        Ok(())
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.seen.push(String::from_utf8_lossy(&chunk).trim_end().to_owned());
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        let (queue_id, number) = (cx.macros.queue_id().unwrap_or_default().to_string(), cx.message_number());
        cx.add_header("X-State", format!("{} {number} {queue_id}: {}", self.number, self.seen.join(" ")))?;
        Ok(Verdict::Continue)
    }
}

fn milter() -> impl Application {
    Milter::per_connection(Peer::default)
        .message(Peer::message)
        .actions(Actions::ADD_HEADERS)
        .on_connect(Peer::connect)
        .on_mail(Message::mail)
        .on_rcpt(Message::rcpt)
        .on_header(Message::header)
        .on_body(Message::body)
        .on_end_of_message(Message::end_of_message)
}

pub(crate) fn messages_of_a_connection_do_not_mix(software: Software) {
    let scene = Scene::new(software, milter());
    let mut client = SmtpClient::connect(scene.server.smtp_address());
    client.send("a@one.test", &["b@one.test", "c@one.test"], b"Subject: one\r\n\r\nfirst\r\n").unwrap();
    // Aborted at each point there is. Sendmail sends no abort, as the filter does not answer MAIL: the next command ends
    // the message.
    for commands in [&["MAIL FROM:<x@lost.test>"][..], &["MAIL FROM:<x@lost.test>", "RCPT TO:<y@lost.test>"]]
    {
        for end in ["RSET", "EHLO again.test"] {
            for command in commands.iter().chain([&end]) {
                assert!(client.command(command).is_positive());
            }
        }
    }
    client.send("a@two.test", &["b@two.test"], b"Subject: two\r\n\r\nsecond\r\n").unwrap();
    // Refused by the mail server itself.
    client.command("MAIL FROM:<x@lost.test>");
    assert_eq!(client.command("RCPT TO:<nouser@example.test>").code, 550);
    assert_eq!(client.command("RSET").code, 250);
    client.send("", &["b@three.test"], b"Subject: three\r\n\r\n").unwrap();

    let delivered = scene.sink.wait_for(3, TIMEOUT);
    let by_subject = |subject: &str| {
        delivered.iter().find(|one| one.header_values("Subject") == [subject.as_bytes()]).unwrap()
    };
    // The seventh is the one whose only recipient was refused.
    assert_state(software, by_subject("one"), 1, "a@one.test", &["b@one.test", "c@one.test"], "one", "first");
    assert_state(software, by_subject("two"), 6, "a@two.test", &["b@two.test"], "two", "second");
    assert_state(software, by_subject("three"), 8, "", &["b@three.test"], "three", "");
}

#[track_caller]
fn assert_state(
    software: Software,
    delivered: &Delivered,
    number: usize,
    sender: &str,
    recipients: &[&str],
    subject: &str,
    body: &str,
) {
    let values = |name: &str| {
        let values = delivered.header_values(name).into_iter();
        values.map(|value| String::from_utf8(value).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(values("X-Session"), ["of all messages"]);
    assert_eq!(values("X-Sender"), [sender]);
    let mut added = values("X-Recipient");
    if software == Software::Sendmail {
        // It puts an added header before the first of that name.
        added.reverse();
    }
    assert_eq!(added, recipients);
    assert_eq!(values("X-Subject"), [subject]);
    let state = values("X-State");
    let (head, seen) = state[0].split_once(": ").unwrap();
    let expected: Vec<&str> = [&[sender], recipients, &[subject, body][..]].concat();
    assert_eq!(seen.trim_end(), expected.join(" ").trim_end());
    let numbers = format!("{number} {number} ");
    let queue_id = head.strip_prefix(&numbers).unwrap_or_else(|| panic!("{head:?} is not {numbers:?}…"));
    let received = values("Received").concat();
    assert!(!queue_id.is_empty() && received.contains(&format!("id {queue_id}")), "{queue_id}: {received}");
    assert_eq!(state.len(), 1);
}
