//@ points at: async move { *n += 1 }
//@ says: lifetime may not live long enough
//! A plain closure cannot name the lifetime that its block borrows for.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn f() {
    let _ = Milter::per_connection(|| 0usize)
        .on_mail(|n: &mut usize, _: Mail<'_>, _: &mut Context| async move { *n += 1 });
}

fn main() {}
