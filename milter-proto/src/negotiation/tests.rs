//! What is asked of an MTA, and what is agreed with it.

use super::*;
use alloc::string::ToString;

#[test]
fn what_hooks_declare_is_wanted_and_what_one_of_them_answers_is_answered() {
    use CommandKind::{Body, Header, Mail, Rcpt};
    let declared = |count_headers| {
        let mut wish = Wish::new();
        wish.declare(Stages::MAIL | Stages::RCPT, Stages::RCPT | Stages::BODY, count_headers);
        let agreement = wish.agree(Options::CURRENT).unwrap();
        [Mail, Rcpt, Body, Header].map(|command| (agreement.wants(command), agreement.expects_reply(command)))
    };
    let (answered, watched, unwanted) = ((true, true), (true, false), (false, true));
    assert_eq!(declared(false), [answered, answered, watched, unwanted]);
    assert_eq!(declared(true), [answered, answered, watched, watched]);
    let mut wish = Wish::new();
    wish.declare(Stages::HEADER, Stages::empty(), true);
    assert!(wish.agree(Options::CURRENT).unwrap().expects_reply(Header), "a hook answers them");
}

#[test]
fn a_hook_for_data_needs_version_4_and_every_other_version_2() {
    let version = |command, version| {
        let mut wish = Wish::new();
        wish.answers(command);
        let offer = Options { version: Version(version), ..Options::CURRENT };
        wish.agree(offer).map(|agreement| agreement.options().version)
    };
    assert_eq!(version(CommandKind::Data, 3), Err(NegotiationError::Data { version: Version(3) }));
    assert_eq!(version(CommandKind::Data, 4), Ok(Version(4)));
    assert_eq!(version(CommandKind::Mail, 1), Err(NegotiationError::Version { offered: Version(1) }));
    assert_eq!(version(CommandKind::Mail, 2), Ok(Version(2)));
    assert_eq!(version(CommandKind::Mail, 7), Ok(Version::CURRENT));
}

#[test]
fn actions_are_preferred_and_macros_asked_for_where_that_is_offered() {
    let (add, change, quarantine) = (Actions::ADD_HEADERS, Actions::CHANGE_BODY, Actions::QUARANTINE);
    let mut wish = Wish::new();
    wish.require(add).prefer(change).prefer(quarantine).request_macros(MacroStage::Mail, "i");
    let agreed = |actions| {
        let offer = Options { actions, ..Options::CURRENT };
        let agreement = wish.agree(offer).unwrap();
        let asked = wish.answer(offer, &agreement).unwrap().macros().iter().count();
        (agreement.options().actions, asked)
    };
    assert_eq!(agreed(Actions::all_known()), (add | change | quarantine | Actions::REQUEST_MACROS, 1));
    assert_eq!(agreed(add | quarantine), (add | quarantine, 0));
}

#[test]
fn the_largest_payload_follows_from_the_data_size() {
    let (larger, largest) = (Protocol::DATA_SIZE_256K, Protocol::DATA_SIZE_1M);
    for (protocol, octets) in [
        (Protocol::SKIP, MAX_PAYLOAD),
        (larger, 262_143),
        (largest, 1_048_575),
        (larger | largest, 1_048_575),
    ] {
        let agreement = Agreement::answered(Options { protocol, ..Options::CURRENT });
        assert_eq!(agreement.max_payload(), octets);
    }
}

#[test]
fn errors_say_what_was_expected_and_what_came() {
    let (missing, offered) = (Actions::CHANGE_BODY, Actions::ADD_HEADERS | Actions::QUARANTINE);
    for (error, text) in [
        (
            NegotiationError::Version { offered: Version(1) },
            "the MTA offers version 1 of the protocol: expected at least 2",
        ),
        (
            NegotiationError::Actions { missing, offered },
            "the MTA does not offer the actions Actions(CHANGE_BODY): it offers Actions(ADD_HEADERS | QUARANTINE)",
        ),
        (
            NegotiationError::Data { version: Version(3) },
            "the MTA speaks version 3 of the protocol: the hook for DATA needs at least 4",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
