//! What a server tells whoever counts.

use crate::scene::{On, answers, commands, offer};
use crate::watched::Told;
use milter_proto::{Answer, CommandKind};
use milter_server::{ConverseError, Observer, Unfinished};
use milter_tests::Settings;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    connected: Vec<u64>,
    /// And whether they ended in good order.
    disconnected: Vec<(u64, bool)>,
    received: usize,
    sent: usize,
    hooks: String,
    messages: usize,
}

#[derive(Default)]
struct Counter(Mutex<Counts>);

impl Observer for Counter {
    fn connected(&self, connection: u64) {
        self.0.lock().unwrap().connected.push(connection);
    }

    fn disconnected(&self, connection: u64, ended: Result<(), &ConverseError>) {
        self.0.lock().unwrap().disconnected.push((connection, ended.is_ok()));
    }

    fn received(&self, octets: usize) {
        self.0.lock().unwrap().received += octets;
    }

    fn sent(&self, octets: usize) {
        self.0.lock().unwrap().sent += octets;
    }

    fn hook(&self, stage: CommandKind, outcome: Result<&Answer, &Unfinished>, _: Duration) {
        assert!(outcome.is_ok());
        self.0.lock().unwrap().hooks.push(char::from(stage.letter()));
    }

    fn message(&self, _: u64) {
        self.0.lock().unwrap().messages += 1;
    }
}

pub(crate) fn everything_is_counted(on: On) {
    let counter = Arc::new(Counter::default());
    let observer: Arc<dyn Observer> = counter.clone();
    let settings = Settings { observer: Some(observer), ..Settings::default() };
    let scene = on.serve_with(Told::default().watcher(), settings);
    let (session, continued) = (commands("CHMRTLNBEMRAMRQ"), answers(&"c".repeat(13)));
    let mut mta = scene.negotiate();
    mta.ask(&session, &continued);
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    let broken = b"\0\0\0\0";
    let mut mta = scene.connect();
    mta.send(broken);
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    let expected = Counts {
        connected: vec![1, 2],
        disconnected: vec![(1, true), (2, false)],
        received: offer().len() + session.len() + broken.len(),
        sent: 17 + continued.len(),
        hooks: "CHMRTLNBEMRAMRAQ".to_owned(),
        messages: 3,
    };
    assert_eq!(*counter.0.lock().unwrap(), expected);
}
