use milter_proto::{
    Abort, BodyVerdict, Context, EndOfMessage, Header, Mail, MessageVerdict, Milter, Verdict,
};
use milter_tests::Pair;

#[test]
fn the_filter_sees_no_more_of_it() {
    let milter = Milter::per_message(|| ())
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue)
        .on_header(
            async |_: &mut (), header: Header<'_>, _: &mut Context| {
                if header.is("X-Virus") { MessageVerdict::Discard } else { MessageVerdict::Continue }
            },
        )
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Continue)
        .on_abort(async |_: &mut (), _: Abort, _: &mut Context| -> () { panic!("the message was decided") });
    let mut pair = Pair::new(milter);
    pair.mail("<a@b>");
    assert_eq!(pair.header("Subject", "hi"), Some(BodyVerdict::Continue));
    assert_eq!(pair.header("X-Virus", "yes"), Some(BodyVerdict::Discard));
    assert_eq!(pair.header("To", "you"), None);
    assert_eq!(pair.end_of_message(), None);
    // The next one is another matter.
    assert_eq!(pair.message(&[("Subject", "hi")], ""), Some(BodyVerdict::Continue));
    pair.quit();
    assert_eq!((pair.commands(), pair.responses()), ("OMLLMLEQ".into(), "Occdccc".into()));
}
