//! No deadline is missed, whenever it is set.

use super::runtime::Modelled;
use super::{check, connect, interrupted, none};
use crate::clock;
use crate::deadlines::{DeadlineThread, watch_deadlines};
use crate::link::Interruption;
use crate::registry::Registry;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread;
use futures_lite::future::or;
use milter_proto::{Deadlines, Phase, Waiting};
use shuttle::future::block_on;
use std::sync::Arc;
use std::time::Duration;

/// Time that passes at once.
const TICK: u64 = 100;

/// Far more than threads take that get their turn: a deadline that is not met by then never is.
const MISSED: u64 = 10_000 * TICK;

const NEAR: Duration = Duration::from_millis(3 * TICK);

/// Whoever sleeps until then has missed the near ones.
const FAR: Duration = Duration::from_millis(10 * MISSED);

fn idle(limit: Duration) -> Deadlines {
    let mut deadlines = none();
    deadlines.idle = Some(limit);
    deadlines
}

/// Lets time pass until it is over.
fn pass_until(over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) {
        assert!(clock::now() < MISSED, "a deadline was missed");
        clock::pass(TICK);
    }
}

#[test]
fn each_is_met() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let watching = DeadlineThread::start(&registry).expect("a thread");
        let far = connect(&registry);
        let far = thread::spawn(move || block_on(interrupted(&far, &idle(FAR), false)));
        let over = Arc::new(AtomicBool::new(false));
        let near = thread::spawn({
            let (watch, over) = (connect(&registry), Arc::clone(&over));
            move || {
                // The second one is set while those that passed are still being looked at.
                for _ in 0..2 {
                    let ended = block_on(interrupted(&watch, &idle(NEAR), false));
                    assert_eq!(ended, Interruption::Late(Waiting::Command));
                }
                over.store(true, Ordering::SeqCst);
            }
        });
        // A task is also woken for other reasons than its deadline.
        let waking = thread::spawn({
            let registry = Arc::clone(&registry);
            move || registry.enter(Phase::Draining)
        });
        pass_until(&over);
        near.join().expect("late");
        waking.join().expect("no panic");
        registry.enter(Phase::Closing);
        assert_eq!(far.join().expect("closed"), Interruption::Close);
        drop(watching);
    });
}

#[test]
fn each_is_met_of_two_at_once() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let _watching = DeadlineThread::start(&registry).expect("a thread");
        let over = Arc::new(AtomicBool::new(false));
        let late = [NEAR, 2 * NEAR].map(|limit| {
            let watch = connect(&registry);
            thread::spawn(move || {
                let ended = block_on(interrupted(&watch, &idle(limit), false));
                assert_eq!(ended, Interruption::Late(Waiting::Command));
            })
        });
        let waiting = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                late.into_iter().for_each(|late| late.join().expect("late"));
                over.store(true, Ordering::SeqCst);
            }
        });
        pass_until(&over);
        waiting.join().expect("late");
    });
}

#[test]
fn each_is_met_by_a_timer() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let watch = connect(&registry);
        let over = Arc::new(AtomicBool::new(false));
        let passing = thread::spawn({
            let over = Arc::clone(&over);
            move || pass_until(&over)
        });
        // As `converse` does: one task waits and watches.
        let ended = block_on(or(interrupted(&watch, &idle(NEAR), false), async {
            match watch_deadlines::<Modelled>(&registry).await {}
        }));
        assert_eq!(ended, Interruption::Late(Waiting::Command));
        over.store(true, Ordering::SeqCst);
        passing.join().expect("over");
    });
}

#[test]
fn the_thread_ends_whatever_it_does() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let watching = DeadlineThread::start(&registry).expect("a thread");
        let watch = connect(&registry);
        let closed = thread::spawn(move || block_on(interrupted(&watch, &idle(FAR), false)));
        // Joins it, while time stands still.
        drop(watching);
        registry.enter(Phase::Closing);
        assert_eq!(closed.join().expect("closed"), Interruption::Close);
    });
}
