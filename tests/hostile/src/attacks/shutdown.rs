//! The end in good order, whoever is connected.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect, seen_of};
use crate::victim::{PATIENCE, Victim};
use milter_proto::Endpoint;
use milter_tests::{Signal, packet};
use std::path::Path;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(500);
const HALF_WAY: usize = 200;
const IDLE: usize = 20;
const DRAIN: Duration = Duration::from_secs(1);

/// R18.
pub(super) fn shutdown(arena: &Arena) -> Report {
    let mut report = Report::default();
    for (name, signal) in [("SIGTERM", Signal::SIGTERM), ("SIGINT", Signal::SIGINT)] {
        idle(Victim::start(arena), name, signal, &mut report);
    }
    busy(Victim::start(arena), &mut report);
    hung(Victim::start_with(arena, &["--drain-timeout", "1000"]), &mut report);
    twice(Victim::start(arena), &mut report);
    report
}

/// How long a filter takes to end, and whether it does so by exit status 0.
fn ended(victim: &mut Victim) -> (Duration, bool) {
    let start = Instant::now();
    let status = victim.program.wait(PATIENCE);
    (start.elapsed(), status.code() == Some(0))
}

fn idle(mut victim: Victim, name: &str, signal: Signal, report: &mut Report) {
    let _idle = victim.negotiated();
    victim.program.signal(signal);
    let (time, good) = ended(&mut victim);
    report.time(&format!("end after {name}, idle"), time, SOON);
    report.count(&format!("exit status 0 after {name}"), usize::from(good), 1);
    report.count(&format!("files that {name} leaves"), files_of(&victim.endpoint), 0);
}

/// The socket, and the lock beside it.
fn files_of(endpoint: &Endpoint) -> usize {
    let Endpoint::Unix { path } = endpoint else { return 0 };
    [path.clone(), format!("{path}.lock")].iter().filter(|path| Path::new(path).exists()).count()
}

/// Messages that are half-way are finished, at their peers' pace.
fn busy(mut victim: Victim, report: &mut Report) {
    let mut peers: Vec<Peer> = (0..HALF_WAY).map(|_| victim.in_message("<half@way>")).collect();
    let idle: Vec<Peer> = (0..IDLE).map(|_| victim.negotiated()).collect();
    victim.program.signal(Signal::SIGTERM);
    let closed = idle.into_iter().map(|mut peer| peer.hears_end()).filter(Result::is_ok).count();
    report.count(&format!("of {IDLE} idle connections, closed at SIGTERM"), closed, IDLE);
    let refused = Peer::connect(&victim.endpoint).is_err();
    report.count("new connections are refused", usize::from(refused), 1);
    report.at_rest("processor time while they take their time", &victim);
    let answers = peers.iter_mut().map(|peer| expect(&peer.ends()?, &seen_of("attacker", "<half@way>", 1)));
    let answered =
        answers.map(|answer| answer.inspect_err(|error| eprintln!("half-way at SIGTERM: {error}")));
    report.count("messages half-way that were answered", answered.filter_map(Result::ok).count(), HALF_WAY);
    let (time, good) = ended(&mut victim);
    report.time("end after the last of them", time, SOON);
    report.count("exit status 0 after them", usize::from(good), 1);
    report.count("files left after them", files_of(&victim.endpoint), 0);
}

/// Handlers that never end are given up.
fn hung(mut victim: Victim, report: &mut Report) {
    let mut peers: Vec<Peer> = (0..5).map(|_| victim.in_message("<hang@end>")).collect();
    for peer in &mut peers {
        peer.send(&packet(b'E', b"")).unwrap_or_else(|error| panic!("{error}"));
    }
    let start = Instant::now();
    victim.program.signal(Signal::SIGTERM);
    report.at_rest("processor time with hung handlers meanwhile", &victim);
    let (_, good) = ended(&mut victim);
    report.deadline("end with hung handlers, at the drain limit", start.elapsed(), DRAIN);
    report.count("exit status 0 with hung handlers", usize::from(good), 1);
}

/// A second signal does not wait.
fn twice(mut victim: Victim, report: &mut Report) {
    let _open = victim.in_message("<half@way>");
    let mut idle = victim.negotiated();
    victim.program.signal(Signal::SIGTERM);
    // Once this one is closed the first signal was seen.
    idle.hears_end().unwrap_or_else(|error| panic!("not closed: {error}"));
    victim.program.signal(Signal::SIGTERM);
    let (time, good) = ended(&mut victim);
    report.time("end after a second signal", time, SOON);
    report.count("exit status 0 after a second signal", usize::from(good), 1);
}
