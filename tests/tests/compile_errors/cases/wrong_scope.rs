//@ points at: .on_mail(Peer::mail)
//@ says: type mismatch in function arguments
//@ says: &mut Message
//@ says: &mut Peer
//! A hook of a message on the value of the connection.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Peer;
struct Message;
impl Peer {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| Peer).message(|_: &mut Peer| Message).on_mail(Peer::mail);
}

fn main() {}
