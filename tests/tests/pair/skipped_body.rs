use milter_proto::{BodyChunk, BodyVerdict, Context, Milter, Options, Protocol};
use milter_tests::Pair;

fn wants_one_chunk() -> impl milter_proto::Application {
    Milter::per_message(|| 0_u32).on_body(async |chunks: &mut u32, _: BodyChunk<'_>, _: &mut Context| {
        *chunks += 1;
        assert_eq!(*chunks, 1, "the rest was skipped");
        BodyVerdict::Skip
    })
}

#[test]
fn the_rest_is_not_sent() {
    let mut pair = Pair::new(wants_one_chunk());
    for _ in 0..2 {
        pair.mail("<a@b>");
        assert_eq!(pair.body("x".repeat(200_000)), Some(BodyVerdict::Skip));
        assert_eq!(pair.end_of_message(), Some(BodyVerdict::Continue));
    }
    assert_eq!((pair.commands(), pair.responses()), ("OBEBE".into(), "Oscsc".into()));
}

#[test]
fn an_mta_that_cannot_skip_sends_it_and_the_hook_is_not_called() {
    let protocol = Protocol::all_known().difference(Protocol::SKIP);
    let mut pair = Pair::new(wants_one_chunk()).offer(Options { protocol, ..Options::CURRENT });
    pair.mail("<a@b>");
    assert_eq!(pair.body("x".repeat(200_000)), Some(BodyVerdict::Continue));
    assert_eq!(pair.end_of_message(), Some(BodyVerdict::Continue));
    assert_eq!((pair.commands(), pair.responses()), ("OBBBBE".into(), "Occccc".into()));
}
