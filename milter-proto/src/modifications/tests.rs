//! What may be recorded, and how.

use super::*;
use crate::negotiation::{Options, Wish};
use alloc::format;
use alloc::string::String;
use alloc::vec;

/// With exactly these actions and abilities.
fn agreed(actions: Actions, abilities: Protocol) -> Modifications {
    let mut wish = Wish::new();
    wish.require(actions).request(abilities);
    let mut modifications = Modifications::default();
    modifications.negotiated(wish.agree(Options::CURRENT).unwrap());
    modifications
}

/// Records by any means.
type Record = fn(&mut Modifications) -> Recorded;

const EACH: [(Actions, Record); 12] = [
    (Actions::ADD_HEADERS, |m| m.add_header("X", "y")),
    (Actions::ADD_HEADERS, |m| m.add_header_raw("X", "y")),
    (Actions::ADD_HEADERS, |m| m.insert_header(0, "X", "y")),
    (Actions::CHANGE_HEADERS, |m| m.change_header("X", 1, "y")),
    (Actions::CHANGE_HEADERS, |m| m.change_header_raw("X", 1, "y")),
    (Actions::CHANGE_HEADERS, |m| m.delete_header("X", 1)),
    (Actions::CHANGE_SENDER, |m| m.change_sender("a@b", "RET=HDRS")),
    (Actions::ADD_RECIPIENTS, |m| m.add_recipient("a@b")),
    (Actions::ADD_RECIPIENTS_WITH_ARGUMENTS, |m| m.add_recipient_with_arguments("a@b", "NOTIFY=NEVER")),
    (Actions::DELETE_RECIPIENTS, |m| m.delete_recipient("a@b")),
    (Actions::CHANGE_BODY, |m| m.replace_body("y")),
    (Actions::QUARANTINE, |m| m.quarantine("y")),
];

#[test]
fn each_needs_its_action_and_no_other() {
    for (needed, record) in EACH {
        assert_eq!(record(&mut agreed(needed, Protocol::empty())), Ok(()));
        let mut without = agreed(Actions::all_known().difference(needed), Protocol::empty());
        let negotiated = without.agreement().options().actions;
        assert_eq!(record(&mut without), Err(ModificationError::NotNegotiated { needed, negotiated }));
        assert!(without.is_empty());
    }
    let nothing_yet = EACH.map(|(_, record)| record(&mut Modifications::default()).is_err());
    assert_eq!(nothing_yet, [true; 12]);
}

#[test]
fn a_header_has_one_space_after_its_colon_whatever_was_agreed() {
    for (abilities, space) in [(Protocol::empty(), ""), (Protocol::LEADING_SPACE, " ")] {
        let mut m = agreed(Actions::ADD_HEADERS | Actions::CHANGE_HEADERS, abilities);
        m.add_header("A", "1").unwrap();
        m.insert_header(2, "B", "").unwrap();
        m.change_header("C", 3, "x\r\n y").unwrap();
        m.add_header_raw("D", "4").unwrap();
        m.change_header("E", 1, "").unwrap();
        let values = m.recorded().map(|modification| match modification {
            Modification::AddHeader(field)
            | Modification::InsertHeader { field, .. }
            | Modification::ChangeHeader { field, .. } => format!("{:?}", field.value().text()),
            other => panic!("{other:?}"),
        });
        let expected = ["1", "", "x\\n y"].map(|value| format!("\"{space}{value}\""));
        assert_eq!(
            values.collect::<Vec<String>>(),
            [&expected[..], &["\"4\"".into(), "\"\"".into()]].concat()
        );
    }
}

#[test]
fn what_cannot_be_sent_is_not_recorded() {
    let mut m = agreed(Actions::all_known(), Protocol::empty());
    let mistakes: [Record; 11] = [
        |m| m.add_header("X Y", "v"),
        |m| m.add_header("", "v"),
        |m| m.add_header("X", "v\nY: w"),
        |m| m.add_header("X", "v\r\n"),
        |m| m.add_header("X", vec![b'v'; 65_535]),
        |m| m.change_header("X", 0, "v"),
        |m| m.add_recipient(""),
        |m| m.delete_recipient("<>"),
        |m| m.add_recipient("a\r\nb"),
        |m| m.change_sender("a@b", "RET=\nHDRS"),
        |m| m.quarantine(""),
    ];
    for mistake in mistakes {
        assert!(mistake(&mut m).is_err());
    }
    assert!(m.is_empty() && m.wire.is_empty());
}

#[test]
fn addresses_have_brackets() {
    for (given, sent) in [("", "<>"), ("<>", "<>"), ("a@b", "<a@b>"), ("<a@b>", "<a@b>"), ("<", "<<>")] {
        assert_eq!(&*bracketed(given.as_bytes()), sent.as_bytes());
    }
}

#[test]
fn what_is_recorded_for_a_message_is_bounded() {
    let mut modifications = agreed(Actions::ADD_HEADERS, Protocol::empty());
    // Eleven packets of nine octets, and not one octet more.
    modifications.set_limit(99);
    modifications.begin_message();
    let recorded = (0..100).map_while(|_| modifications.add_header("X", "y").ok()).count();
    assert_eq!(recorded, 11);
    assert_eq!(modifications.add_header("X", "y"), Err(ModificationError::TooMany { limit: 99 }));
    assert_eq!((modifications.is_empty(), modifications.recorded().count()), (false, recorded));
    modifications.end_message();
    modifications.add_header("X", "y").unwrap();
}

#[test]
fn what_is_recorded_goes_with_its_helo_and_with_its_session() {
    let mut modifications = agreed(Actions::ADD_HEADERS, Protocol::empty());
    let kept = |m: &Modifications| (m.recorded().count(), m.wire.len());
    modifications.add_header("X", "y").unwrap();
    modifications.begin_helo();
    modifications.add_header("X", "y").unwrap();
    assert_eq!(kept(&modifications), (2, 18));
    modifications.begin_helo();
    assert_eq!(kept(&modifications), (1, 9), "that of CONNECT");
    modifications.end_session();
    assert_eq!(kept(&modifications), (0, 0));
}
