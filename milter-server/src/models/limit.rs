//! At the limit exactly that connection is closed which makes room, and it is never exceeded.

use super::runtime::{Modelled, Stream, arrive};
use super::{check, connect, interrupted, none};
use crate::accept::accept;
use crate::clock;
use crate::converse::Settings;
use crate::handle::Handle;
use crate::link::Interruption;
use crate::observer::Observer;
use crate::registry::Registry;
use crate::sync::thread;
use async_lock::Semaphore;
use futures_lite::future::{or, yield_now};
use milter_proto::{ACCEPT_BACK_OFF, Application, Milter, Phase};
use shuttle::future::block_on;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn exactly_the_one_that_makes_room_is_closed() {
    check(|| {
        let registry = Arc::new(Registry::new());
        // Those that have ended have not gone: that is, when the watch is dropped.
        let silent = [(); 2].map(|()| {
            let watch = connect(&registry);
            thread::spawn(move || (block_on(interrupted(&watch, &none(), true)), watch))
        });
        let shed = [registry.shed(), registry.shed()];
        registry.enter(Phase::Draining);
        for connection in silent {
            let (ended, watch) = connection.join().expect("ended");
            let makes_room = shed.contains(&Some(watch.id()));
            assert_eq!(ended, if makes_room { Interruption::Close } else { Interruption::Drain });
        }
        assert!(shed.contains(&None), "two at once make room for one");
    });
}

#[test]
fn who_has_negotiated_in_time_is_not_closed() {
    check(|| {
        let registry = Arc::new(Registry::new());
        let watch = connect(&registry);
        let negotiating = thread::spawn(move || {
            // The offer comes when everything else that had come was read.
            let offer = async {
                yield_now().await;
                None
            };
            let waiting = async { Some(interrupted(&watch, &none(), false).await) };
            if let Some(ended) = block_on(or(offer, waiting)) {
                return (false, ended);
            }
            (watch.negotiated(), block_on(interrupted(&watch, &none(), true)))
        });
        let shed = registry.shed();
        registry.enter(Phase::Draining);
        let (negotiated, ended) = negotiating.join().expect("ended");
        assert_eq!(ended == Interruption::Close, shed.is_some());
        assert_eq!(negotiated, shed.is_none());
    });
}

const LIMIT: usize = 2;

/// Sees to it that the limit holds, and counts.
struct Counts<M> {
    handle: Handle<M>,
    connected: Arc<AtomicUsize>,
}

impl<M: Application> Observer for Counts<M> {
    fn connected(&self, _connection: u64) {
        assert!(self.handle.connections() <= LIMIT, "{}", self.handle.connections());
        self.connected.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn several_listeners_together_do_not_exceed_it() {
    check(|| {
        let handle = Handle::new(Milter::per_connection(|| ()));
        let connected = Arc::new(AtomicUsize::new(0));
        let observer = Counts { handle: handle.clone(), connected: Arc::clone(&connected) };
        let settings = Arc::new(Settings { deadlines: none(), observer: Some(Arc::new(observer)) });
        // Fewer places for newcomers than would come.
        let newcomers = Arc::new(Semaphore::new(2));
        for _ in 0..2 {
            let (handle, settings, newcomers) =
                (handle.clone(), Arc::clone(&settings), Arc::clone(&newcomers));
            thread::spawn(move || {
                let registry = Arc::clone(&handle.shared.registry);
                let accepting = accept::<Modelled, _>((), handle, settings, LIMIT, newcomers);
                block_on(or(registry.entered(Phase::Draining), async { match accepting.await {} }));
            });
        }
        // The silent ones make room, so that all are served.
        for stream in [Stream::silent(), Stream::offering(), Stream::silent(), Stream::silent()] {
            arrive(stream);
        }
        while connected.load(Ordering::Relaxed) < 4 {
            clock::pass(u64::try_from(ACCEPT_BACK_OFF.as_millis()).expect("short"));
        }
        handle.drain();
        block_on(handle.shared.registry.ended(|count| count == 0));
    });
}
