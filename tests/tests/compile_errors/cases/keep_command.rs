//@ points at: self.headers.push(header)
//@ says: borrowed data escapes outside of
//! A command cannot be kept: what is kept is copied visibly.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

#[derive(Default)]
struct F {
    headers: Vec<Header<'static>>,
}
impl F {
    async fn header(&mut self, header: Header<'_>, _: &mut Context) {
        self.headers.push(header);
    }
}

fn main() {}
