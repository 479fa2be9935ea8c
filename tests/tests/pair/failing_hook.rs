use milter_proto::{BodyVerdict, Context, FailureVerdict, Header, Mail, Milter, Verdict};
use milter_tests::Pair;

type Failing = Result<Verdict, std::io::Error>;

#[test]
fn its_message_fails_and_the_connection_goes_on() {
    for (failure, verdict) in
        [(FailureVerdict::TempFail, BodyVerdict::TempFail), (FailureVerdict::Reject, BodyVerdict::Reject)]
    {
        let milter = Milter::per_message(|| ()).on_failure(failure).on_mail(
            async |_: &mut (), mail: Mail<'_>, _: &mut Context| -> Failing {
                if mail.address() == "bad@b" {
                    Err(std::io::Error::other("away"))
                } else {
                    Ok(Verdict::Continue)
                }
            },
        );
        let mut pair = Pair::new(milter);
        assert_eq!(pair.mail("<bad@b>"), Some(verdict));
        assert_eq!(pair.rcpt("<c@d>"), None);
        assert_eq!(pair.mail("<good@b>"), Some(BodyVerdict::Continue));
    }
}

#[test]
fn where_nothing_is_answered_the_end_of_the_message_fails() {
    let milter = Milter::per_message(|| ()).on_header(
        async |_: &mut (), _: Header<'_>, _: &mut Context| -> Result<(), std::io::Error> {
            Err(std::io::Error::other("away"))
        },
    );
    let mut pair = Pair::new(milter);
    assert_eq!(pair.message(&[("A", "1"), ("B", "2")], ""), Some(BodyVerdict::TempFail));
    assert_eq!(pair.message(&[], ""), Some(BodyVerdict::Continue));
}
