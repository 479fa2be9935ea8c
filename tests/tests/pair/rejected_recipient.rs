use milter_proto::{Application, BodyVerdict, Context, Milter, Rcpt, Scope, SmtpReply, Verdict};
use milter_tests::{Pair, Told};

fn refuses_bad_ones() -> impl Application {
    Milter::per_message(|| 0_u32).on_rcpt(async |good: &mut u32, rcpt: Rcpt<'_>, _: &mut Context| {
        if rcpt.address().starts_with(b"bad") {
            return SmtpReply::reject("no such user").into();
        }
        *good += 1;
        Verdict::Continue
    })
}

#[test]
fn the_others_and_the_message_go_on() {
    let mut pair = Pair::new(refuses_bad_ones());
    pair.mail("<a@b>");
    assert_eq!(pair.rcpt("<good@d>"), Some(BodyVerdict::Continue));
    let refused = BodyVerdict::Reply(SmtpReply::reject("no such user"));
    assert_eq!(pair.rcpt("<bad@d>"), Some(refused));
    assert!(matches!(pair.heard().last(), Some(Told::Decided(.., Scope::Recipient))));
    assert_eq!(pair.rcpt("<good2@d>"), Some(BodyVerdict::Continue));
    assert_eq!(pair.end_of_message(), Some(BodyVerdict::Continue));
    pair.quit();
    assert_eq!((pair.commands(), pair.responses()), ("ORRREQ".into(), "Ocycc".into()));
}

#[test]
fn one_that_the_mta_rejected_comes_where_it_was_asked_for() {
    let milter = Milter::per_message(|| ()).rejected_recipients().on_rcpt(
        async |_: &mut (), _: Rcpt<'_>, cx: &mut Context| {
            let rejected = cx.macros.get("{rcpt_mailer}").is_some_and(|mailer| mailer == "error");
            assert_eq!(rejected, cx.macros.get("{rcpt_host}").is_some_and(|code| code == "5.1.1"));
            if rejected { Verdict::Reject } else { Verdict::Continue }
        },
    );
    let mut pair = Pair::new(milter);
    pair.mail("<a@b>");
    assert_eq!(pair.rejected_rcpt("<bad@d>", "5.1.1", "User unknown"), Some(BodyVerdict::Reject));
    assert!(matches!(pair.heard().last(), Some(Told::Decided(.., Scope::Command))));
    assert_eq!(pair.rcpt("<good@d>"), Some(BodyVerdict::Continue));
    assert_eq!(pair.commands(), "ODRR");
}

#[test]
fn one_that_the_mta_rejected_does_not_come_otherwise() {
    let mut pair = Pair::new(refuses_bad_ones());
    pair.mail("<a@b>");
    assert_eq!(pair.rejected_rcpt("<bad@d>", "5.1.1", "User unknown"), None);
    assert_eq!(pair.commands(), "O");
}
