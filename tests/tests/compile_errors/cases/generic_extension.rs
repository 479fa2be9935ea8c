//@ compiles
//! Hooks added to any milter, and more after them.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

trait Log: Send + 'static {
    fn log(&mut self, what: &str);
}
async fn mail<A: Log>(value: &mut A, mail: Mail<'_>, _: &mut Context) {
    value.log(&mail.sender().to_string())
}
fn with_logging<St, F, H>(milter: Milter<F, H>) -> Milter<F, impl Hooks<St> + Without<stage::EndOfMessage>>
where
    St: State<Message: Log>,
    F: Fn() -> St,
    H: Hooks<St> + Without<stage::Mail> + Without<stage::EndOfMessage>,
{
    milter.on_mail(mail::<St::Message>)
}
struct F;
impl Log for F {
    fn log(&mut self, _: &str) {}
}
fn f() -> impl Application {
    let end = async |_: &mut F, _: EndOfMessage, _: &mut Context| Verdict::Continue;
    with_logging(Milter::per_message(|| F)).on_end_of_message(end)
}

fn main() {}
