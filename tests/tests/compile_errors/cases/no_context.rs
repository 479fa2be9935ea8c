//@ points at: .on_mail(F::mail)
//@ says: function is expected to take 3 arguments, but it takes 2 arguments
//! A hook takes the context, also when it does not need it.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>) -> Verdict {
        Verdict::Continue
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
