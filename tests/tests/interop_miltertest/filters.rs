//! The filters that the scripts are written for.

use milter_tokio::{
    Abort, Actions, Application, BodyChunk, BodyVerdict, Connect, Context, EndOfMessage, Header, Helo, Mail,
    MessageVerdict, Milter, ModificationError, Rcpt, SmtpReply, Unknown, Verdict,
};

/// Wants little, and asks for what Postfix and Sendmail would rather leave out.
pub(crate) fn picky() -> impl Application {
    async fn mail(seen: &mut String, mail: Mail<'_>, _: &mut Context) {
        *seen = mail.sender().to_string();
    }
    async fn header(seen: &mut String, header: Header<'_>, _: &mut Context) {
        seen.push_str(&format!(" {}:{}", header.name(), header.value()));
    }
    async fn body(_: &mut String, _: BodyChunk<'_>, _: &mut Context) -> BodyVerdict {
        BodyVerdict::Skip
    }
    async fn end(seen: &mut String, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        cx.add_header("X-Seen", seen)?;
        cx.replace_body("new\r\n")?;
        Ok(Verdict::Continue)
    }
    Milter::per_message(String::new)
        .actions(Actions::ADD_HEADERS | Actions::CHANGE_BODY)
        .leading_space()
        .on_mail(mail)
        .on_header(header)
        .on_body(body)
        .on_end_of_message(end)
}

/// Makes every modification that miltertest knows, some of them before the end of the message.
pub(crate) fn modifying() -> impl Application {
    async fn mail(_: &mut (), mail: Mail<'_>, cx: &mut Context) -> Result<Verdict, ModificationError> {
        assert_eq!(mail.arguments().get("SIZE").map(|size| size.to_string()), Some("10".to_owned()));
        cx.add_header("X-Added", "added\r\n\tfolded")?;
        Ok(Verdict::Continue)
    }
    async fn rcpt(_: &mut (), rcpt: Rcpt<'_>, cx: &mut Context) -> Result<Verdict, ModificationError> {
        cx.delete_recipient(rcpt.recipient())?;
        Ok(Verdict::Continue)
    }
    async fn header(_: &mut (), header: Header<'_>, cx: &mut Context) -> Result<Verdict, ModificationError> {
        if header.is("Subject") {
            cx.change_header("Subject", 1, format!("[tagged] {}", header.value()))?;
        }
        Ok(Verdict::Continue)
    }
    async fn end(_: &mut (), _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        cx.insert_header(0, "X-Top", "top")?;
        cx.insert_header(2, "X-Third", "third")?;
        cx.delete_header("X-Old", 1)?;
        cx.add_recipient("carol@example.org")?;
        cx.replace_body("new body\r\n")?;
        cx.quarantine("looks odd")?;
        Ok(Verdict::Continue)
    }
    Milter::per_message(|| ())
        .actions(Actions::all_known().difference(Actions::REQUEST_MACROS))
        .on_mail(mail)
        .on_rcpt(rcpt)
        .on_header(header)
        .on_end_of_message(end)
}

/// Decides by the local part of addresses, and by the first label of host names.
pub(crate) fn deciding() -> impl Application {
    #[derive(Default)]
    struct Decision {
        word: Vec<u8>,
    }

    fn verdict(word: &[u8]) -> MessageVerdict {
        match word {
            b"reject" => MessageVerdict::Reject,
            b"reply" => SmtpReply::new(554, "5.7.1", "100% refused").unwrap().into(),
            b"later" => SmtpReply::temp_fail("come back").into(),
            b"accept" => MessageVerdict::Accept,
            b"discard" => MessageVerdict::Discard,
            _ => MessageVerdict::Continue,
        }
    }
    fn first(text: &[u8], end: u8) -> Vec<u8> {
        text.split(|octet| *octet == end).next().unwrap_or_default().to_vec()
    }
    async fn connect(_: &mut (), connect: Connect<'_>, _: &mut Context) -> Verdict {
        if connect.hostname().starts_with(b"reject.") { Verdict::Reject } else { Verdict::Continue }
    }
    async fn helo(_: &mut (), helo: Helo<'_>, _: &mut Context) -> Verdict {
        if helo.name().starts_with(b"later.") { Verdict::TempFail } else { Verdict::Continue }
    }
    async fn unknown(_: &mut (), unknown: Unknown<'_>, _: &mut Context) -> Verdict {
        SmtpReply::reject(format_args!("never heard of {}", unknown.line())).into()
    }
    async fn mail(decision: &mut Decision, mail: Mail<'_>, _: &mut Context) -> MessageVerdict {
        decision.word = first(&mail.address(), b'@');
        verdict(&decision.word)
    }
    async fn rcpt(_: &mut Decision, rcpt: Rcpt<'_>, _: &mut Context) -> MessageVerdict {
        verdict(&first(&rcpt.address(), b'@'))
    }
    async fn end(decision: &mut Decision, _: EndOfMessage, _: &mut Context) -> MessageVerdict {
        verdict(decision.word.strip_prefix(b"end-").unwrap_or_default())
    }
    Milter::per_connection(|| ())
        .on_connect(connect)
        .on_helo(helo)
        .on_unknown(unknown)
        .message(|_| Decision::default())
        .on_mail(mail)
        .on_rcpt(rcpt)
        .on_end_of_message(end)
}

/// What a connection knows.
#[derive(Default)]
struct Known {
    client: String,
    helo: String,
    messages: u32,
    aborted: u32,
    // of the message
    sender: String,
    recipients: u32,
    octets: usize,
}

impl Known {
    async fn connect(&mut self, connect: Connect<'_>, _: &mut Context) -> Verdict {
        self.client = connect.ip().map_or_else(String::new, |ip| ip.to_string());
        Verdict::Continue
    }

    async fn helo(&mut self, helo: Helo<'_>, _: &mut Context) -> Verdict {
        self.helo = helo.name().to_string();
        Verdict::Continue
    }

    async fn mail(&mut self, mail: Mail<'_>, cx: &mut Context) -> Verdict {
        (self.sender, self.recipients, self.octets) = (mail.sender().to_string(), 0, 0);
        self.messages += 1;
        assert_eq!(u64::from(self.messages), cx.message_number());
        Verdict::Continue
    }

    async fn rcpt(&mut self, _: Rcpt<'_>, _: &mut Context) -> Verdict {
        self.recipients += 1;
        Verdict::Continue
    }

    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        self.octets += chunk.len();
    }

    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        let Self { client, helo, messages, aborted, sender, recipients, octets } = self;
        let of = |name| cx.macros.get(name).map_or_else(|| "-".to_owned(), |value| value.to_string());
        let (mta, queue, user) = (of("j"), of("i"), of("{auth_authen}"));
        let known = format!(
            "{mta} {client} {helo} {queue} {user} {sender} {recipients} recipients {octets} octets \
             {aborted} aborted message {messages}"
        );
        cx.add_header("X-Known", known)?;
        Ok(Verdict::Continue)
    }

    async fn abort(&mut self, _: Abort, _: &mut Context) {
        self.aborted += 1;
    }
}

/// Adds a header with all that it knows.
pub(crate) fn knowing() -> impl Application {
    Milter::per_connection(Known::default)
        .actions(Actions::ADD_HEADERS)
        .on_connect(Known::connect)
        .on_helo(Known::helo)
        .on_mail(Known::mail)
        .on_rcpt(Known::rcpt)
        .on_body(Known::body)
        .on_end_of_message(Known::end)
        .on_abort(Known::abort)
}
