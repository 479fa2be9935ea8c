//@ points at: .on_connect(F::connect)
//@ says: type mismatch in function arguments
//@ says: &mut ()
//! A hook outside of a message where only messages have a value.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn connect(&mut self, _: Connect<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_message(|| F).on_connect(F::connect);
}

fn main() {}
