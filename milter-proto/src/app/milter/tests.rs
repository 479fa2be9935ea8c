//! What is set beside the hooks.

use super::*;
use crate::command::EndOfMessage;
use crate::context::Context;
use crate::modifications::ModificationError;
use crate::negotiation::{Options, Wish};
use crate::testing::{Script, now};
use crate::verdict::Verdict;
use alloc::string::ToString;

#[test]
fn each_ability_is_asked_for_where_it_is_offered_and_no_other() {
    let agreed = |wish: Wish, offered| {
        let offer = Options { protocol: offered, ..Options::CURRENT };
        wish.agree(offer).unwrap().options().protocol
    };
    let sizes = Protocol::DATA_SIZE_256K | Protocol::DATA_SIZE_1M;
    let all = Protocol::REJECTED_RECIPIENTS | Protocol::LEADING_SPACE | sizes;
    let milter = || Milter::per_message(|| ());
    assert_eq!(agreed(milter().wish(), all), Protocol::empty());
    assert_eq!(agreed(milter().rejected_recipients().wish(), all), Protocol::REJECTED_RECIPIENTS);
    assert_eq!(agreed(milter().leading_space().wish(), all), Protocol::LEADING_SPACE);
    for (offered, taken) in [
        (Protocol::DATA_SIZE_256K, Protocol::DATA_SIZE_256K),
        (Protocol::DATA_SIZE_1M, Protocol::DATA_SIZE_1M),
        (all, Protocol::DATA_SIZE_1M),
    ] {
        assert_eq!(agreed(milter().large_packets().wish(), offered), taken);
    }
}

#[test]
fn what_is_set_beside_the_hooks_holds_in_the_session() {
    let milter = Milter::per_message(|| ())
        .actions(Actions::ADD_HEADERS | Actions::CHANGE_HEADERS)
        .track_headers()
        .max_modifications(100)
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, cx: &mut Context| {
            cx.delete_all_headers("X")?;
            Ok::<_, ModificationError>(match cx.add_header("Y", [b'y'; 100]) {
                Ok(()) => Verdict::TempFail,
                Err(_) => Verdict::Accept,
            })
        });
    let counted = Script::new().header("X", "1").header("x", "2").end_of_message();
    assert_eq!(now(counted.play(milter)).to_string(), "O, m2 X: , m1 X: , a");

    let failing = Milter::per_message(|| ()).on_failure(FailureVerdict::Reject).on_end_of_message(
        async |_: &mut (), _: EndOfMessage, cx: &mut Context| {
            cx.add_header("Y", "not negotiated").map(|()| Verdict::Continue)
        },
    );
    assert_eq!(now(Script::new().body("x").end_of_message().play(failing)).to_string(), "O, r");
}
