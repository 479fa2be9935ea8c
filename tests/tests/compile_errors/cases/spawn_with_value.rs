//@ points at: compile_errors::spawn
//@ says: borrowed data escapes outside of
//! The value lives as long as its message.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F(u32);
impl F {
    async fn end(&mut self, _: EndOfMessage, _: &mut Context) -> Verdict {
        compile_errors::spawn(async { self.0 += 1 });
        Verdict::Continue
    }
}

fn main() {}
