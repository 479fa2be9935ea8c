//@ points at: async |n, _mail, _cx|
//@ says: type annotations needed
//! A closure must name the types of its arguments.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn f() {
    let _ = Milter::per_connection(|| 0usize).on_mail(async |n, _mail, _cx| *n += 1);
}

fn main() {}
