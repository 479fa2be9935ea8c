//! Changes a header by occurrence, deletes every instance of another, adds recipients, quarantines.
use milter_proto::*;

#[derive(Default)]
struct Tag {
    subjects: Vec<String>,
}
impl Tag {
    async fn mail(&mut self, _: Mail<'_>, cx: &mut Context) -> Result<(), ModificationError> {
        cx.add_recipient("<archive@example.org>") // recorded early, sent at the end of the message
    }
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        if header.is("Subject") {
            self.subjects.push(header.value().to_string());
        }
    }
    async fn end_of_message(
        &mut self,
        _: EndOfMessage,
        cx: &mut Context,
    ) -> Result<Verdict, ModificationError> {
        cx.delete_all_headers("X-Spam-Flag")?;
        for (subject, occurrence) in self.subjects.iter().zip(1..) {
            cx.change_header("Subject", occurrence, format!("[ext] {subject}"))?;
        }
        if self.subjects.len() != 1 {
            cx.quarantine("not one Subject")?;
        }
        Ok(Verdict::Continue)
    }
}
pub(super) fn milter(actions: Actions) -> impl Application {
    Milter::per_message(Tag::default)
        .actions(actions)
        .track_headers()
        .on_mail(Tag::mail)
        .on_header(Tag::header)
        .on_end_of_message(Tag::end_of_message)
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, detached, now};

    const NEEDED: Actions = Actions::CHANGE_HEADERS.union(Actions::ADD_RECIPIENTS).union(Actions::QUARANTINE);

    fn message(script: Script, headers: &[(&str, &str)]) -> Script {
        let script =
            headers.iter().fold(script.mail("<a>"), |script, (name, value)| script.header(name, value));
        script.end_of_headers().end_of_message()
    }

    #[test]
    fn tags() {
        let flagged = &[("Subject", "x"), ("X-Spam-Flag", "NO"), ("Subject", "y"), ("x-spam-flag", "NO")];
        let script = message(Script::new(), flagged).mail("<a>").header("Subject", "z").abort();
        let outcome = now(message(script, &[("SUBJECT", "z")]).play(milter(NEEDED)));
        let first = "m2 X-Spam-Flag: , m1 X-Spam-Flag: , m2 Subject: [ext] y, m1 Subject: [ext] x";
        let archive = "+ <archive@example.org>";
        assert_eq!(
            outcome.to_string(),
            format!("O, {first}, {archive}, q not one Subject, c, m1 Subject: [ext] z, {archive}, c")
        );
    }

    /// The action was not declared: the silent hook's error is kept until a stage that is answered.
    #[test]
    fn an_action_that_was_not_declared_fails_the_message() {
        let script = || message(message(Script::new(), &[("Subject", "x")]), &[]);
        assert_eq!(now(script().play(milter(Actions::CHANGE_HEADERS))).to_string(), "O, t, t");
    }

    #[test]
    fn a_hook_on_its_own() {
        let (mut tag, mut cx) = (Tag::default(), detached());
        let subject = Header::new("Subject".try_into().unwrap(), "hello".try_into().unwrap()).unwrap();
        now(tag.header(subject, &mut cx));
        assert_eq!(now(tag.end_of_message(EndOfMessage, &mut cx)), Err(ModificationError::NotTracked));
        assert!(cx.is_empty());
    }
}
