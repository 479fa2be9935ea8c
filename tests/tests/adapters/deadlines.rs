//! Deadlines: each is kept, and none is extended by what does not end the wait.

use crate::scene::{CONTINUE, EARLIEST, LIMIT, On, SOON, Scene, TEMP_FAIL, answers, command, commands};
use crate::slow_readers::Verbose;
use crate::waiting::Waiting;
use crate::watched::Told;
use milter_proto::{CommandKind, Deadlines};
use milter_tests::{RawMta, Settings};
use std::thread::sleep;
use std::time::Instant;

/// The settings of a server with these deadlines.
pub(crate) fn with(set: impl FnOnce(&mut Deadlines)) -> Settings {
    let mut deadlines = Deadlines::default();
    set(&mut deadlines);
    Settings { deadlines, ..Settings::default() }
}

pub(crate) fn first_packet_must_be_complete_in_time(on: On) {
    let told = Told::default();
    let scene = on.serve_with(told.watcher(), with(|deadlines| deadlines.first_packet = Some(LIMIT)));
    let began = Instant::now();
    let mut silent = scene.connect();
    let mut half = scene.connect();
    half.send(b"\0\0\0\x0dO\0\0");
    trickle(&mut scene.connect(), b'O');
    assert_eq!((silent.rest(), half.rest()), (Vec::new(), Vec::new()));
    assert!(began.elapsed() >= EARLIEST);
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "");
}

pub(crate) fn packet_that_has_begun_must_be_complete_in_time(on: On) {
    let told = Told::default();
    let scene = on.serve_with(told.watcher(), with(|deadlines| deadlines.packet = Some(LIMIT)));
    let mut half = scene.negotiate();
    let mut trickling = scene.negotiate();
    let began = Instant::now();
    half.ask(&[commands("CHM"), b"\0\0".to_vec()].concat(), &answers("ccc"));
    trickle(&mut trickling, b'C');
    assert_eq!(half.rest(), b"");
    assert!(began.elapsed() >= EARLIEST);
    scene.wait_for_connections(0);
    assert_eq!((&*told.on(1), &*told.on(2)), ("CHMAQ", "Q"));
}

/// Begins a packet, and goes on octet by octet until the filter closes.
#[track_caller]
fn trickle(mta: &mut RawMta, letter: u8) {
    let began = Instant::now();
    let _ = mta.try_send(&[0, 0, 0xff, 0, letter]);
    while mta.hears_nothing() {
        assert!(began.elapsed() < SOON, "each octet extends the time");
        sleep(LIMIT / 10);
        // It may have closed meanwhile.
        let _ = mta.try_send(b"x");
    }
    assert_eq!(mta.rest(), b"");
    assert!(began.elapsed() >= EARLIEST);
}

pub(crate) fn time_begins_anew_with_each_packet(on: On) {
    let settings = with(|deadlines| (deadlines.packet, deadlines.idle) = (Some(LIMIT), Some(LIMIT)));
    let scene = on.serve_with(Told::default().watcher(), settings);
    // A machine that is too busy to keep the pace says nothing about the filter.
    let paced = (0..50).find_map(|_| in_time(&scene));
    assert_eq!(
        paced.unwrap_or_else(|| panic!("no pace can be kept here")),
        answers(&"c".repeat(PACKETS.len()))
    );
}

const PACKETS: &str = "CHMRRRRR";

/// Halves of packets, each in time and all together far from it: the answers, or `None` if one was late.
fn in_time(scene: &Scene) -> Option<Vec<u8>> {
    let mut before = Instant::now();
    let mut mta = scene.negotiate();
    for packet in PACKETS.split_inclusive(|_| true).map(commands) {
        let (begun, rest) = packet.split_at(5);
        for half in [begun, rest] {
            sleep(LIMIT / 6);
            let now = Instant::now();
            // It is closed where one was late.
            let _ = mta.try_send(half);
            if before.elapsed() > EARLIEST {
                return None;
            }
            before = now;
        }
    }
    mta.end();
    Some(mta.rest())
}

pub(crate) fn idle_connection_is_closed(on: On) {
    let told = Told::default();
    let scene = on.serve_with(told.watcher(), with(|deadlines| deadlines.idle = Some(LIMIT)));
    let began = Instant::now();
    let mut idle = scene.negotiate();
    let mut in_message = scene.negotiate();
    in_message.ask(&commands("CHMR"), &answers("cccc"));
    assert_eq!((idle.rest(), in_message.rest()), (Vec::new(), Vec::new()));
    assert!(began.elapsed() >= EARLIEST);
    scene.wait_for_connections(0);
    assert_eq!((&*told.on(1), &*told.on(2)), ("Q", "CHMRAQ"));
}

pub(crate) fn peer_that_does_not_read_is_closed(on: On) {
    let verbose = Verbose::default();
    let scene = on.serve_with(verbose.milter(), with(|deadlines| deadlines.write = Some(LIMIT)));
    let began = Instant::now();
    let mut mta = scene.negotiate();
    mta.send(&command(CommandKind::Mail));
    let error = verbose.flood(&mut mta, SOON).1;
    assert!(error.is_some(), "it is not closed");
    assert!(began.elapsed() >= EARLIEST);
    scene.wait_for_connections(0);
    assert_eq!(verbose.told.on(1), "AQ");
}

pub(crate) fn hook_that_takes_too_long_fails_the_message(on: On) {
    let told = Told::default();
    let (_gate, filter) = Waiting::at(CommandKind::Mail, &told);
    let scene = on.serve_with(filter.milter(), with(|deadlines| deadlines.hook = Some(LIMIT)));
    let mut mta = scene.negotiate();
    let began = Instant::now();
    mta.ask(&command(CommandKind::Mail), TEMP_FAIL);
    assert!(began.elapsed() >= EARLIEST);
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "M!Q");
}

pub(crate) fn end_of_message_that_takes_too_long_fails_it(on: On) {
    let told = Told::default();
    let (_gate, filter) = Waiting::at(CommandKind::EndOfMessage, &told);
    // A hook of another stage may take less.
    let limits = |deadlines: &mut Deadlines| {
        (deadlines.hook, deadlines.end_of_message) = (Some(LIMIT / 2), Some(LIMIT));
    };
    let scene = on.serve_with(filter.milter(), with(limits));
    let mut mta = scene.negotiate();
    mta.ask(&commands("MR"), &answers("cc"));
    let began = Instant::now();
    mta.send(&command(CommandKind::EndOfMessage));
    // A machine that is busy may be told first that it is worked on.
    let answer = mta.rest();
    assert!(answer.ends_with(TEMP_FAIL) && answer.len() < 100, "{answer:?}");
    assert!(began.elapsed() >= EARLIEST);
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "MRE!Q");
}

pub(crate) fn none_switches_a_deadline_off(on: On) {
    let (gate, filter) = Waiting::at(CommandKind::Rcpt, &Told::default());
    let shortest = Some(LIMIT / 3);
    let settings = with(|deadlines| {
        deadlines.first_packet = None;
        deadlines.packet = None;
        deadlines.idle = None;
        deadlines.hook = None;
        // These are waited for by nobody here.
        (deadlines.write, deadlines.end_of_message, deadlines.peer_gone) = (shortest, shortest, shortest);
    });
    let scene = on.serve_with(filter.milter(), settings);
    let mut silent = scene.connect();
    let mut half = scene.negotiate();
    half.send(&command(CommandKind::Mail)[..7]);
    let mut idle = scene.negotiate();
    let mut hook = scene.negotiate();
    hook.ask(&command(CommandKind::Mail), CONTINUE);
    hook.send(&command(CommandKind::Rcpt));
    sleep(2 * LIMIT);
    drop(gate);
    hook.expect(CONTINUE);
    half.ask(&command(CommandKind::Mail)[7..], CONTINUE);
    idle.ask(&command(CommandKind::Mail), CONTINUE);
    silent.negotiate();
}
