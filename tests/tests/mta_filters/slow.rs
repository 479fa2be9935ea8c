//! The end of a message that takes longer than mail servers wait.

use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{MailServer, Postfix, Sendmail, Sink, SmtpClient, Software, serve};
use milter_tokio::{Actions, Application, Context, EndOfMessage, Mail, Milter, ModificationError, Verdict};

use super::TIMEOUT;

const WAIT: Duration = Duration::from_millis(4500);
const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";

#[derive(Default)]
struct Filter {
    blocks: bool,
}

impl Filter {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) {
        self.blocks = mail.address() == "blocks@sender.test";
    }

    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        if self.blocks {
            // What a filter must not do: nothing else runs on this thread.
            thread::sleep(WAIT);
        } else {
            tokio::time::sleep(WAIT).await;
        }
        cx.add_header("X-Slow", "yes")?;
        Ok(Verdict::Continue)
    }
}

fn milter() -> impl Application {
    Milter::per_message(Filter::default)
        .actions(Actions::ADD_HEADERS)
        .on_mail(Filter::mail)
        .on_end_of_message(Filter::end_of_message)
}

/// A mail server that waits three seconds for a packet at the end of a message.
fn impatient(software: Software, milter: &str, sink: &Sink) -> Box<MailServer> {
    match software {
        Software::Postfix => {
            let builder = Postfix::builder().milter(milter).set("milter_content_timeout", "3s");
            Box::new(builder.deliver_to(sink).start())
        }
        Software::Sendmail => {
            let builder = Sendmail::builder().milter(milter).milter_timeouts("C:30s;S:30s;R:3s;E:30s");
            Box::new(builder.deliver_to(sink).start())
        }
    }
}

pub(crate) fn slow_end_of_message_is_survived_by_progress(software: Software) {
    let (filter, sink) = (serve(milter()), Sink::start());
    let server = impatient(software, filter.spec(), &sink);
    let send = |sender: &str| {
        let begin = Instant::now();
        let sent = SmtpClient::connect(server.smtp_address()).send(sender, &["bob@example.test"], MESSAGE);
        (sent, begin.elapsed())
    };
    let (sent, duration) = send("alice@sender.test");
    assert!(sent.is_ok() && duration >= WAIT, "{duration:?}: {sent:?}");
    // Without a sign of life nobody waits longer than he was told to.
    let (sent, _) = send("blocks@sender.test");
    let (answer, logged) = match software {
        Software::Postfix => (
            "451 4.7.1 Service unavailable - try again later",
            "can't read SMFIC_BODYEOB reply packet header: Connection timed out",
        ),
        Software::Sendmail => ("451 4.3.2 Please try again later", "timeout before data read"),
    };
    assert_eq!(sent.unwrap_err().to_string(), answer);
    server.wait_for_log(logged, TIMEOUT);
    let delivered = sink.wait_for(1, TIMEOUT);
    assert_eq!(delivered[0].header_values("X-Slow"), [b"yes"]);
    assert_eq!(delivered.len(), 1);
}

/// Sendmail's time-out of the end of the message (`E`) is for the whole of it, progress or not.
#[test]
fn sendmail_waits_for_no_progress_beyond_the_whole_end_of_message() {
    let (filter, sink) = (serve(milter()), Sink::start());
    let builder = Sendmail::builder().milter(filter.spec()).milter_timeouts("C:30s;S:30s;R:30s;E:2s");
    let server = builder.deliver_to(&sink).start();
    let refusal = SmtpClient::connect(server.smtp_address())
        .send("alice@sender.test", &["bob@example.test"], MESSAGE)
        .unwrap_err();
    assert_eq!(refusal.to_string(), "451 4.3.2 Please try again later");
    server.wait_for_log("EOM ACK/NAK timeout", TIMEOUT);
    assert!(sink.take().is_empty());
}
