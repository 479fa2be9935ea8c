use crate::watcher::Seen;
use milter_proto::BodyVerdict;
use milter_tests::Pair;

#[test]
fn make_no_difference() {
    let mut whole = None;
    for seed in 0..100 {
        let seen = Seen::default();
        let mut pair = Pair::new(seen.watcher()).progress(2);
        if seed > 0 {
            pair = pair.split(seed);
        }
        pair.connect("client.example", "192.0.2.1");
        assert_eq!(pair.message(&[("A", "1"), ("B", "2")], &"x".repeat(1000)), Some(BodyVerdict::Continue));
        pair.mail_with("<a@b>", &["SIZE=10", "BODY=8BITMIME"]);
        pair.quit();
        let story = (seen.take(), pair.to_filter().to_vec(), pair.to_mta().to_vec());
        assert_eq!(*whole.get_or_insert_with(|| story.clone()), story, "seed {seed}");
    }
}
