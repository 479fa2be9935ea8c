//@ points at: cx.add_header("X-Queue"
//@ says: cannot borrow `cx.macros` as immutable because it is also borrowed as mutable
//! A macro is borrowed from the context that is to be changed: name the parts (`cx.message`, `cx.macros`).
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
impl F {
    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
        cx.add_header("X-Queue", cx.macros.get("i").unwrap_or_default())?;
        Ok(Verdict::Continue)
    }
}

fn main() {}
