//! At the limit exactly that connection is closed which makes room.

use super::{check, connect, interrupted, none};
use crate::link::Interruption;
use crate::registry::Registry;
use crate::sync::thread;
use milter_proto::Phase;
use shuttle::future::block_on;
use std::sync::Arc;

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
