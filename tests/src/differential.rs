//! Our library and libmilter live the same mutated sessions, octet by octet, with the same filter on top.
//!
//! What MTAs said in the recorded sessions is changed in a few places; two filters, of which each answer follows from
//! what it is told, are told it. What they are told and what they answer must be the same, and whether the connection is
//! closed; otherwise it is a difference that is listed, in `listed.rs`, with its reason. No clock decides anything: all that is
//! sent ends with the end of the stream, so that who has nothing to say ends as well.

mod beside;
mod difference;
mod filter;
mod libmilter;
mod listed;
mod mutation;
mod ours;
mod packets;
mod reason;
mod report;
mod slots;
mod table;

pub use report::Report;

use std::ops::Range;
use std::thread;

use fastrand::Rng;

use difference::{Both, Difference};
use filter::KINDS;
use libmilter::Libmilter;

/// Lives the sessions of these numbers that follow from a seed, several at once.
///
/// # Panics
///
/// If libmilter is not installed, or hangs.
pub fn run(seed: u64, sessions: Range<u64>) -> Report {
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let share = |worker: u64| sessions.clone().filter(move |number| number % workers == worker);
    let mut report = Report::default();
    thread::scope(|scope| {
        let running: Vec<_> =
            (0..workers).map(|worker| scope.spawn(move || live(seed, share(worker)))).collect();
        for worker in running {
            report.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    report
}

fn live(seed: u64, sessions: impl Iterator<Item = u64>) -> Report {
    let mut report = Report::default();
    let mut libmilters = KINDS.map(|kind| Libmilter::start(&kind));
    for number in sessions {
        let mut rng = Rng::with_seed(seed.rotate_left(32) ^ number);
        let which = rng.usize(..KINDS.len());
        let kind = &KINDS[which];
        let mut octets = mutation::session(&mut rng).concat();
        if rng.u8(..4) != 0 {
            octets = ours::heeding(kind, packets::cut(&octets)).concat();
        }
        let packets = packets::cut(&octets);
        let ours = ours::live(kind, &packets);
        let theirs = libmilters[which].live(&octets);
        let passed = table::passed(kind, &packets, &ours);
        let both = Both { kind, packets: &packets, ours: &ours, theirs: &theirs, passed: &passed };
        report.enter(number, &both, Difference::find(&both).as_ref());
    }
    report
}
