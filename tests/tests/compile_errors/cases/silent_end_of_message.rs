//@ points at: .on_end_of_message(F::end)
//@ says: stage::EndOfMessage` must be answered: its hook cannot return `()`
//! The end of the message is always answered.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn end(&mut self, _: EndOfMessage, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| F).on_end_of_message(F::end);
}

fn main() {}
