//@ points at: .on_mail(F::mail)
//@ says: MyError
//@ says: Error` is not
//! An error of a hook can be shown.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
struct MyError;
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) -> Result<(), MyError> {
        Err(MyError)
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_mail(F::mail);
}

fn main() {}
