use crate::watcher::Seen;
use milter_proto::{
    Actions, BodyVerdict, Context, EndOfMessage, Error, Mail, Milter, NegotiationError, Verdict,
};
use milter_tests::{Pair, PairError, offer};

/// One real MTA offers all actions but lists of macros, and can leave out HELO and the end of headers only.
const STINGY: milter_proto::Options = offer(6, 0xff, 0x42);

#[test]
fn what_it_cannot_leave_out_is_swallowed() {
    let milter = Milter::per_message(|| ())
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| {})
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Reject);
    let mut pair = Pair::new(milter).offer(STINGY);
    pair.connect("client.example", "192.0.2.1");
    pair.helo("client.example");
    assert_eq!(pair.message(&[("Subject", "hi")], "hi\r\n"), Some(BodyVerdict::Reject));
    pair.quit();
    // HELO and the end of headers are left out; everything else needs its answer.
    assert_eq!((pair.commands(), pair.responses()), ("OCMRTLBEQ".into(), "Occccccr".into()));
}

#[test]
fn a_filter_sees_the_same_as_at_any_other() {
    let [stingy, generous] = [STINGY, milter_proto::Options::CURRENT].map(|offer| {
        let seen = Seen::default();
        let mut pair = Pair::new(seen.watcher()).offer(offer);
        pair.message(&[("Subject", "hi")], "hi\r\n");
        pair.quit();
        seen.take()
    });
    assert_eq!(stingy, generous);
}

#[test]
fn an_action_that_it_does_not_have_is_missed_before_the_first_message() {
    let milter = Milter::per_message(|| ()).actions(Actions::QUARANTINE | Actions::ADD_HEADERS);
    let mut pair = Pair::new(milter).offer(offer(6, 0x1, 0x42));
    assert!(matches!(pair.negotiate(), Err(PairError::Mta(Error::Response(_)))));
    assert!(matches!(
        pair.filter_error(),
        Some(Error::Negotiation(NegotiationError::Actions { missing: Actions::QUARANTINE, .. }))
    ));
}
