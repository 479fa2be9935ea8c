//! Who is to end hears of it, and who waits for ends does.

use super::{check, connect, interrupted, none};
use crate::link::Interruption;
use crate::registry::Registry;
use crate::sync::thread;
use milter_proto::Phase;
use shuttle::future::block_on;
use std::sync::Arc;

#[test]
fn drain_ends_the_idle_and_close_the_others() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let [idle, busy] = [true, false].map(|drains| {
            let watch = connect(&registry);
            thread::spawn(move || block_on(interrupted(&watch, &none(), drains)))
        });
        registry.enter(Phase::Draining);
        assert_eq!(idle.join().expect("ended"), Interruption::Drain);
        registry.enter(Phase::Closing);
        assert_eq!(busy.join().expect("ended"), Interruption::Close);
        assert_eq!(registry.count(), 0);
    });
}

#[test]
fn connection_that_begins_meanwhile_ends_too() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let serving = thread::spawn({
            let registry = Arc::clone(&registry);
            move || block_on(interrupted(&connect(&registry), &none(), true))
        });
        registry.enter(Phase::Draining);
        assert_eq!(serving.join().expect("ended"), Interruption::Drain);
    });
}

#[test]
fn who_ends_twice_is_told_of_the_stronger_end() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let watch = connect(&registry);
        let serving = thread::spawn(move || block_on(interrupted(&watch, &none(), false)));
        let entered = [Phase::Draining, Phase::Closing].map(|phase| {
            let registry = Arc::clone(&registry);
            thread::spawn(move || block_on(registry.entered(phase)))
        });
        // An operator's signal, and somebody who drops the server.
        let draining = thread::spawn({
            let registry = Arc::clone(&registry);
            move || registry.enter(Phase::Draining)
        });
        registry.enter(Phase::Closing);
        assert_eq!(serving.join().expect("ended"), Interruption::Close);
        draining.join().expect("no panic");
        entered.into_iter().for_each(|entered| entered.join().expect("woken"));
        assert_eq!(registry.phase(), Phase::Closing);
    });
}

#[test]
fn last_end_is_never_missed() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let connections = [(); 3].map(|()| connect(&registry));
        // Whoever waits for room, and whoever waits for all.
        let waiting = [2, 0].map(|left| {
            let registry = Arc::clone(&registry);
            thread::spawn(move || {
                block_on(registry.ended(|count| count <= left));
                assert!(registry.count() <= left);
            })
        });
        let ending = connections.map(|watch| thread::spawn(move || drop(watch)));
        waiting.into_iter().for_each(|waiting| waiting.join().expect("woken"));
        ending.into_iter().for_each(|ending| ending.join().expect("ended"));
    });
}
