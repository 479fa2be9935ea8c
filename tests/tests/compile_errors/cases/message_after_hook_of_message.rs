//@ points at: .message(
//@ says: `.message(…)` comes after a hook for
//@ says: stage::Mail
//@ says: declare the hooks for the stages of a message after `.message(…)`
//! The value that a hook is called on is settled before the hook.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Peer;
struct Message;
impl Peer {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| Peer).on_mail(Peer::mail).message(|_: &mut Peer| Message);
}

fn main() {}
