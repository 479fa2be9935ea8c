//@ points at: .on_mail(F::mail) // again
//@ says: a second hook for the stage
//@ says: stage::Mail
//! A stage has one hook.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() -> impl Application {
    Milter::per_connection(|| F)
        .on_mail(F::mail)
        .on_data(async |_: &mut F, _: Data, _: &mut Context| {})
        .on_mail(F::mail) // again
}

fn main() {}
