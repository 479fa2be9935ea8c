//! Filters made for these tests behind a real Postfix.

mod failures;
mod leading_space;
mod modifications;
mod sendmail;
mod slow;
mod state;

use std::time::Duration;

use milter_tests::{Postfix, Served, Sink};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A Postfix that asks this filter and delivers to `sink`.
fn postfix(filter: &Served, sink: &Sink) -> Postfix {
    Postfix::builder().milter(filter.spec()).deliver_to(sink).start()
}
