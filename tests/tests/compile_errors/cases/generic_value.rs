//@ compiles
//! Generic over what the filter is made of.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

trait Db: Send + Sync + 'static {
    fn get(&self) -> impl Future<Output = u32> + Send;
}
struct F<D>(D);
impl<D: Db> F<D> {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) -> Verdict {
        self.0.get().await;
        Verdict::Continue
    }
}
fn f<D: Db + Clone>(db: D) -> impl Application {
    Milter::per_connection(move || F(db.clone())).on_mail(F::mail)
}

fn main() {}
