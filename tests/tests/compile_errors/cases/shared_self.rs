//@ points at: .on_mail(F::mail)
//@ says: type mismatch in function arguments
//@ says: expected function signature
//! A hook borrows its value mutably.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&self, _: Mail<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
