//! Many messages, and how long they take.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::options::Options;
use super::tap::Tap;
use crate::cli::Output;
use crate::trial::{Plan, Report, Verdict};

/// What became of many messages.
#[derive(Debug, Serialize)]
struct Summary {
    messages: usize,
    concurrency: u32,
    seconds: f64,
    messages_per_second: f64,
    /// How often which verdict came.
    verdicts: BTreeMap<&'static str, usize>,
    /// Of those that did not fail, from connecting to closing.
    milliseconds: Option<Latency>,
    /// The first one.
    failure: Option<String>,
    #[serde(skip)]
    worst: Verdict,
}

#[derive(Debug, Serialize)]
struct Latency {
    min: f64,
    median: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

pub(super) fn load(options: &Options, plan: &Plan) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let begun = Instant::now();
    let asked = runtime.block_on(ask_all(options, plan));
    let summary = Summary::of(&asked, options.concurrency(), begun.elapsed());
    let line = match options.output() {
        Output::Json => serde_json::to_string(&summary)?,
        Output::Text => summary.to_string(),
    };
    // If nobody reads stdout, the exit status says it alone.
    let _ = writeln!(io::stdout(), "{line}");
    Ok(summary.worst.exit_code())
}

/// How long it took, and what came of it.
struct Asked {
    milliseconds: f64,
    verdict: Verdict,
    failure: Option<String>,
}

async fn ask_all(options: &Options, plan: &Plan) -> Vec<Asked> {
    // Hidden unless stderr is a terminal.
    let bar = ProgressBar::new(options.repeat().into());
    let (next, repeat) = (Arc::new(AtomicU32::new(0)), options.repeat());
    let mut workers = JoinSet::new();
    for _ in 0..options.concurrency() {
        let (next, bar, plan, target) = (Arc::clone(&next), bar.clone(), plan.clone(), options.target());
        workers.spawn(async move {
            let mut asked = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < repeat {
                let begun = Instant::now();
                let Report { verdict, failure, .. } =
                    super::ask(&target, &plan, Tap::new(false).0, |_| {}).await;
                let failure = failure.map(|failure| format!("at {}: {}", failure.stage, failure.error));
                asked.push(Asked { milliseconds: begun.elapsed().as_secs_f64() * 1000.0, verdict, failure });
                bar.inc(1);
            }
            asked
        });
    }
    let asked = workers.join_all().await.into_iter().flatten().collect();
    bar.finish_and_clear();
    asked
}

impl Summary {
    fn of(asked: &[Asked], concurrency: u32, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        let mut verdicts = BTreeMap::new();
        for one in asked {
            *verdicts.entry(one.verdict.words()).or_default() += 1;
        }
        let mut times: Vec<f64> =
            asked.iter().filter(|one| one.failure.is_none()).map(|one| one.milliseconds).collect();
        times.sort_by(f64::total_cmp);
        let by_severity = [Verdict::Failed, Verdict::TemporaryFailure, Verdict::Rejected].into_iter();
        Self {
            messages: asked.len(),
            concurrency,
            seconds,
            messages_per_second: asked.len() as f64 / seconds.max(f64::EPSILON),
            verdicts,
            milliseconds: Latency::of(&times),
            failure: asked.iter().find_map(|one| one.failure.clone()),
            worst: by_severity
                .clone()
                .find(|verdict| asked.iter().any(|one| one.verdict == *verdict))
                .unwrap_or(Verdict::Accepted),
        }
    }
}

impl Latency {
    /// Of sorted times, by the nearest rank.
    fn of(times: &[f64]) -> Option<Self> {
        let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Self {
            min: *times.first()?,
            median: rank(50)?,
            p95: rank(95)?,
            p99: rank(99)?,
            max: *times.last()?,
        })
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, concurrency, seconds, messages_per_second, .. } = self;
        writeln!(
            f,
            "{messages} messages, {concurrency} at a time, in {seconds:.3} s: {messages_per_second:.0} per second"
        )?;
        let verdicts = self.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}"));
        write!(f, "{}", verdicts.collect::<Vec<_>>().join("; "))?;
        if let Some(Latency { min, median, p95, p99, max }) = &self.milliseconds {
            write!(f, "\nms: min {min:.3}, median {median:.3}, 95% {p95:.3}, 99% {p99:.3}, max {max:.3}")?;
        }
        match &self.failure {
            Some(failure) => write!(f, "\nfailed {failure}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_ranked() {
        assert!(Latency::of(&[]).is_none());
        let times: Vec<f64> = (1..=100).map(f64::from).collect();
        let Latency { min, median, p95, p99, max } = Latency::of(&times).unwrap();
        assert_eq!([min, median, p95, p99, max], [1.0, 50.0, 95.0, 99.0, 100.0]);
        let Latency { min, median, p99, .. } = Latency::of(&[7.0]).unwrap();
        assert_eq!([min, median, p99], [7.0; 3]);
    }
}
