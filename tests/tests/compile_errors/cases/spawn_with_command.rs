//@ points at: compile_errors::spawn
//@ says: borrowed data escapes outside of
//! A command lives as long as its hook.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
        compile_errors::spawn(async move { println!("{}", chunk.len()) });
    }
}

fn main() {}
