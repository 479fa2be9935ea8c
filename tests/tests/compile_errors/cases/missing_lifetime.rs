//@ points at: _: Mail, _
//@ says: implicit elided lifetime not allowed here
//@ says: Mail<'_>
//! Edition 2024 wants the lifetime of a command to be shown.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
