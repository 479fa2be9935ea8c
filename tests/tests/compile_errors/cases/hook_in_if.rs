//@ points at: milter = milter.on_mail(F::mail)
//@ says: mismatched types
//! A declared hook is part of the type: use `then_some`, or `boxed`.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f(on: bool) {
    let mut milter = Milter::per_connection(|| F);
    if on {
        milter = milter.on_mail(F::mail);
    }
}

fn main() {}
