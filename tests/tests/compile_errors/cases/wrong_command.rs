//@ points at: .on_rcpt(F::mail)
//@ says: type mismatch in function arguments
//@ says: Mail<
//@ says: Rcpt<
//! A hook for another stage.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| F).on_rcpt(F::mail);
}

fn main() {}
