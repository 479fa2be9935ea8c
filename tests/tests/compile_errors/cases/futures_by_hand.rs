//@ compiles
//! A function that returns a future is a hook.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

use std::future::{Ready, ready};
struct F(u32);
impl F {
    fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) -> Ready<()> {
        self.0 += chunk.len() as u32;
        ready(())
    }
    fn mail(&mut self, mail: Mail<'_>, _: &mut Context) -> impl Future<Output = Verdict> + Send {
        async move {
            let _ = mail;
            Verdict::Continue
        }
    }
}
fn f() -> impl Application {
    Milter::per_connection(|| F(0)).on_body(F::body).on_mail(F::mail)
}

fn main() {}
