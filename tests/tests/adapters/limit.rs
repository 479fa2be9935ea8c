//! The limit on connections.

use crate::scene::{CONTINUE, On, command, offer};
use crate::watched::Told;
use milter_proto::CommandKind;
use milter_server::Observer;
use milter_tests::Settings;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// The numbers of connections that were shed.
#[derive(Default)]
struct Shed(Mutex<Vec<u64>>);

impl Observer for Shed {
    fn shed(&self, connection: u64) {
        self.0.lock().unwrap().push(connection);
    }
}

fn limited(connections: usize, shed: &Arc<Shed>) -> Settings {
    let observer: Arc<dyn Observer> = shed.clone();
    Settings { max_connections: Some(connections), observer: Some(observer), ..Settings::default() }
}

pub(crate) fn oldest_that_has_not_negotiated_makes_room(on: On) {
    let shed = Arc::new(Shed::default());
    let scene = on.serve_with(Told::default().watcher(), limited(3, &shed));
    let mut silent = scene.connect();
    let mut kept = scene.negotiate();
    let mut half = scene.connect();
    half.send(b"\0\0\0\x0dO");
    // Each comes beyond the limit.
    let mut next = scene.negotiate();
    assert_eq!(silent.rest(), b"");
    assert!(half.hears_nothing());
    let mut last = scene.negotiate();
    assert_eq!(half.rest(), b"");
    for mta in [&mut kept, &mut next, &mut last] {
        mta.ask(&command(CommandKind::Connect), CONTINUE);
    }
    assert_eq!(*shed.0.lock().unwrap(), [1, 3]);
    assert_eq!(scene.connections(), 3);
}

pub(crate) fn negotiated_connections_are_never_shed(on: On) {
    let shed = Arc::new(Shed::default());
    let scene = on.serve_with(Told::default().watcher(), limited(2, &shed));
    let mut first = scene.negotiate();
    let mut second = scene.negotiate();
    let mut waiting = scene.connect();
    waiting.send(&offer());
    sleep(Duration::from_millis(100));
    assert!(waiting.hears_nothing());
    for mta in [&mut first, &mut second] {
        mta.ask(&command(CommandKind::Connect), CONTINUE);
    }
    first.send(&command(CommandKind::Quit));
    assert_eq!(first.rest(), b"");
    // Its offer is answered now.
    assert_eq!(waiting.read()[4], b'O');
    waiting.ask(&command(CommandKind::Connect), CONTINUE);
    second.ask(&command(CommandKind::Helo), CONTINUE);
    assert!(shed.0.lock().unwrap().is_empty());
}
