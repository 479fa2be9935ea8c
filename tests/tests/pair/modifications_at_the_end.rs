use milter_proto::{
    Actions, BodyVerdict, CommandKind, Context, EndOfMessage, Mail, Milter, ModificationError, Verdict,
};
use milter_tests::{Pair, Told};

fn changes_everything(verdict: Verdict) -> impl milter_proto::Application {
    Milter::per_message(move || verdict.clone())
        .actions(Actions::all_known().difference(Actions::REQUEST_MACROS))
        .on_mail(async |_: &mut Verdict, _: Mail<'_>, cx: &mut Context| -> Result<(), ModificationError> {
            cx.quarantine("looks odd")?;
            cx.add_header("X-Early", "yes")
        })
        .on_end_of_message(
            async |verdict: &mut Verdict,
                   _: EndOfMessage,
                   cx: &mut Context|
                   -> Result<Verdict, ModificationError> {
                cx.replace_body("new\r\n".repeat(14_000))?;
                cx.insert_header(0, "X-First", "1")?;
                cx.delete_header("X-Old", 1)?;
                cx.delete_header("X-Old", 2)?;
                cx.change_sender("new@b", "RET=HDRS")?;
                cx.add_recipient("more@d")?;
                cx.add_recipient_with_arguments("even@d", "NOTIFY=NEVER")?;
                cx.delete_recipient("less@d")?;
                Ok(verdict.clone())
            },
        )
}

#[test]
fn in_one_order_whatever_the_order_of_the_calls() {
    for verdict in [Verdict::Continue, Verdict::Accept] {
        let mut pair = Pair::new(changes_everything(verdict.clone()));
        assert_eq!(pair.message(&[("X-Old", "1"), ("X-Old", "2")], "old\r\n"), Some(verdict.into()));
        let changes = pair.modifications();
        let expected = [
            "h X-Early: yes",
            "i0 X-First: 1",
            "m2 X-Old: ",
            "m1 X-Old: ",
            "e <new@b> RET=HDRS",
            "+ <more@d>",
            "2 <even@d> NOTIFY=NEVER",
            "- <less@d>",
            "q looks odd",
        ];
        assert_eq!(changes[..9], expected);
        let body: usize = changes[9..].iter().map(|chunk| chunk.len() - "b ".len()).sum();
        assert!(changes[9..].len() == 2 && changes[9..].iter().all(|chunk| chunk.starts_with("b new")));
        assert_eq!(body, "new\\r\\n".len() * 14_000);
    }
}

#[test]
fn a_message_that_is_not_accepted_is_not_changed() {
    let mut pair = Pair::new(changes_everything(Verdict::TempFail));
    assert_eq!(pair.message(&[], ""), Some(BodyVerdict::TempFail));
    assert_eq!(pair.modifications(), [""; 0]);
}

#[test]
fn none_comes_before_the_end() {
    let mut pair = Pair::new(changes_everything(Verdict::Continue));
    pair.mail("<a@b>");
    assert_eq!(pair.modifications(), [""; 0]);
    pair.end_of_message();
    assert!(matches!(pair.heard().last(), Some(Told::Decided(CommandKind::EndOfMessage, ..))));
}
