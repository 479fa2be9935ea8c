//@ compiles
//! The way out of `capturing_async_closure`.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

use std::sync::Arc;
fn f(db: Arc<String>) -> impl Application {
    let hook = async |db: &Arc<String>, n: &mut usize, _: Mail<'_>, _: &mut Context| *n += db.len();
    Milter::per_connection(|| 0usize).on_mail(With(db, hook))
}

fn main() {}
