use milter_proto::{BodyVerdict, Context, EndOfMessage, Milter, Verdict};
use milter_tests::{Pair, Told};

#[test]
fn the_mta_waits_on_and_the_verdict_counts() {
    let milter = Milter::per_message(|| ())
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Reject);
    let mut pair = Pair::new(milter).progress(3);
    for _ in 0..2 {
        assert_eq!(pair.message(&[], ""), Some(BodyVerdict::Reject));
    }
    assert_eq!(pair.responses(), "Opppr".to_owned() + "pppr");
    assert_eq!(pair.heard().iter().filter(|told| **told == Told::Progress).count(), 6);
}

#[test]
#[should_panic(expected = "waits for something")]
fn a_hook_that_never_ends_fails_the_test() {
    let milter = Milter::per_message(|| ()).on_end_of_message(
        async |_: &mut (), _: EndOfMessage, _: &mut Context| -> Verdict { std::future::pending().await },
    );
    Pair::new(milter).message(&[], "");
}
