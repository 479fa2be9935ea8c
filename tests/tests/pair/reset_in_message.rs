use crate::watcher::Seen;
use milter_proto::{Actions, CommandKind};
use milter_proto::{BodyVerdict, Connect, Context, EndOfMessage, Mail, Milter, ModificationError, Verdict};
use milter_tests::Pair;

#[test]
fn the_message_is_over_and_the_client_is_still_known() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.connect("client.example", "192.0.2.1");
    pair.mail("<a@b>");
    pair.rcpt("<c@d>");
    pair.abort();
    pair.abort();
    assert_eq!(pair.message(&[], ""), Some(BodyVerdict::Continue));
    let saw = seen.take();
    assert!(saw.starts_with("connect=client.example mail=a@b rcpt=c@d abort mail=sender"), "{saw}");
    assert_eq!(pair.commands(), "OCMRAAMRTNE");
}

#[test]
fn what_was_to_be_changed_in_it_is_forgotten() {
    let milter = Milter::per_connection(|| ())
        .actions(Actions::ADD_HEADERS)
        .on_connect(async |_: &mut (), _: Connect<'_>, cx: &mut Context| -> Result<(), ModificationError> {
            cx.add_header("X-Every", "message")
        })
        .on_mail(async |_: &mut (), mail: Mail<'_>, cx: &mut Context| -> Result<(), ModificationError> {
            cx.add_header("X-Sender", mail.address())
        })
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, cx: &mut Context| {
            assert_eq!(cx.macros.get("j").unwrap(), "mta.example", "macros of the client stay");
            assert!(cx.macros.get("i").is_none(), "macros of the message go");
            Verdict::Continue
        });
    let mut pair = Pair::new(milter);
    pair.macros(CommandKind::Connect, &[("j", "mta.example")]);
    pair.connect("client.example", "192.0.2.1");
    pair.macros(CommandKind::Mail, &[("i", "Q1")]);
    pair.mail("<one@b>");
    pair.abort();
    pair.mail("<two@b>");
    pair.end_of_message();
    assert_eq!(pair.modifications(), ["h X-Every: message", "h X-Sender: two@b"]);
}
