//@ points at: .on_mail(F::<D>::mail)
//@ says: cannot be sent between threads safely
//! An `async fn` in a trait promises no `Send`.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

trait Db: Send + Sync + 'static {
    async fn get(&self) -> u32;
}
struct F<D>(D);
impl<D: Db> F<D> {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) -> Verdict {
        self.0.get().await;
        Verdict::Continue
    }
}
fn f<D: Db + Clone>(db: D) -> impl Application {
    Milter::per_connection(move || F(db.clone())).on_mail(F::<D>::mail)
}

fn main() {}
