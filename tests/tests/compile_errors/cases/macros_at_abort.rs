//@ points at: .macros::<stage::Header>("i")
//@ says: the protocol has no list of macros for the stage
//! Macros can be asked for at seven stages.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

fn f() {
    let _ = Milter::per_connection(|| ()).macros::<stage::Header>("i");
}

fn main() {}
