//@ points at: .on_failure(Verdict::Continue)
//@ says: expected `FailureVerdict`, found `Verdict`
//! A failing filter must not let mail pass unseen.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn f() {
    let _ = Milter::per_connection(|| ()).on_failure(Verdict::Continue);
}

fn main() {}
