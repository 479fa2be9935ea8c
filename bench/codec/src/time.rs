//! Time: medians of rounds in which everything that is compared takes its turn.

use crate::seen::Seen;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a sample takes at least: so short that most of them are not interrupted, however busy the machine is.
const SAMPLE: Duration = Duration::from_micros(100);

/// The time of one run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timing {
    /// Nanoseconds.
    pub nanoseconds: f64,
    /// How many times that of the first run of the same round.
    pub ratio: f64,
}

/// Measures runs against the first of them. A machine that is busy with something else slows all runs of a round, so
/// ratios are steadier than times.
pub fn compare(runs: &mut [Box<dyn FnMut() -> Seen + '_>], rounds: usize) -> Vec<Timing> {
    let repetitions: Vec<u32> = runs.iter_mut().map(repetitions).collect();
    let rounds: Vec<Vec<f64>> = (0..rounds)
        .map(|_| runs.iter_mut().zip(&repetitions).map(|(run, count)| sample(run, *count)).collect())
        .collect();
    (0..runs.len())
        .map(|run| Timing {
            nanoseconds: median(rounds.iter().map(|round| round[run])),
            ratio: median(rounds.iter().map(|round| round[run] / round[0])),
        })
        .collect()
}

/// How often a run is to be repeated for a sample.
fn repetitions(run: &mut impl FnMut() -> Seen) -> u32 {
    let mut count = 1;
    while sample(run, count) * f64::from(count) < SAMPLE.as_nanos() as f64 {
        count *= 2;
    }
    count
}

/// Nanoseconds of a run.
fn sample(run: &mut impl FnMut() -> Seen, count: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        black_box(run());
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
