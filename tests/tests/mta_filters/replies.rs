//! Replies of a filter's own: as the client reads them.

use milter_tests::{SmtpClient, Software};
use milter_tokio::{Application, Context, EndOfMessage, Mail, Milter, Rcpt, SmtpReply, Verdict};

use super::{Scene, TIMEOUT};

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";

struct Reply {
    /// Where the filter gives it.
    stage: &'static str,
    code: u16,
    enhanced: &'static str,
    text: &'static [&'static str],
    postfix: &'static [&'static str],
    /// The address of MAIL or RCPT comes first, but not with 4xx.
    sendmail: &'static [&'static str],
}

const REPLIES: &[Reply] = &[
    Reply {
        stage: "mail",
        code: 550,
        enhanced: "5.7.1",
        text: &["100% sure, %s and %d"],
        postfix: &["550 5.7.1 100% sure, %s and %d"],
        sendmail: &["550 5.7.1 <0@sender.test>... 100% sure, %s and %d"],
    },
    Reply {
        stage: "mail",
        code: 451,
        enhanced: "4.7.0",
        text: &["50% sure", "100%"],
        postfix: &["451-4.7.0 50% sure", "451 4.7.0 100%"],
        sendmail: &["451-4.7.0 50% sure", "451 4.7.0 100%"],
    },
    Reply {
        stage: "rcpt",
        code: 550,
        enhanced: "5.1.1",
        text: &["not", "known"],
        postfix: &["550-5.1.1 not", "550 5.1.1 known"],
        sendmail: &["550-5.1.1 <bob@example.test>... not", "550 5.1.1 known"],
    },
    Reply {
        stage: "end_of_message",
        code: 550,
        enhanced: "5.7.1",
        text: &["%1", "%%", "3%"],
        postfix: &["550-5.7.1 %1", "550-5.7.1 %%", "550 5.7.1 3%"],
        sendmail: &["550-5.7.1 %1", "550-5.7.1 %%", "550 5.7.1 3%"],
    },
    Reply {
        stage: "end_of_message",
        code: 452,
        enhanced: "4.2.2",
        text: &["full"],
        postfix: &["452 4.2.2 full"],
        sendmail: &["452 4.2.2 full"],
    },
];

/// Gives the reply of which the sender has the number.
#[derive(Default)]
struct Filter {
    wanted: Option<&'static Reply>,
}

impl Filter {
    fn at(&self, stage: &str) -> Verdict {
        match self.wanted.filter(|wanted| wanted.stage == stage) {
            Some(wanted) => SmtpReply::lines(wanted.code, wanted.enhanced, wanted.text).unwrap().into(),
            None => Verdict::Continue,
        }
    }

    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> Verdict {
        let number = mail.address().to_string().strip_suffix("@sender.test").and_then(|it| it.parse().ok());
        self.wanted = number.and_then(|number: usize| REPLIES.get(number));
        self.at("mail")
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.at("rcpt")
    }

    async fn end_of_message(&mut self, _: EndOfMessage, _: &mut Context) -> Verdict {
        self.at("end_of_message")
    }
}

fn milter() -> impl Application {
    Milter::per_message(Filter::default)
        .on_mail(Filter::mail)
        .on_rcpt(Filter::rcpt)
        .on_end_of_message(Filter::end_of_message)
}

pub(crate) fn replies_reach_the_client(software: Software) {
    let scene = Scene::new(software, milter());
    let mut client = SmtpClient::connect(scene.server.smtp_address());
    for (number, reply) in REPLIES.iter().enumerate() {
        let sender = format!("{number}@sender.test");
        let refusal = client.send(&sender, &["bob@example.test"], MESSAGE).unwrap_err();
        let expected = match software {
            Software::Postfix => reply.postfix,
            Software::Sendmail => reply.sendmail,
        };
        assert_eq!(refusal.lines, expected);
    }
    client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap();
    let delivered = scene.sink.wait_for(1, TIMEOUT);
    assert_eq!(delivered[0].sender, "alice@sender.test");
}
