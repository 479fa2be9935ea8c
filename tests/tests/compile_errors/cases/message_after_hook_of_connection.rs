//@ compiles
//! What is outside of messages may be declared before or after.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Peer;
struct Message;
impl Peer {
    async fn connect(&mut self, _: Connect<'_>, _: &mut Context) {}
}
impl Message {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() -> impl Application {
    Milter::per_connection(|| Peer)
        .on_connect(Peer::connect)
        .message(|_: &mut Peer| Message)
        .on_mail(Message::mail)
}

fn main() {}
