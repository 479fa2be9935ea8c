//@ compiles
//! A milter made from a borrowed configuration outlives it.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct Config {
    on: bool,
}
fn build(config: &Config) -> impl Application {
    let hook = async |_: &mut u8, _: BodyChunk<'_>, _: &mut Context| {};
    Milter::per_connection(|| 0u8).on_body(config.on.then_some(hook))
}
fn f(config: Config) {
    let milter = build(&config);
    drop(config);
    let _ = Conversation::new(milter, 1);
}

fn main() {}
