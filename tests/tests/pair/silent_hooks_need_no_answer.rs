use milter_proto::{
    BodyChunk, BodyVerdict, Context, EndOfMessage, Header, Mail, Milter, Options, Protocol, Verdict,
};
use milter_tests::Pair;

fn counts_octets() -> impl milter_proto::Application {
    Milter::per_message(|| 0_usize)
        .on_mail(async |_: &mut usize, _: Mail<'_>, _: &mut Context| {})
        .on_header(async |_: &mut usize, _: Header<'_>, _: &mut Context| {})
        .on_body(async |octets: &mut usize, chunk: BodyChunk<'_>, _: &mut Context| *octets += chunk.len())
        .on_end_of_message(
            async |octets: &mut usize, _: EndOfMessage, _: &mut Context| {
                if *octets > 3 { Verdict::Reject } else { Verdict::Continue }
            },
        )
}

#[test]
fn nothing_is_waited_for_before_the_end_of_the_message() {
    let mut pair = Pair::new(counts_octets());
    assert_eq!(pair.message(&[("A", "1"), ("B", "2")], "four"), Some(BodyVerdict::Reject));
    assert_eq!(pair.message(&[], "two"), Some(BodyVerdict::Continue));
    pair.quit();
    assert_eq!((pair.commands(), pair.responses()), ("OMLLBEMBEQ".into(), "Orc".into()));
}

#[test]
fn an_mta_that_must_have_answers_gets_them() {
    let cannot = Protocol::NO_REPLY_BODY | Protocol::NO_REPLY_HEADER | Protocol::NO_MAIL;
    let offer = Options { protocol: Protocol::all_known().difference(cannot), ..Options::CURRENT };
    let mut pair = Pair::new(counts_octets()).offer(offer);
    assert_eq!(pair.message(&[("A", "1"), ("B", "2")], "four"), Some(BodyVerdict::Reject));
    assert_eq!((pair.commands(), pair.responses()), ("OMLLBE".into(), "Occcr".into()));
}
