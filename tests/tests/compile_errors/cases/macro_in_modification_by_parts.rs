//@ compiles
//! The way out of `macro_in_modification`.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        cx.message.add_header("X-Queue", cx.macros.get("i").unwrap_or_default())?;
        Ok(Verdict::Continue)
    }
}

fn main() {}
