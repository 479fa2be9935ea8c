//@ points at: .on_mail("mail")
//@ says: is no hook for the stage
//@ says: async fn(&mut
//! Something that cannot be called.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

struct F;
fn f() {
    let _ = Milter::per_connection(|| F).on_mail("mail");
}

fn main() {}
