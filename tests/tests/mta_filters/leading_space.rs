//! White space after the colon of a header, which signing filters must see and write.

use milter_tests::{SmtpClient, Software};
use milter_tokio::{Actions, Application, Context, EndOfMessage, Header, Milter, ModificationError, Verdict};

use super::{Scene, TIMEOUT};

const HEADERS: [(&str, &str); 5] = [
    ("X-One", " one"),
    ("X-Two", "  two"),
    ("X-None", "none"),
    ("X-Tab", "\ttab"),
    ("X-Folded", "\n  folded\n\ttwice"),
];

#[derive(Default)]
struct Filter {
    headers: Vec<(String, Vec<u8>)>,
}

impl Filter {
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        if header.name().starts_with(b"X-") {
            self.headers.push((header.name().to_string(), header.value().to_vec()));
        }
    }

    /// Changes each header to the value that it has, repeats each, and adds one in the plain way.
    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        for (name, value) in &self.headers {
            cx.change_header_raw(name, 1, value)?;
            cx.add_header_raw(format!("Again-{name}"), value)?;
        }
        cx.add_header("X-Plain", "plain")?;
        cx.add_header("X-Seen", format!("{:?}", self.headers))?;
        Ok(Verdict::Continue)
    }
}

fn milter() -> impl Application {
    Milter::per_message(Filter::default)
        .actions(Actions::ADD_HEADERS | Actions::CHANGE_HEADERS)
        .leading_space()
        .on_header(Filter::header)
        .on_end_of_message(Filter::end_of_message)
}

pub(crate) fn white_space_after_the_colon_is_kept(software: Software) {
    let scene = Scene::new(software, milter());
    let mut message = String::from("From: alice@sender.test\r\n");
    for (name, value) in HEADERS {
        message += &format!("{name}:{}\r\n", value.replace('\n', "\r\n"));
    }
    message += "\r\nHello\r\n";
    SmtpClient::connect(scene.server.smtp_address())
        .send("alice@sender.test", &["bob@example.test"], message.as_bytes())
        .unwrap();

    let delivered = scene.sink.wait_for(1, TIMEOUT).remove(0);
    let text = String::from_utf8(delivered.bytes.clone()).unwrap();
    let seen: Vec<(String, Vec<u8>)> =
        HEADERS.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
    assert_eq!(delivered.header_values("X-Seen"), [format!("{seen:?}").into_bytes()]);
    for (name, value) in HEADERS {
        let value = value.replace('\n', "\r\n");
        for line in [format!("\r\n{name}:{value}\r\n"), format!("\r\nAgain-{name}:{value}\r\n")] {
            assert_eq!(text.matches(&line).count(), 1, "{line:?} in {text}");
        }
    }
    assert!(text.contains("\r\nX-Plain: plain\r\n"), "{text}");
    assert_eq!(
        delivered.headers().iter().filter(|(name, _)| name.contains("X-")).count(),
        2 * HEADERS.len() + 2
    );
}
