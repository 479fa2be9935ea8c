//@ points at: self.note()
//@ says: cannot borrow `*self` as mutable because it is also borrowed as immutable
//! An own method borrows all of the value.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F(Vec<String>);
impl F {
    fn note(&mut self) {}
    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        for line in &self.0 {
            self.note();
            cx.add_header("X", line)?;
        }
        Ok(Verdict::Continue)
    }
}

fn main() {}
