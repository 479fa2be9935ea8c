//! Filters in the test process behind a real Sendmail: what it makes of the answers, seen by its client and by the sink.

use std::time::{Duration, Instant};

use milter_tests::{Delivered, Sendmail, Served, Sink, SmtpAnswer, SmtpClient, serve};
use milter_tokio::{
    Actions, Application, Context, EndOfMessage, Mail, Milter, ModificationError, SmtpReply, Verdict,
};

const TIMEOUT: Duration = Duration::from_secs(20);
const MESSAGE: &[u8] = b"From: Alice <alice@sender.test>\r\n\
    X-Twice: one\r\n\
    Subject: test\r\n\
    x-twice: two\r\n\
    \r\n\
    Hello\r\n";

/// A Sendmail that asks a filter in this process.
struct Scene {
    sendmail: Sendmail,
    sink: Sink,
    // Last: Sendmail has to be gone first.
    _served: Served,
}

impl Scene {
    fn new(milter: impl Application) -> Self {
        Self::with_timeouts(milter, "C:30s;S:30s;R:30s;E:5m")
    }

    fn with_timeouts(milter: impl Application, timeouts: &str) -> Self {
        let served = serve(milter);
        let sink = Sink::start();
        let sendmail =
            Sendmail::builder().milter(served.spec()).milter_timeouts(timeouts).deliver_to(&sink).start();
        Self { sendmail, sink, _served: served }
    }

    fn send(&self, sender: &str) -> Result<SmtpAnswer, SmtpAnswer> {
        let mut client = SmtpClient::connect(self.sendmail.smtp_address());
        let answer = client.send(sender, &["bob@example.test"], MESSAGE);
        client.command("QUIT");
        answer
    }

    #[track_caller]
    fn delivered(&self) -> Delivered {
        let mut delivered = self.sink.wait_for(1, TIMEOUT);
        assert_eq!(delivered.len(), 1);
        delivered.remove(0)
    }
}

/// The names and values of the headers, without those that Sendmail adds.
fn headers(delivered: &Delivered) -> Vec<(String, String)> {
    let added = ["Received", "Date", "Message-Id"];
    let headers = delivered.headers().into_iter();
    headers
        .filter(|(name, _)| !added.contains(&name.as_str()))
        .map(|(name, value)| (name, String::from_utf8(value).unwrap()))
        .collect()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn adds_a_header() {
    async fn end_of_message(
        _: &mut (),
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.add_header("X-Added", "first line\n\tsecond line")?;
        Ok(Verdict::Continue)
    }
    let milter = Milter::per_message(|| ()).actions(Actions::ADD_HEADERS).on_end_of_message(end_of_message);
    let scene = Scene::new(milter);
    scene.send("alice@sender.test").unwrap();
    let delivered = scene.delivered();
    assert_eq!(
        headers(&delivered),
        pairs(&[
            ("From", "Alice <alice@sender.test>"),
            ("X-Twice", "one"),
            ("Subject", "test"),
            ("x-twice", "two"),
            ("X-Added", "first line\r\n\tsecond line"),
        ])
    );
    assert_eq!(delivered.body(), b"Hello\r\n");
}

#[test]
fn rejects_senders_with_a_text() {
    async fn mail(_: &mut (), mail: Mail<'_>, _: &mut Context) -> Verdict {
        match mail.address().as_bytes() {
            b"one@spam.test" => SmtpReply::reject("100% sure, %s and %d").into(),
            b"two@spam.test" => {
                SmtpReply::lines(451, "4.7.0", ["50% sure", "100%"]).map_or(Verdict::Continue, Into::into)
            }
            _ => Verdict::Continue,
        }
    }
    let scene = Scene::new(Milter::per_message(|| ()).on_mail(mail));
    let refusal = scene.send("one@spam.test").unwrap_err();
    // Sendmail puts the sender in front of a text of one line, and of no other.
    assert_eq!(refusal.lines, ["550 5.7.1 <one@spam.test>... 100% sure, %s and %d"]);
    let refusal = scene.send("two@spam.test").unwrap_err();
    assert_eq!(refusal.lines, ["451-4.7.0 50% sure", "451 4.7.0 100%"]);
    scene.send("alice@sender.test").unwrap();
    assert_eq!(scene.delivered().sender, "alice@sender.test");
}

#[test]
fn replaces_the_body_and_deletes_headers() {
    async fn end_of_message(
        _: &mut (),
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        // More than one packet.
        cx.replace_body([b"new\r\n".repeat(20_000), b"end\r\n".to_vec()].concat())?;
        cx.delete_all_headers("X-Twice")?;
        Ok(Verdict::Continue)
    }
    let milter = Milter::per_message(|| ())
        .actions(Actions::CHANGE_BODY | Actions::CHANGE_HEADERS)
        .track_headers()
        .on_end_of_message(end_of_message);
    let scene = Scene::new(milter);
    scene.send("alice@sender.test").unwrap();
    let delivered = scene.delivered();
    assert_eq!(headers(&delivered), pairs(&[("From", "Alice <alice@sender.test>"), ("Subject", "test")]));
    assert_eq!(delivered.body().len(), 100_005);
    assert!(delivered.body().starts_with(b"new\r\nnew\r\n") && delivered.body().ends_with(b"new\r\nend\r\n"));
}

#[test]
fn quarantines() {
    async fn end_of_message(
        _: &mut (),
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.quarantine("looks fishy")?;
        Ok(Verdict::Continue)
    }
    let milter = Milter::per_message(|| ()).actions(Actions::QUARANTINE).on_end_of_message(end_of_message);
    let scene = Scene::new(milter);
    let answer = scene.send("alice@sender.test").unwrap();
    let held = scene.sendmail.held();
    assert_eq!(held.len(), 1);
    assert!(answer.text().contains(&held[0]), "{answer} does not name {}", held[0]);
    scene.sendmail.wait_for_log("quarantine=looks fishy, stat=quarantined", TIMEOUT);
    assert!(scene.sink.take().is_empty());
}

/// A filter that takes longer at the end of the message than Sendmail waits for a packet (`R`).
fn slow() -> impl Application {
    async fn end_of_message(_: &mut (), _: EndOfMessage, _: &mut Context) -> Verdict {
        tokio::time::sleep(SLOW).await;
        Verdict::Continue
    }
    Milter::per_message(|| ()).on_end_of_message(end_of_message)
}

const SLOW: Duration = Duration::from_millis(4500);

/// Each packet of progress has Sendmail wait anew for the next one.
#[test]
fn progress_keeps_a_slow_end_of_message_alive() {
    let scene = Scene::with_timeouts(slow(), "C:30s;S:30s;R:3s;E:20s");
    let start = Instant::now();
    scene.send("alice@sender.test").unwrap();
    assert!(start.elapsed() >= SLOW, "it took {:?}", start.elapsed());
    assert_eq!(scene.delivered().body(), b"Hello\r\n");
}

/// The time-out of the end of the message (`E`) is for the whole of it, progress or not.
#[test]
fn progress_does_not_prolong_the_end_of_message() {
    let scene = Scene::with_timeouts(slow(), "C:30s;S:30s;R:3s;E:2s");
    let refusal = scene.send("alice@sender.test").unwrap_err();
    assert_eq!(refusal.code, 451);
    scene.sendmail.wait_for_log("EOM ACK/NAK timeout", TIMEOUT);
    assert!(scene.sink.take().is_empty());
}
