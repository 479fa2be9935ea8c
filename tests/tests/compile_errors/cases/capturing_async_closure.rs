//@ points at: async move |n: &mut usize
//@ says: async closure does not implement `Fn` because it captures state from its environment
//! An async closure that captures lends from itself; `With` carries the data.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn f(db: std::sync::Arc<String>) {
    let _ = Milter::per_connection(|| 0usize)
        .on_mail(async move |n: &mut usize, _: Mail<'_>, _: &mut Context| *n += db.len());
}

fn main() {}
