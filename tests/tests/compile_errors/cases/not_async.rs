//@ points at: .on_mail(F::mail)
//@ says: Verdict` is not a future
//! A hook is an async fn.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    fn mail(&mut self, _: Mail<'_>, _: &mut Context) -> Verdict {
        Verdict::Continue
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
