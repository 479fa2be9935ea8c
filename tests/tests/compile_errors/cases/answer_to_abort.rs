//@ points at: .on_abort(F::abort)
//@ says: stage::Abort` cannot be answered: its hook must return `()`
//! Nobody waits for an answer to an abort.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn abort(&mut self, _: Abort, _: &mut Context) -> Verdict {
        Verdict::Continue
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_abort(F::abort);
}

fn main() {}
