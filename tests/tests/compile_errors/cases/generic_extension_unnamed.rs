//@ points at: .on_end_of_message(end)
//@ says: Without<
//! What is not promised of an extension cannot be added after it.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn with_logging<St, F, H>(milter: Milter<F, H>) -> Milter<F, impl Hooks<St>>
where
    St: State,
    F: Fn() -> St,
    H: Hooks<St> + Without<stage::Data>,
{
    milter.on_data(async |_: &mut St::Message, _: Data, _: &mut Context| {})
}
struct F;
fn f() -> impl Application {
    let end = async |_: &mut F, _: EndOfMessage, _: &mut Context| Verdict::Continue;
    with_logging(Milter::per_message(|| F)).on_end_of_message(end)
}

fn main() {}
