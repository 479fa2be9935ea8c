//! A task and whoever holds it end together.

use super::check;
use super::runtime::Modelled;
use crate::scoped::Scoped;
use crate::sync::thread;
use futures_lite::future::pending;
use shuttle::future::{block_on, yield_now};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Poll;

#[test]
fn what_it_holds_has_gone_with_its_holder() {
    check(|| {
        let value = Arc::new(());
        let held = Arc::clone(&value);
        let task = Scoped::spawn::<Modelled>(async move {
            let _held = held;
            loop {
                yield_now().await;
            }
        });
        drop(task);
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

#[test]
fn it_ends_even_if_it_waits() {
    check(|| {
        let task = Scoped::spawn::<Modelled>(pending());
        let running = Arc::downgrade(&task.shared);
        drop(task);
        while running.strong_count() > 0 {
            thread::yield_now();
        }
    });
}

#[test]
fn its_panic_is_one_of_its_holder() {
    check(|| {
        let task = Scoped::spawn::<Modelled>(async {
            yield_now().await;
            resume_unwind(Box::new("here"))
        });
        let holder = poll_fn(|cx| {
            task.poll_panic(cx);
            Poll::<()>::Pending
        });
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(holder))).expect_err("it panics");
        assert_eq!(panic.downcast_ref(), Some(&"here"));
    });
}
