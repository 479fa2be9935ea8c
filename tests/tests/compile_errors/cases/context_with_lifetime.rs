//@ points at: cx: &mut Context<'_>
//@ says: struct takes 0 lifetime arguments but 1 lifetime argument was supplied
//! A context borrows nothing.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, cx: &mut Context<'_>) {}
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
