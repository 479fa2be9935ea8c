//@ points at: .on_body(F::count)
//@ says: is not general enough
//! A command has a lifetime of its own in each call, so no one type parameter can stand for it.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F(u32);
impl F {
    async fn count<C: Send>(&mut self, _: C, _: &mut Context) {
        self.0 += 1;
    }
}
fn f() -> impl Application {
    Milter::per_connection(|| F(0)).on_body(F::count)
}

fn main() {}
