//! The end of a server.

use crate::scene::{CONTINUE, EARLIEST, LIMIT, On, SOON, Scene, SocketKind, answers, command, commands};
use crate::waiting::Waiting;
use crate::watched::Told;
use milter_proto::{Abort, CommandKind, Context, Milter, Quit, Rcpt, Verdict};
use milter_tests::{RawMta, Settings, poll};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

pub(crate) fn idle_connections_end_and_messages_are_finished(on: On) {
    let told = Told::default();
    let (gate, filter) = Waiting::at(CommandKind::EndOfMessage, &told);
    let settings = Settings { drain_timeout: SOON, ..Settings::default() };
    let mut scene = on.serve_with(filter.milter(), settings);
    let mut silent = scene.connect();
    let mut half = scene.connect();
    half.send(b"\0\0\0\x0dO");
    let mut idle = scene.negotiate();
    let mut between = scene.negotiate();
    between.ask(&commands("MRA"), &answers("cc"));
    let mut in_message = scene.negotiate();
    in_message.ask(&commands("MR"), &answers("cc"));
    let mut at_the_end = scene.negotiate();
    at_the_end.ask(&commands("MR"), &answers("cc"));
    at_the_end.send(&command(CommandKind::EndOfMessage));
    told.wait_for(6, "MRE");
    told.wait_for(4, "MRA");

    scene.drain();
    for mta in [&mut silent, &mut half, &mut idle, &mut between] {
        assert_eq!(mta.rest(), b"");
    }
    scene.wait_for_connections(2);
    assert_refuses(&scene, on);
    // Messages are finished, with as many commands as they have, and no other begins.
    in_message.ask(&commands("RR"), &answers("cc"));
    drop(gate);
    at_the_end.expect(CONTINUE);
    assert_eq!(at_the_end.rest(), b"");
    in_message.ask(&command(CommandKind::EndOfMessage), CONTINUE);
    assert_eq!(in_message.rest(), b"");
    scene.served.wait();
    assert_eq!(
        ["", "", "Q", "MRAQ", "MRRREQ", "MREQ"],
        [1, 2, 3, 4, 5, 6].map(|id| told.on(id)).each_ref().map(|told| &**told)
    );
}

pub(crate) fn address_is_free_while_messages_are_finished(on: On) {
    let settings = Settings { drain_timeout: SOON, ..Settings::default() };
    let mut old = on.serve_with(Told::default().watcher(), settings);
    let mut in_message = old.negotiate();
    in_message.ask(&commands("CHM"), &answers("ccc"));
    old.drain();
    assert_refuses(&old, on);
    let new_told = Told::default();
    let new = on.adapter.serve(new_told.watcher(), old.spec());
    let mut mta = RawMta::connect(new.spec());
    mta.negotiate();
    mta.ask(&commands("CHM"), &answers("ccc"));
    in_message.ask(&commands("RE"), &answers("cc"));
    assert_eq!(in_message.rest(), b"");
    old.served.wait();
    // The end of the old one takes nothing from the new one.
    RawMta::connect(new.spec()).negotiate();
    mta.ask(&commands("RE"), &answers("cc"));
    assert_eq!(new_told.on(1), "CHMRE");
}

pub(crate) fn connection_that_is_never_quiet_ends(on: On) {
    let settings = Settings { drain_timeout: 10 * SOON, ..Settings::default() };
    let told = Told::default();
    let mut scene = on.serve_with(told.watcher(), settings);
    let mut mta = scene.negotiate();
    mta.ask(&command(CommandKind::Connect), CONTINUE);
    let mut talking = mta.share();
    thread::scope(|scope| {
        // There is always something to be read.
        scope.spawn(|| while talking.try_send(&commands("HHHHHHHH")).is_ok() {});
        mta.expect(&answers(&"c".repeat(100)));
        scene.drain();
        mta.rest();
    });
    scene.served.wait();
    assert!(told.on(1).ends_with("HQ"));
}

pub(crate) fn message_that_takes_too_long_is_closed(on: On) {
    let settings = Settings { drain_timeout: LIMIT, ..Settings::default() };
    let mut scene = on.serve_with(Told::default().watcher(), settings);
    let mut in_message = scene.negotiate();
    in_message.ask(&commands("CHM"), &answers("ccc"));
    let began = Instant::now();
    scene.drain();
    assert_eq!(in_message.rest(), b"");
    assert!(began.elapsed() >= EARLIEST);
    scene.served.wait();
}

pub(crate) fn stop_closes_all(on: On) {
    let told = Told::default();
    let (_gate, filter) = Waiting::at(CommandKind::Rcpt, &told);
    let settings = Settings { drain_timeout: 10 * SOON, ..Settings::default() };
    let mut scene = on.serve_with(filter.milter(), settings);
    let mut idle = scene.negotiate();
    let mut in_message = scene.negotiate();
    in_message.ask(&command(CommandKind::Mail), CONTINUE);
    let mut in_hook = scene.negotiate();
    in_hook.ask(&command(CommandKind::Mail), CONTINUE);
    in_hook.send(&command(CommandKind::Rcpt));
    told.wait_for(3, "MR");
    // Also when it has begun to end.
    scene.drain();
    assert_eq!(idle.rest(), b"");
    scene.stop();
    assert_eq!((in_message.rest(), in_hook.rest()), (Vec::new(), Vec::new()));
    scene.served.wait();
    assert_eq!(told.on(3), "MR!");
}

/// A filter whose hook for RCPT stops the server.
#[derive(Clone, Default)]
struct Stopping {
    told: Told,
    stop: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>,
}

impl Stopping {
    fn tell(&self, context: &Context, letter: char) {
        self.told.write(context.connection_id(), letter);
    }
}

pub(crate) fn after_a_hook_that_stops_no_other_is_told(on: On) {
    let stopping = Stopping::default();
    let filter = stopping.clone();
    let milter = Milter::per_connection(move || filter.clone())
        .on_rcpt(async |filter: &mut Stopping, _: Rcpt<'_>, cx: &mut Context| {
            filter.tell(cx, 'R');
            filter.stop.get().expect("served")();
            Verdict::Continue
        })
        .on_abort(async |filter: &mut Stopping, _: Abort, cx: &mut Context| filter.tell(cx, 'A'))
        .on_quit(async |filter: &mut Stopping, _: Quit, cx: &mut Context| filter.tell(cx, 'Q'));
    let (mut scene, handle) = on.serve_reloadable(milter, Settings::default());
    assert!(stopping.stop.set(Box::new(move || handle.stop())).is_ok());
    let mut mta = scene.negotiate();
    mta.send(&commands("MR"));
    assert_eq!(mta.rest(), answers("cc"));
    scene.served.wait();
    assert_eq!(stopping.told.on(1), "R");
}

/// Nobody is let in any more, and what stood for that is gone.
#[track_caller]
fn assert_refuses(scene: &Scene, on: On) {
    let refused = poll(SOON, || RawMta::try_connect(scene.spec()).is_err().then_some(()));
    assert!(refused.is_some(), "it is still listened on");
    if let SocketKind::Unix = on.socket {
        let path = scene.socket.path();
        let lock = PathBuf::from(format!("{}.lock", path.display()));
        let gone = poll(SOON, || (!path.exists() && !lock.exists()).then_some(()));
        assert!(gone.is_some(), "a file is left");
    }
}
