//@ compiles
//! An error that is none itself, but becomes one.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
struct Any;
impl From<Any> for BoxError {
    fn from(_: Any) -> Self {
        "any".into()
    }
}
impl<E: std::error::Error> From<E> for Any {
    fn from(_: E) -> Self {
        Any
    }
}
impl F {
    async fn end(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, Any> {
        cx.add_header("a", "b")?;
        Ok(Verdict::Continue)
    }
}
fn f() -> impl Application {
    Milter::per_connection(|| F).on_end_of_message(F::end)
}

fn main() {}
