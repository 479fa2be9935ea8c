//! Hooks that fail: the client is told to come again, and nothing passes unseen.

use milter_tests::{Sink, SmtpClient, Software};
use milter_tokio::{
    Actions, Application, BodyChunk, BoxError, Connect, Context, Data, EndOfHeaders, EndOfMessage,
    FailureVerdict, Header, Mail, Milter, Rcpt, Verdict,
};

use super::{Scene, TIMEOUT};

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

fn temp_fail(software: Software) -> &'static str {
    match software {
        Software::Postfix => "451 4.7.1 Service unavailable - try again later",
        Software::Sendmail => "451 4.3.2 Please try again later",
    }
}

/// What the client reads of a rejection because of a hook for this stage.
fn rejected(software: Software, stage: &str) -> String {
    match (software, stage) {
        (Software::Postfix, _) => "550 5.7.1 Command rejected".to_owned(),
        // The address is in front of it.
        (Software::Sendmail, "mail") => format!("550 5.7.1 <error@{stage}>... Command rejected"),
        (Software::Sendmail, "rcpt") => "550 5.7.1 <bob@example.test>... Command rejected".to_owned(),
        // The content is refused by a code of its own; the hook for DATA, which does not answer, fails as late as that.
        (Software::Sendmail, _) => "554 5.7.1 Command rejected".to_owned(),
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

pub(crate) fn errors_fail_the_message_and_no_other(software: Software) {
    for failure in [FailureVerdict::TempFail, FailureVerdict::Reject, FailureVerdict::Close] {
        let scene = Scene::new(software, milter(failure));
        for stage in STAGES {
            let mut client = SmtpClient::connect(scene.server.smtp_address());
            let refusal = client.send(&format!("error@{stage}"), &["bob@example.test"], MESSAGE).unwrap_err();
            let expected = match failure {
                FailureVerdict::Reject => rejected(software, stage),
                _ => temp_fail(software).to_owned(),
            };
            assert_eq!(refusal.to_string(), expected, "{failure:?} {stage}");
            if failure == FailureVerdict::Close {
                client = SmtpClient::connect(scene.server.smtp_address());
            }
            client.send(&format!("good@{stage}"), &["bob@example.test"], MESSAGE).unwrap();
        }
        assert_only_good_ones(&scene.sink);
    }
}

pub(crate) fn panics_fail_the_message_and_end_the_connection(software: Software) {
    let scene = Scene::new(software, milter(FailureVerdict::TempFail));
    for stage in STAGES {
        let mut client = SmtpClient::connect(scene.server.smtp_address());
        let refusal = client.send(&format!("panic@{stage}"), &["bob@example.test"], MESSAGE).unwrap_err();
        assert_eq!(refusal.to_string(), temp_fail(software), "{stage}");
        let mut client = SmtpClient::connect(scene.server.smtp_address());
        client.send(&format!("good@{stage}"), &["bob@example.test"], MESSAGE).unwrap();
    }
    assert_only_good_ones(&scene.sink);
}

pub(crate) fn failure_at_connect_fails_every_message_of_the_session(software: Software) {
    let milter = Milter::per_connection(|| ())
        .on_connect(async |_: &mut (), _: Connect<'_>, _: &mut Context| Err::<(), _>("told to fail"));
    let scene = Scene::new(software, milter);
    let mut client = SmtpClient::connect(scene.server.smtp_address());
    for _ in 0..2 {
        let refusal = client.send("alice@sender.test", &["bob@example.test"], MESSAGE).unwrap_err();
        assert_eq!(refusal.to_string(), temp_fail(software));
    }
    assert!(scene.sink.take().is_empty());
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
