use crate::watcher::Seen;
use milter_proto::{
    CommandKind, Context, FailureVerdict, Mail, Milter, ResponseViolation, SendError, Verdict,
};
use milter_tests::{Pair, PairError, sample};

#[test]
fn between_two_commands() {
    let mut pair = Pair::new(Seen::default().watcher());
    pair.mail("<a@b>");
    let gone = PairError::Mta(ResponseViolation::Gone { waiting: None }.into());
    assert_eq!(pair.filter_goes(), Err(gone));
    let next = pair.send(&sample(CommandKind::Rcpt));
    assert_eq!(next, Err(PairError::Send(SendError::Closed)), "the caller applies its default action");
}

#[test]
fn instead_of_an_answer() {
    let milter = Milter::per_message(|| ()).on_failure(FailureVerdict::Close).on_mail(
        async |_: &mut (), _: Mail<'_>, _: &mut Context| -> Result<Verdict, std::io::Error> {
            Err(std::io::Error::other("the database is away"))
        },
    );
    let mut pair = Pair::new(milter);
    let gone = ResponseViolation::Gone { waiting: Some(CommandKind::Mail) };
    assert_eq!(pair.send(&sample(CommandKind::Mail)), Err(PairError::Mta(gone.into())));
}

#[test]
fn before_anything_was_negotiated() {
    let mut pair = Pair::new(Seen::default().watcher()).offer(milter_tests::offer(1, 0xf, 0x3f));
    let gone = ResponseViolation::Gone { waiting: Some(CommandKind::Negotiate) };
    assert_eq!(pair.negotiate(), Err(PairError::Mta(gone.into())));
    assert!(pair.filter_error().is_some());
}
