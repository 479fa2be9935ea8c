//! An MTA that goes away while a hook runs.

use crate::deadlines::with;
use crate::scene::{CONTINUE, EARLIEST, LIMIT, On, SOON, TEMP_FAIL, answers, command, commands};
use crate::waiting::{Waiting, at_mail};
use crate::watched::Told;
use milter_proto::{Abort, CommandKind, Context, Mail, Milter, Quit, Verdict};
use smol::Timer;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) fn end_of_stream_cancels_a_hook_after_its_grace(on: On) {
    let settings = with(|deadlines| deadlines.peer_gone = Some(LIMIT));
    let (told, _gate, scene, mut mta) = at_mail(on, settings);
    let began = Instant::now();
    mta.end();
    // Who has closed only half of the stream is told.
    mta.expect(TEMP_FAIL);
    assert!(began.elapsed() >= EARLIEST);
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "M!Q");
}

pub(crate) fn hook_within_its_grace_is_answered(on: On) {
    let told = Told::default();
    let (gate, filter) = Waiting::at(CommandKind::Mail, &told);
    let scene = on.serve_with(filter.milter(), with(|deadlines| deadlines.peer_gone = Some(SOON)));
    let mut mta = scene.negotiate();
    mta.send(&command(CommandKind::Mail));
    mta.end();
    sleep(Duration::from_millis(50));
    assert!(mta.hears_nothing());
    drop(gate);
    mta.expect(CONTINUE);
    assert_eq!(mta.rest(), b"");
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "MAQ");
}

pub(crate) fn who_sends_on_is_not_gone(on: On) {
    let settings = with(|deadlines| deadlines.peer_gone = Some(LIMIT));
    let (_told, gate, _scene, mut mta) = at_mail(on, settings);
    mta.send(&command(CommandKind::Rcpt));
    sleep(2 * LIMIT);
    drop(gate);
    mta.expect(&answers("cc"));
}

pub(crate) fn hook_has_its_time_where_none_is_set_for_who_has_gone(on: On) {
    let settings = with(|deadlines| (deadlines.peer_gone, deadlines.hook) = (None, Some(LIMIT)));
    let began = Instant::now();
    let (_told, _gate, _scene, mut mta) = at_mail(on, settings);
    mta.end();
    mta.expect(TEMP_FAIL);
    assert!(began.elapsed() >= EARLIEST);
}

pub(crate) fn reset_cancels_a_hook_at_once(on: On) {
    let told = Told::default();
    let (_gate, filter) = Waiting::at(CommandKind::Rcpt, &told);
    // Without these the end of the stream alone cancels nothing.
    let settings = with(|deadlines| (deadlines.peer_gone, deadlines.hook) = (None, None));
    let scene = on.serve_with(filter.milter(), settings);
    let mut mta = scene.negotiate();
    mta.send(&commands("MR"));
    told.wait_for(1, "MR");
    // It has not read the answer to MAIL: so this is a reset, on either kind of socket.
    drop(mta);
    scene.wait_for_connections(0);
    assert_eq!(told.on(1), "MR!AQ");
}

pub(crate) fn abort_and_quit_hooks_run_to_their_end(on: On) {
    let told = Told::default();
    let filter = told.clone();
    let milter = Milter::per_connection(move || filter.clone())
        .on_mail(async |told: &mut Told, _: Mail<'_>, cx: &mut Context| {
            told.write(cx.connection_id(), 'M');
            Verdict::Continue
        })
        .on_abort(async |told: &mut Told, _: Abort, cx: &mut Context| {
            Timer::after(LIMIT).await;
            told.write(cx.connection_id(), 'A');
        })
        .on_quit(async |told: &mut Told, _: Quit, cx: &mut Context| {
            Timer::after(LIMIT).await;
            told.write(cx.connection_id(), 'Q');
        });
    let settings = with(|deadlines| deadlines.peer_gone = Some(Duration::from_millis(1)));
    let scene = on.serve_with(milter, settings);
    let mut quits = scene.negotiate();
    quits.ask(&command(CommandKind::Mail), CONTINUE);
    quits.send(&commands("AQ"));
    drop(quits);
    let mut ends = scene.negotiate();
    ends.ask(&command(CommandKind::Mail), CONTINUE);
    drop(ends);
    let mut resets = scene.negotiate();
    resets.send(&command(CommandKind::Mail));
    told.wait_for(3, "M");
    drop(resets);
    scene.wait_for_connections(0);
    assert_eq!([1, 2, 3].map(|connection| told.on(connection)), ["MAQ"; 3]);
}
