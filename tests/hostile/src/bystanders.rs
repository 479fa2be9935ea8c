//! Well-behaved MTAs beside an attack: how they are served meanwhile.

use crate::peer::Peer;
use crate::victim::Victim;
use milter_proto::Endpoint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a bystander waits between its sessions: it is no attacker.
const PAUSE: Duration = Duration::from_millis(2);

/// How well-behaved sessions were served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    /// The slowest whole session, from its connection to its end.
    pub(crate) slowest: Duration,
    /// Sessions that were not served as they should.
    pub(crate) lost: usize,
}

/// Does something while so many bystanders have one session after the other; each has at least one.
pub(crate) fn served_beside<T>(
    victim: &Victim,
    bystanders: usize,
    attack: impl FnOnce() -> T,
) -> (T, Service) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..bystanders).map(|_| scope.spawn(|| watch(&victim.endpoint, &over))).collect();
        let end = End(&over);
        let done = attack();
        drop(end);
        let mut service = Service::default();
        for thread in threads {
            let one = thread.join().unwrap_or_else(|_| panic!("a bystander panicked"));
            service.slowest = service.slowest.max(one.slowest);
            service.lost += one.lost;
        }
        (done, service)
    })
}

/// Ends the bystanders also if the attack panics: its scope waits for them.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn watch(endpoint: &Endpoint, over: &AtomicBool) -> Service {
    let mut service = Service::default();
    loop {
        let start = Instant::now();
        if let Err(error) = Peer::session(endpoint, "<beside@good>") {
            eprintln!("a well-behaved session was not served: {error}");
            service.lost += 1;
        }
        service.slowest = service.slowest.max(start.elapsed());
        if over.load(Ordering::Relaxed) {
            return service;
        }
        thread::sleep(PAUSE);
    }
}
