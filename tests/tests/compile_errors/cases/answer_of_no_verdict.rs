//@ points at: .on_mail(F::mail)
//@ says: `bool` is no answer to the stage
//@ says: a hook returns `()`, `Verdict`
//! A hook returns a verdict, or nothing.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) -> bool {
        true
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
