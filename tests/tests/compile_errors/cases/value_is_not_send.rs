//@ points at: Milter::per_connection(|| F
//@ says: `Rc<u32>` cannot be sent between threads safely
//! A connection may be moved between threads.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

#[derive(Default)]
struct F(std::rc::Rc<u32>);
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {}
}
fn f() {
    let _ = Milter::per_connection(|| F::default()).on_mail(F::mail);
}

fn main() {}
