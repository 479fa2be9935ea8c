//@ points at: .on_mail(F::mail)
//@ says: future cannot be sent between threads safely
//! A hook may be moved between threads while it waits.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {
        let counted = std::rc::Rc::new(1);
        compile_errors::pause().await;
        drop(counted);
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
