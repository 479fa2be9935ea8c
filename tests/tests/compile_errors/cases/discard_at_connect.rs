//@ points at: .on_connect(F::connect)
//@ says: stage::Connect` is outside of a message: it cannot answer DISCARD
//! There is no message that could be discarded.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn connect(&mut self, _: Connect<'_>, _: &mut Context) -> MessageVerdict {
        MessageVerdict::Discard
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_connect(F::connect);
}

fn main() {}
