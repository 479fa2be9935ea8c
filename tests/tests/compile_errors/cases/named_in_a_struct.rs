//@ compiles
//! A milter in a field, and two of one type.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Service<M: Application> {
    milter: M,
}
struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn make() -> Service<impl Application> {
    Service { milter: Milter::per_message(|| F).on_mail(F::mail) }
}
fn f() {
    let _: Vec<Service<_>> = vec![make(), make()];
}

fn main() {}
