//! The end of a message that takes longer than Postfix waits.

use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{Postfix, Sink, SmtpClient, serve};
use milter_tokio::{Actions, Application, Context, EndOfMessage, Mail, Milter, ModificationError, Verdict};

use super::TIMEOUT;

const WAIT: Duration = Duration::from_secs(3);
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

#[test]
fn slow_end_of_message_is_survived_by_progress() {
    let filter = serve(milter());
    let sink = Sink::start();
    let builder = Postfix::builder().milter(filter.spec()).set("milter_content_timeout", "2s");
    let postfix = builder.deliver_to(&sink).start();
    let send = |sender: &str| {
        let begin = Instant::now();
        let sent = SmtpClient::connect(postfix.smtp_address()).send(sender, &["bob@example.test"], MESSAGE);
        (sent, begin.elapsed())
    };
    let (sent, duration) = send("alice@sender.test");
    assert!(sent.is_ok() && duration >= WAIT, "{duration:?}: {sent:?}");
    // Without a sign of life Postfix waits no longer than it was told to.
    let (sent, _) = send("blocks@sender.test");
    assert_eq!(sent.unwrap_err().to_string(), "451 4.7.1 Service unavailable - try again later");
    postfix.wait_for_log("can't read SMFIC_BODYEOB reply packet header: Connection timed out", TIMEOUT);
    let delivered = sink.wait_for(1, TIMEOUT);
    assert_eq!(delivered[0].header_values("X-Slow"), [b"yes"]);
    assert_eq!(delivered.len(), 1);
}
