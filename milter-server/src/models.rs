//! The synchronisation of a server, run by [shuttle] in many orders: each model ends in all of them, and with what it promises.
//!
//! The code is that of the server itself, on other primitives: in unit tests `sync` and `clock` are the modules of these names
//! beside this one. Time stands still unless a model lets it pass: whoever misses to be woken then waits for ever, which
//! shuttle reports, with the order in which it happened.
//!
//! | what is shared | by whom | models |
//! | --- | --- | --- |
//! | `Registry::connections`, a lock; `ended`, an event | connections that begin and end, whoever counts them | `endings`, `limit` |
//! | `Registry::phase_changed`, an event; `Link::phase` and `waker` | who ends the server, its connections | `endings`, `server` |
//! | `Registry::next_look`; `sooner`, an event; `Link::deadline` | connections that wait, the thread of the deadlines | `deadlines` |
//! | `DeadlineThread::ended` | this thread, the end of the server | `deadlines`, `server` |
//! | `Scoped`, locks and wakers | accept loops, the server that has them | `scoped`, `server` |
//! | `Link::negotiation` | a connection, whoever needs its place | `limit` |
//! | places for newcomers, a semaphore | accept loops, connections that begin | `limit`, `accepting` |
//!
//! Two locks are beside these that nothing is waited for under: around the filter, in `Handle`, and around inherited sockets.
//!
//! shuttle knows sequential consistency only. The deadlines are kept by it; of what is weaker, a phase is published by the
//! lock or by the waker, and a negotiation is one value.

mod accepting;
mod deadlines;
mod endings;
mod limit;
mod runtime;
mod scoped;
mod server;

use crate::link::{Interruption, Wait, Watch};
use crate::registry::Registry;
use milter_proto::{Deadlines, Waiting};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::future::poll_fn;
use std::sync::Arc;

/// How many orders are tried in each of the two ways.
const ORDERS: usize = 5_000;

/// At how many places, in the second way, a thread is held up that could have gone on.
const SWITCHES: usize = 3;

/// Runs a model in orders of two kinds: any that chance makes, and such with few switches, at places that chance makes.
fn check(model: fn()) {
    run(RandomScheduler::new(ORDERS), model);
    run(PctScheduler::new(SWITCHES, ORDERS), model);
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) {
    let mut config = Config::default();
    config.silence_warnings = true; // about weaker orders of memory, see above
    let orders = Runner::new(scheduler, config).run(model);
    assert_eq!(orders, ORDERS);
}

/// A new connection, and its end of the link.
fn connect(registry: &Arc<Registry>) -> Watch {
    Watch::new(Arc::clone(registry), registry.begin(usize::MAX).expect("a place"))
}

/// A wait of which nothing but its interruption comes.
async fn interrupted(watch: &Watch, deadlines: &Deadlines, drains: bool) -> Interruption {
    let mut wait = Wait::new(Waiting::Command);
    wait.drains = drains;
    poll_fn(|cx| watch.poll_interrupted(cx, &mut wait, deadlines)).await
}

/// Deadlines of which none ever passes.
fn none() -> Deadlines {
    let mut deadlines = Deadlines::default();
    deadlines.idle = None;
    deadlines
}
