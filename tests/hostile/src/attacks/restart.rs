//! Filters that die, start again, and start beside each other.

use crate::arena::{Arena, Transport};
use crate::figure::Report;
use crate::peer::Peer;
use crate::victim::{PATIENCE, Victim, command, listening};
use milter_proto::Endpoint;
use milter_tests::{MilterSocket, Runnable, Signal};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(500);
const AT_ONCE: usize = 6;

/// R19.
pub(super) fn restart(arena: &Arena) -> Report {
    let mut report = Report::default();
    let mut victim = Victim::start(arena);
    hangup(&mut victim, &mut report);
    second(arena, &mut victim, &mut report);
    killed(arena, victim, &mut report);
    if arena.transport == Transport::Unix {
        stale(arena, &mut report);
        occupied(arena, &mut report);
        mode(arena, &mut report);
    }
    report
}

fn is_served(endpoint: &Endpoint) -> usize {
    usize::from(Peer::session(endpoint, "<again@good>").is_ok())
}

fn hangup(victim: &mut Victim, report: &mut Report) {
    let mut peer = victim.in_message("<open@good>");
    victim.program.signal(Signal::SIGHUP);
    report.count("messages open at SIGHUP that were answered", usize::from(peer.ends().is_ok()), 1);
    report.count("served after SIGHUP", is_served(&victim.endpoint), 1);
}

/// A second instance is refused, and the first one does not notice.
fn second(arena: &Arena, victim: &mut Victim, report: &mut Report) {
    let mut second = Runnable::start(&mut command(arena, &victim.endpoint.to_string()));
    let refused = second.wait(PATIENCE).code() == Some(1);
    report.count("second instance is refused", usize::from(refused), 1);
    report.count("first instance serves beside it", is_served(&victim.endpoint), 1);
}

fn killed(arena: &Arena, mut victim: Victim, report: &mut Report) {
    let _open = victim.in_message("<open@good>");
    victim.program.kill();
    let start = Instant::now();
    let again = Runnable::start(&mut command(arena, &victim.endpoint.to_string()));
    listening(&again);
    let served = is_served(&victim.endpoint);
    report.time("served again after SIGKILL", start.elapsed(), SOON);
    report.count("instances that serve after SIGKILL", served, 1);
    drop(again);
}

/// Over the socket of one that died many start at once.
fn stale(arena: &Arena, report: &mut Report) {
    let mut dead = Victim::start(arena);
    dead.program.kill();
    let spec = dead.endpoint.to_string();
    let mut started: Vec<Runnable> =
        (0..AT_ONCE).map(|_| Runnable::start(&mut command(arena, &spec))).collect();
    let start = Instant::now();
    let running = |started: &mut Vec<Runnable>| {
        started.iter_mut().filter_map(|one| one.is_running().then_some(())).count()
    };
    while running(&mut started) > 1 && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(10));
    }
    // The winner may not listen yet.
    let winner = started.iter_mut().find_map(|one| one.is_running().then_some(one));
    if let Some(winner) = winner {
        listening(winner);
    }
    report.count(
        &format!("of {AT_ONCE} that start at once over a stale socket, run"),
        running(&mut started),
        1,
    );
    report.count("of them, serve", is_served(&dead.endpoint), 1);
}

/// What is no socket of ours is not touched.
fn occupied(arena: &Arena, report: &mut Report) {
    let (mut touched, mut started) = (0, 0);
    let mut try_over = |socket: &MilterSocket, is_untouched: &dyn Fn() -> bool| {
        let mut program = Runnable::start(&mut command(arena, &socket.spec()));
        started += usize::from(program.wait(PATIENCE).code() != Some(1));
        touched += usize::from(!is_untouched());
    };
    let file = MilterSocket::new();
    fs::write(file.path(), "precious").unwrap_or_else(|error| panic!("{error}"));
    try_over(&file, &|| fs::read(file.path()).is_ok_and(|content| content == b"precious"));
    let link = MilterSocket::new();
    let target = link.path().with_file_name("target");
    fs::write(&target, "precious")
        .and_then(|()| symlink(&target, link.path()))
        .unwrap_or_else(|e| panic!("{e}"));
    try_over(&link, &|| {
        fs::read_link(link.path()).is_ok_and(|found| found == target)
            && fs::read(&target).is_ok_and(|content| content == b"precious")
    });
    let other = MilterSocket::new();
    let listener = UnixListener::bind(other.path()).unwrap_or_else(|error| panic!("{error}"));
    let inode = || fs::symlink_metadata(other.path()).map(|found| found.ino()).ok();
    let before = inode();
    try_over(&other, &|| inode() == before);
    drop(listener);
    report.count("instances that start over a file, a link or a foreign socket", started, 0);
    report.count("of these, touched", touched, 0);
}

fn mode(arena: &Arena, report: &mut Report) {
    let socket = MilterSocket::new();
    let filter = command(arena, &socket.spec());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(filter.get_program()).args(filter.get_args());
    let program = Runnable::start(&mut shell);
    listening(&program);
    let mode = fs::metadata(socket.path()).map_or(0, |found| found.permissions().mode() & 0o777);
    report.count("mode 0660 under umask 0", usize::from(mode == 0o660), 1);
}
