//! Who accepts connections, and for how long: tasks of the runtime, as long as somebody holds the future that serves.

use crate::on_its_runtime;
use crate::scene::{EARLIEST, On};
use crate::watched::Told;
use milter_proto::Application;
use milter_server::{Observer, Runtime, Server};
use milter_tests::{MilterSocket, RawMta};
use smol::future::poll_once;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;

#[derive(Default)]
struct Connected(AtomicUsize);

impl Observer for Connected {
    fn connected(&self, _: u64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A server that listens, and where.
fn listening<M: Application, R: Runtime>(
    server: Server<M, R>,
    on: On,
    socket: &MilterSocket,
) -> (Server<M, R>, String) {
    let server = server.listen(on.spec(socket)).expect("free");
    let spec = server.endpoints().expect("bound")[0].to_string();
    (server, spec)
}

pub(crate) fn nobody_is_accepted_once_it_drains(on: On) {
    let socket = MilterSocket::new();
    let connected = Arc::new(Connected::default());
    let observer: Arc<dyn Observer> = connected.clone();
    on_its_runtime!(on, |adapter| async {
        let server = adapter::Server::new(Told::default().watcher()).observer(observer);
        let (server, spec) = listening(server, on, &socket);
        let handle = server.handle();
        let mut serving = pin!(server.serve(pending()));
        assert!(poll_once(&mut serving).await.is_none());
        RawMta::connect(&spec).negotiate();
        // Whoever holds the future that serves has not heard of it yet, and still listens.
        handle.drain();
        let _late = RawMta::connect(&spec);
        sleep(EARLIEST);
        assert_eq!(connected.0.load(Ordering::SeqCst), 1);
        serving.await.expect("drained");
    });
}

pub(crate) fn address_is_free_as_soon_as_nobody_serves(on: On) {
    let socket = MilterSocket::new();
    on_its_runtime!(on, |adapter| async {
        let (server, spec) = listening(adapter::Server::new(Told::default().watcher()), on, &socket);
        let mut serving = Box::pin(server.serve(pending()));
        assert!(poll_once(&mut serving).await.is_none());
        RawMta::connect(&spec).negotiate();
        drop(serving);
        let next = adapter::Server::new(Told::default().watcher()).listen(&spec);
        assert!(next.is_ok(), "{next:?}");
    });
}

struct Panics;

impl Observer for Panics {
    fn connected(&self, _: u64) {
        panic!("on purpose: it was told of a connection");
    }
}

pub(crate) fn panic_of_an_observer_is_one_of_who_serves(on: On) {
    let socket = MilterSocket::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        on_its_runtime!(on, |adapter| async {
            let server = adapter::Server::new(Told::default().watcher()).observer(Panics);
            let (server, spec) = listening(server, on, &socket);
            let mut serving = pin!(server.serve(pending()));
            assert!(poll_once(&mut serving).await.is_none());
            let _mta = RawMta::connect(&spec);
            serving.await
        })
    }));
    let panic = panicked.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"on purpose: it was told of a connection"));
}
