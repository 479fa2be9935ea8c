use crate::watcher::Seen;
use milter_proto::{BodyVerdict, Error, NegotiationError, Version};
use milter_tests::{Pair, PairError, offer};

/// What Postfix offers for `milter_protocol = 2, 3, 4`.
const STEPS: [(u32, u32); 3] = [(2, 0x7f), (3, 0x17f), (4, 0x37f)];

fn story(version: u32, steps: u32) -> (String, String) {
    let seen = Seen::default();
    let watcher = seen.watcher_without_data();
    let mut pair = Pair::new(watcher).offer(offer(version, 0x1ff, steps));
    pair.connect("client.example", "192.0.2.1");
    pair.unknown("FOO");
    assert_eq!(pair.message(&[("Subject", "hi")], "hi\r\n"), Some(BodyVerdict::Continue));
    pair.quit();
    (pair.commands(), seen.take())
}

#[test]
fn version_2_has_neither_unknown_commands_nor_data() {
    let (version, steps) = STEPS[0];
    let (commands, seen) = story(version, steps);
    assert_eq!(commands, "OCMRLNBEQ");
    assert!(!seen.contains("unknown"));
}

#[test]
fn version_3_has_no_data() {
    let (version, steps) = STEPS[1];
    let (commands, seen) = story(version, steps);
    assert_eq!(commands, "OCUMRLNBEQ");
    assert!(seen.contains("unknown=FOO"));
}

#[test]
fn version_4_has_both() {
    let (version, steps) = STEPS[2];
    assert_eq!(story(version, steps).0, "OCUMRLNBEQ", "this filter does not want DATA");
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher()).offer(offer(version, 0x1ff, steps));
    pair.message(&[], "");
    assert_eq!(pair.commands(), "OMRTNE");
}

#[test]
fn a_filter_that_needs_data_does_not_fit_an_older_mta() {
    for (version, steps) in &STEPS[..2] {
        let mut pair = Pair::new(Seen::default().watcher()).offer(offer(*version, 0x1ff, *steps));
        assert!(matches!(pair.negotiate(), Err(PairError::Mta(Error::Response(_)))), "the filter closes");
        let error = NegotiationError::Data { version: Version(*version) };
        assert_eq!(pair.filter_error(), Some(error.into()));
    }
}
