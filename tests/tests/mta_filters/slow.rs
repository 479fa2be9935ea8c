//! The end of a message that takes longer than mail servers wait.

use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{MailServer, Postfix, Sendmail, Sink, SmtpAnswer, SmtpClient, Software, serve};
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

/// Sends a message through a mail server that waits three seconds for a packet at the end of a message.
fn send(software: Software, sender: &str) -> (Result<SmtpAnswer, SmtpAnswer>, Box<MailServer>, Sink) {
    let (filter, sink) = (serve(milter()), Sink::start());
    let server: Box<MailServer> = match software {
        Software::Postfix => {
            let builder = Postfix::builder().milter(filter.spec()).set("milter_content_timeout", "3s");
            Box::new(builder.deliver_to(&sink).start())
        }
        Software::Sendmail => {
            let builder = Sendmail::builder().milter(filter.spec()).milter_timeouts("C:30s;S:30s;R:3s;E:30s");
            Box::new(builder.deliver_to(&sink).start())
        }
    };
    let sent = SmtpClient::connect(server.smtp_address()).send(sender, &["bob@example.test"], MESSAGE);
    (sent, server, sink)
}

pub(crate) fn slow_end_of_message_is_survived_by_progress(software: Software) {
    // Both at once: they do little but wait.
    thread::scope(|scope| {
        scope.spawn(|| {
            let begin = Instant::now();
            let (sent, _server, sink) = send(software, "alice@sender.test");
            assert!(sent.is_ok() && begin.elapsed() >= WAIT, "{:?}: {sent:?}", begin.elapsed());
            assert_eq!(sink.wait_for(1, TIMEOUT)[0].header_values("X-Slow"), [b"yes"]);
        });
        scope.spawn(|| {
            // Without a sign of life nobody waits longer than he was told to.
            let (sent, server, sink) = send(software, "blocks@sender.test");
            let (answer, logged) = match software {
                Software::Postfix => (
                    "451 4.7.1 Service unavailable - try again later",
                    "can't read SMFIC_BODYEOB reply packet header: Connection timed out",
                ),
                Software::Sendmail => ("451 4.3.2 Please try again later", "timeout before data read"),
            };
            assert_eq!(sent.unwrap_err().to_string(), answer);
            server.wait_for_log(logged, TIMEOUT);
            assert!(sink.take().is_empty());
        });
    });
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
