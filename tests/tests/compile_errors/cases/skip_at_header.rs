//@ points at: .on_header(F::header)
//@ says: BodyVerdict` is no answer to the stage
//@ says: a hook returns `()`, `Verdict`
//! Only a body can be skipped.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn header(&mut self, _: Header<'_>, _: &mut Context) -> BodyVerdict {
        BodyVerdict::Skip
    }
}
fn f() {
    let _ = Milter::per_connection(|| F).on_header(F::header);
}

fn main() {}
