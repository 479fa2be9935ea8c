//! The From header must match the envelope; the reject text quotes the mail.
use milter_proto::*;

#[derive(Default)]
struct Alignment {
    sender: String,
    from: Option<String>,
    froms: u32,
}
fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain).trim_end_matches(['>', ' '])
}
impl Alignment {
    async fn mail(&mut self, mail: Mail<'_>, _: &mut Context) {
        self.sender = mail.sender().to_string();
    }
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        if header.is("From") {
            self.froms += 1;
            self.from = Some(header.value().to_string());
        }
    }
    /// A verdict from the mail's own text: `reject` takes any. `SmtpReply::new(550, …, &text)?` would be wrong here: a
    /// sender with a newline in From would turn the rejection into a temporary failure.
    async fn end_of_headers(&mut self, _: EndOfHeaders, _: &mut Context) -> Verdict {
        let from = self.from.as_deref().unwrap_or_default();
        match self.froms {
            1 if domain(from).eq_ignore_ascii_case(domain(&self.sender)) => Verdict::Continue,
            1 => SmtpReply::reject(format_args!("From {from} is not aligned with {}", self.sender)).into(),
            n => SmtpReply::reject(format_args!("{n} From headers, one is required")).into(),
        }
    }
}
pub(super) fn milter() -> impl Application {
    Milter::per_message(Alignment::default)
        .on_mail(Alignment::mail)
        .on_header(Alignment::header)
        .on_end_of_headers(Alignment::end_of_headers)
}

mod tests {
    use super::*;
    use milter_proto::testing::{Script, now};

    fn message(script: Script, froms: &[&str]) -> Script {
        let script = script.mail("<a@good.example>").rcpt("<b@c>").header("Subject", "hi");
        froms
            .iter()
            .fold(script, |script, from| script.header("from", from))
            .end_of_headers()
            .end_of_message()
    }

    #[test]
    fn quotes_safely() {
        let outcome = now(message(Script::new(), &["\"100% Bé\n .\" <x@evil.example>"]).play(milter()));
        let reply = "550 5.7.1 From \"100% B?? .\" <x@evil.example> is not aligned with <a@good.example>";
        assert_eq!(outcome.to_string(), format!("O, y {reply}"));
        assert!(outcome.bytes().windows(6).any(|window| window == b"\"100%%"), "doubled on the wire");
    }

    #[test]
    fn each_message_is_judged_on_its_own() {
        let script = message(Script::new().connect("192.0.2.1").helo("x"), &[]);
        let script =
            message(script, &["<a@GOOD.example> "]).mail("<a@good.example>").header("From", "x").abort();
        let outcome =
            now(message(message(script, &["a@good.example"]), &["a@good.example", "b"]).play(milter()));
        let required = |n| format!("y 550 5.7.1 {n} From headers, one is required");
        assert_eq!(outcome.to_string(), format!("O, {}, c, c, c, c, {}", required(0), required(2)));
    }
}
