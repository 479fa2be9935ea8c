//! `--metrics-listen`: what Prometheus reads is what happened, on each runtime, and reading it costs the filter nothing.

mod endings;
mod mta;
mod page;
mod runnable;
mod scrapers;

use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
