//@ points at: .message(
//@ says: `.message(…)` comes after hooks that may be for messages
//! What hooks there are is no longer known once their type is erased.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Peer;
struct Message;
fn f() {
    let milter = Milter::per_connection(|| Peer).boxed();
    let _ = milter.message(|_: &mut Peer| Message);
}

fn main() {}
