//@ points at: .on_mail(F::mail)
//@ says: future cannot be sent between threads safely
//@ says: has type `std::sync::MutexGuard
//! A hook may be moved between threads while it waits.
#![allow(unused, async_fn_in_trait)]
use milter_proto::*;

use std::sync::{Arc, Mutex};
struct F(Arc<Mutex<u32>>);
impl F {
    async fn mail(&mut self, _: Mail<'_>, _: &mut Context) {
        let mut guard = self.0.lock().unwrap();
        compile_errors::pause().await;
        *guard += 1;
    }
}
fn f(shared: Arc<Mutex<u32>>) {
    let _ = Milter::per_connection(move || F(shared.clone())).on_mail(F::mail);
}

fn main() {}
