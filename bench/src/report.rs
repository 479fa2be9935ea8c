//! What is printed.

use crate::case::{Case, Pair};
use crate::scenario::Scenario;

pub(crate) fn heading(scenario: Scenario) -> String {
    let (cost, rate) = match scenario {
        Scenario::Idle(_) => ("KiB/conn.", "ms CPU/s"),
        _ => ("µs/message", "messages/s"),
    };
    format!(
        "{:12} {:10} {:6} {cost:>11} {:>9} {:>7} {:>13} {rate:>11}",
        "scenario", "runtime", "socket", "beside", "ratio", "from … to"
    )
}

/// Medians of the rounds; a ratio is taken inside a round.
pub(crate) fn line(case: &Case, rounds: &[Pair]) -> String {
    let of = |figure: fn(&Pair) -> f64| sorted(rounds.iter().map(figure).collect());
    let ours = of(|pair| pair.ours.cost);
    let other = of(|pair| pair.other.cost);
    let ratio = of(|pair| pair.ours.cost / pair.other.cost);
    let rate = of(|pair| pair.ours.rate);
    format!(
        "{:12} {:10} {:6} {:>11.2} {:>9.2} {:>7.2} {:>13} {:>11.1}",
        case.scenario.to_string(),
        case.runtime.name(),
        case.socket.name(),
        median(&ours),
        median(&other),
        median(&ratio),
        format!("{:.2} … {:.2}", ratio[0], ratio[ratio.len() - 1]),
        median(&rate),
    )
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}
