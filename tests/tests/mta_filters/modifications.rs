//! Every modification, on its own and all together: the message must arrive as it should be.

use milter_tests::{Delivered, SmtpClient, Software};
use milter_tokio::{Actions, Application, Context, EndOfMessage, Milter, ModificationError, Rcpt, Verdict};

use super::{Scene, TIMEOUT};

type Recorded = Result<(), ModificationError>;

/// Makes the edit that the message asks for by its first recipient.
#[derive(Default)]
struct Editor {
    wanted: Option<String>,
}

impl Editor {
    async fn rcpt(&mut self, rcpt: Rcpt<'_>, _: &mut Context) {
        self.wanted.get_or_insert_with(|| rcpt.address().to_string());
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        let wanted = self.wanted.as_deref().and_then(|wanted| wanted.strip_suffix("@example.test"));
        for case in CASES.iter().filter(|case| wanted == Some(case.name)) {
            (case.edit)(cx)?;
        }
        Ok(Verdict::Continue)
    }
}

fn milter() -> impl Application {
    Milter::per_message(Editor::default)
        .actions(Actions::all_known() - Actions::REQUEST_MACROS)
        .track_headers()
        .on_rcpt(Editor::rcpt)
        .on_end_of_message(Editor::end_of_message)
}

/// A message in the parts that can be modified.
#[derive(Debug, Clone, PartialEq)]
struct Parts {
    sender: String,
    sender_arguments: Vec<String>,
    /// With their arguments, sorted.
    recipients: Vec<String>,
    /// Without the value of `Received`.
    headers: Vec<(String, String)>,
    body: String,
}

struct Case {
    name: &'static str,
    edit: fn(&mut Context) -> Recorded,
    expect: fn(&mut Parts, Software),
}

const CASES: &[Case] = &[
    Case { name: "nothing", edit: |_| Ok(()), expect: |_, _| {} },
    Case {
        name: "add-header",
        edit: |cx| {
            cx.add_header("X-New", "one")?;
            cx.add_header("X-Folded", "two\r\n\tlines")?;
            cx.add_header("Subject", "another")
        },
        expect: |message, software| {
            message.header(10, "X-New", "one");
            message.header(11, "X-Folded", "two\r\n\tlines");
            // Sendmail puts it before the first of that name.
            message.header(if software == Software::Sendmail { 4 } else { 12 }, "Subject", "another");
        },
    },
    Case {
        name: "insert-header",
        edit: |cx| {
            cx.insert_header(0, "X-Top", "above Received")?;
            cx.insert_header(2, "X-Second", "below Received")?;
            cx.insert_header(1000, "X-End", "past the end")
        },
        expect: |message, _| {
            message.header(0, "X-Top", "above Received");
            message.header(2, "X-Second", "below Received");
            message.header(12, "X-End", "past the end");
        },
    },
    Case {
        name: "change-header",
        edit: |cx| {
            cx.change_header("Subject", 1, "changed")?;
            cx.change_header("x-same", 2, "changed too")?;
            cx.change_header("X-Absent", 1, "added")
        },
        expect: |message, software| {
            message.headers[4].1 = "changed".into();
            // Sendmail keeps the name as it was written.
            let name = if software == Software::Sendmail { "X-Same" } else { "x-same" };
            message.headers[6] = (name.into(), "changed too".into());
            message.header(10, "X-Absent", "added");
        },
    },
    Case {
        name: "delete-header",
        edit: |cx| cx.delete_header("X-Same", 2),
        expect: |message, _| message.delete(&[6]),
    },
    Case {
        name: "delete-two-headers",
        edit: |cx| {
            cx.delete_header("X-Same", 1)?;
            cx.delete_header("X-Same", 3)
        },
        expect: |message, _| message.delete(&[5, 8]),
    },
    Case {
        name: "delete-one-change-two",
        edit: |cx| {
            cx.delete_header("X-Same", 1)?;
            cx.change_header("X-Same", 2, "2 changed")?;
            cx.change_header("X-Same", 4, "4 changed")
        },
        expect: |message, _| {
            message.headers[6].1 = "2 changed".into();
            message.headers[9].1 = "4 changed".into();
            message.delete(&[5]);
        },
    },
    Case {
        name: "delete-all-headers",
        edit: |cx| cx.delete_all_headers("x-SAME"),
        expect: |message, _| message.delete(&[5, 6, 8, 9]),
    },
    Case {
        name: "change-sender",
        edit: |cx| cx.change_sender("new@sender.test", None),
        expect: |message, _| message.sender = "new@sender.test".into(),
    },
    Case {
        name: "change-sender-to-null",
        edit: |cx| cx.change_sender("", None),
        expect: |message, _| message.sender.clear(),
    },
    Case {
        name: "change-sender-with-arguments",
        edit: |cx| cx.change_sender("<new@sender.test>", "RET=HDRS ENVID=q+3D1"),
        expect: |message, _| {
            message.sender = "new@sender.test".into();
            message.sender_arguments = vec!["ENVID=q+3D1".into(), "RET=HDRS".into()];
        },
    },
    Case {
        name: "add-recipient",
        edit: |cx| {
            cx.add_recipient("new@example.test")?;
            cx.add_recipient("<newer@example.test>")
        },
        expect: |message, _| {
            message.recipient("new@example.test");
            message.recipient("newer@example.test");
        },
    },
    Case {
        name: "add-recipient-with-arguments",
        edit: |cx| cx.add_recipient_with_arguments("new@example.test", "NOTIFY=NEVER"),
        expect: |message, _| message.recipient("new@example.test NOTIFY=NEVER"),
    },
    Case {
        name: "delete-recipient",
        edit: |cx| {
            cx.delete_recipient("carol@example.test")?;
            cx.delete_recipient("nobody@example.test")
        },
        expect: |message, _| message.recipients.retain(|recipient| recipient != "carol@example.test"),
    },
    Case {
        name: "replace-body",
        edit: |cx| cx.replace_body("new\r\n.\r\nbody\r\n"),
        expect: |message, _| message.body = "new\r\n.\r\nbody\r\n".into(),
    },
    Case { name: "empty-body", edit: |cx| cx.replace_body(""), expect: |message, _| message.body.clear() },
    Case {
        name: "replace-body-by-a-long-one",
        edit: |cx| cx.replace_body("0123456\r\n".repeat(20_000)),
        expect: |message, _| message.body = "0123456\r\n".repeat(20_000),
    },
    Case { name: "everything", edit: everything, expect: expect_everything },
    Case { name: "quarantine", edit: |cx| cx.quarantine("looks odd"), expect: |_, _| {} },
    Case {
        name: "everything-quarantined",
        edit: |cx| {
            everything(cx)?;
            cx.quarantine("looks odd")
        },
        expect: |_, _| {},
    },
];

/// Not in the order in which it is sent.
fn everything(cx: &mut Context) -> Recorded {
    cx.replace_body("new\r\n")?;
    cx.add_recipient("new@example.test")?;
    cx.add_recipient_with_arguments("newer@example.test", "NOTIFY=FAILURE,DELAY")?;
    cx.delete_recipient("<carol@example.test>")?;
    cx.change_sender("new@sender.test", "RET=FULL ENVID=q1")?;
    cx.delete_header("X-Same", 1)?;
    cx.change_header("Subject", 1, "changed")?;
    cx.delete_header("X-Same", 2)?;
    cx.add_header("X-New", "one")?;
    cx.insert_header(0, "X-Top", "above Received")
}

fn expect_everything(message: &mut Parts, _: Software) {
    message.body = "new\r\n".into();
    message.recipients.retain(|recipient| recipient != "carol@example.test");
    message.recipient("new@example.test");
    message.recipient("newer@example.test NOTIFY=FAILURE,DELAY");
    message.sender = "new@sender.test".into();
    message.sender_arguments = vec!["ENVID=q1".into(), "RET=FULL".into()];
    message.headers[4].1 = "changed".into();
    message.delete(&[5, 6]);
    message.header(8, "X-New", "one");
    message.header(0, "X-Top", "above Received");
}

impl Parts {
    /// What is sent, if nobody modifies it.
    fn sent(name: &str) -> Self {
        let headers = [
            ("Received", ""),
            ("From", "alice@sender.test"),
            ("Date", "Mon, 6 Jan 2025 10:00:00 +0000"),
            ("Message-ID", "<1@sender.test>"),
            ("Subject", "test"),
            ("X-Same", "1"),
            ("X-Same", "2"),
            ("X-Other", "between"),
            ("x-same", "3"),
            ("X-Same", "4"),
        ];
        let mut recipients = [name, "bob", "carol"].map(|name| format!("{name}@example.test")).to_vec();
        recipients.sort();
        Self {
            sender: "alice@sender.test".into(),
            sender_arguments: Vec::new(),
            recipients,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: "Hello\r\n".into(),
        }
    }

    fn of(delivered: &Delivered) -> Self {
        let of_dsn = |argument: &&String| ["RET=", "ENVID="].iter().any(|name| argument.starts_with(name));
        let mut sender_arguments: Vec<String> =
            delivered.sender_arguments.iter().filter(of_dsn).cloned().collect();
        sender_arguments.sort();
        let recipients = delivered.recipients.iter().map(|recipient| {
            let mut shown = recipient.address.clone();
            // Postfix says ORCPT of every recipient.
            let notify = recipient.arguments.iter().filter(|argument| argument.starts_with("NOTIFY="));
            notify.for_each(|argument| shown += &format!(" {argument}"));
            shown
        });
        let mut recipients: Vec<String> = recipients.collect();
        recipients.sort();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = delivered.headers().into_iter().map(|(name, value)| {
            let value = if name == "Received" { String::new() } else { text(&value) };
            (name, value)
        });
        Self {
            sender: delivered.sender.clone(),
            sender_arguments,
            recipients,
            headers: headers.collect(),
            body: text(delivered.body()),
        }
    }

    fn header(&mut self, at: usize, name: &str, value: &str) {
        self.headers.insert(at, (name.to_owned(), value.to_owned()));
    }

    /// Deletes the headers at these places.
    fn delete(&mut self, places: &[usize]) {
        for place in places.iter().rev() {
            self.headers.remove(*place);
        }
    }

    fn recipient(&mut self, recipient: &str) {
        self.recipients.push(recipient.to_owned());
        self.recipients.sort();
    }
}

pub(crate) fn each_modification_arrives_and_all_together(software: Software) {
    let Scene { server, sink, .. } = &Scene::new(software, milter());
    // One connection for all: no modification may be left for the next message.
    let mut client = SmtpClient::connect(server.smtp_address());
    for Case { name, expect, .. } in CASES {
        let mut expected = Parts::sent(name);
        let mut message = String::new();
        expected.headers.iter().skip(1).for_each(|(name, value)| message += &format!("{name}: {value}\r\n"));
        message += &format!("\r\n{}", expected.body);
        let recipients = [name, "bob", "carol"].map(|name| format!("{name}@example.test"));
        let held = server.held().len();
        let answer = client
            .send(&expected.sender, &recipients.each_ref().map(|one| &**one), message.as_bytes())
            .unwrap();
        if name.contains("quarantine") {
            let logged = match software {
                Software::Postfix => "milter triggers HOLD action",
                Software::Sendmail => "quarantine=looks odd, stat=quarantined",
            };
            server.wait_for_log_lines(logged, held + 1, TIMEOUT);
            assert_eq!(server.held().len(), held + 1, "{name}");
            assert!(
                server.held().iter().any(|id| answer.text().contains(id)),
                "{answer}: {:?}",
                server.held()
            );
            continue;
        }
        expect(&mut expected, software);
        let delivered = Parts::of(&sink.wait_for(1, TIMEOUT)[0]);
        assert_eq!(delivered, expected, "{name}");
        assert_eq!(sink.take().len(), 1, "{name}");
    }
    // What was held was not delivered as well.
    server.wait_for_done(CASES.len() - 2, TIMEOUT);
    assert_eq!(sink.take().len(), 0);
}
