//! Hooks that fail: the client is told to come again, and nothing passes unseen.

use milter_tests::{Sink, SmtpClient, serve};
use milter_tokio::{
    Actions, Application, BodyChunk, BoxError, Connect, Context, Data, EndOfHeaders, EndOfMessage,
    FailureVerdict, Header, Mail, Milter, Rcpt, Verdict,
};

use super::{TIMEOUT, postfix};

const TEMP_FAIL: &str = "4.7.1 Service unavailable - try again later";
const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";
/// Those that answer and those that are silent.
const STAGES: [&str; 7] = ["mail", "rcpt", "data", "header", "end_of_headers", "body", "end_of_message"];

/// Fails as the sender says: `error@header`, `panic@body`.
#[derive(Default)]
struct Filter {
    wish: String,
}

impl Filter {
    fn at(&self, stage: &str) -> Result<(), BoxError> {
        match self.wish.split_once('@') {
            Some(("error", wanted)) if wanted == stage => Err("this hook was told to fail".into()),
            Some(("panic", wanted)) if wanted == stage => panic!("this hook was told to panic"),
            _ => Ok(()),
        }
    }

    async fn mail(&mut self, mail: Mail<'_>, cx: &mut Context) -> Result<Verdict, BoxError> {
        self.wish = mail.address().to_string();
        cx.add_header("X-Seen", mail.address())?;
        self.at("mail")?;
        Ok(Verdict::Continue)
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Result<Verdict, BoxError> {
        self.at("rcpt")?;
        Ok(Verdict::Continue)
    }

    async fn data(&mut self, _: Data, _: &mut Context) -> Result<(), BoxError> {
        self.at("data")
    }

    async fn header(&mut self, _: Header<'_>, _: &mut Context) -> Result<(), BoxError> {
        self.at("header")
    }

    async fn end_of_headers(&mut self, _: EndOfHeaders, _: &mut Context) -> Result<Verdict, BoxError> {
        self.at("end_of_headers")?;
        Ok(Verdict::Continue)
    }

    async fn body(&mut self, _: BodyChunk<'_>, _: &mut Context) -> Result<(), BoxError> {
        self.at("body")
    }

    async fn end_of_message(&mut self, _: EndOfMessage, _: &mut Context) -> Result<Verdict, BoxError> {
        self.at("end_of_message")?;
        Ok(Verdict::Continue)
    }
}

fn milter(failure: FailureVerdict) -> impl Application {
    Milter::per_message(Filter::default)
        .actions(Actions::ADD_HEADERS)
        .on_failure(failure)
        .on_mail(Filter::mail)
        .on_rcpt(Filter::rcpt)
        .on_data(Filter::data)
        .on_header(Filter::header)
        .on_end_of_headers(Filter::end_of_headers)
        .on_body(Filter::body)
        .on_end_of_message(Filter::end_of_message)
}

#[test]
fn errors_fail_the_message_and_no_other() {
    for (failure, code, text) in [
        (FailureVerdict::TempFail, 451, TEMP_FAIL),
        (FailureVerdict::Reject, 550, "5.7.1 Command rejected"),
        (FailureVerdict::Close, 451, TEMP_FAIL),
    ] {
        let filter = serve(milter(failure));
        let sink = Sink::start();
        let postfix = postfix(&filter, &sink);
        for stage in STAGES {
            let mut client = SmtpClient::connect(postfix.smtp_address());
            let refusal = client.send(&format!("error@{stage}"), &["bob@example.test"], MESSAGE).unwrap_err();
            assert_eq!((refusal.code, &*refusal.text()), (code, text), "{failure:?} {stage}");
            if failure == FailureVerdict::Close {
                client = SmtpClient::connect(postfix.smtp_address());
            }
            client.send(&format!("good@{stage}"), &["bob@example.test"], MESSAGE).unwrap();
        }
        assert_only_good_ones(&sink);
    }
}

#[test]
fn panics_fail_the_message_and_end_the_connection() {
    let filter = serve(milter(FailureVerdict::TempFail));
    let sink = Sink::start();
    let postfix = postfix(&filter, &sink);
    for stage in STAGES {
        let mut client = SmtpClient::connect(postfix.smtp_address());
        let refusal = client.send(&format!("panic@{stage}"), &["bob@example.test"], MESSAGE).unwrap_err();
        assert_eq!((refusal.code, &*refusal.text()), (451, TEMP_FAIL), "{stage}");
        let mut client = SmtpClient::connect(postfix.smtp_address());
        client.send(&format!("good@{stage}"), &["bob@example.test"], MESSAGE).unwrap();
    }
    assert_only_good_ones(&sink);
}

#[test]
fn failure_at_connect_fails_every_message_of_the_session() {
    let milter = Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Err::<(), _>("told to fail"));
    let filter = serve(milter);
    let sink = Sink::start();
    let postfix = postfix(&filter, &sink);
    let mut client = SmtpClient::connect(postfix.smtp_address());
    for _ in 0..2 {
        let refusal = client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap_err();
        assert_eq!((refusal.code, &*refusal.text()), (451, TEMP_FAIL));
    }
    assert!(sink.take().is_empty());
}

#[track_caller]
fn assert_only_good_ones(sink: &Sink) {
    let delivered = sink.wait_for(STAGES.len(), TIMEOUT);
    let mut senders: Vec<&str> = delivered.iter().map(|message| &*message.sender).collect();
    senders.sort_unstable();
    let mut expected = STAGES.map(|stage| format!("good@{stage}"));
    expected.sort_unstable();
    assert_eq!(senders, expected);
    for message in &delivered {
        assert_eq!(message.header_values("X-Seen"), [message.sender.as_bytes()]);
    }
}
