//! The codec, and a session without a socket: see ../README.md.

use milter_bench_codec::{
    Baseline, COUNTED, Case, Change, Counts, Group, run_for_valgrind, steps_table, time, tools,
};
use std::error::Error;
use std::process::ExitCode;

type Outcome = Result<ExitCode, Box<dyn Error>>;

const USAGE: &str = "usage: cargo bench -p milter-bench-codec [-- BYTES | -- --check | -- --accept]";
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");
const ROUNDS: usize = 251;

fn main() -> ExitCode {
    // Cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        [] => tables(|_| true).and_then(|_| steps()),
        ["--check"] => check(),
        ["--accept"] => accept(),
        [COUNTED, name] => counted(name),
        [bytes] if !bytes.starts_with('-') => tables(|group| group.is_of(bytes)),
        _ => Err(USAGE.into()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("codec: {error}");
        ExitCode::FAILURE
    })
}

fn tables(shown: impl Fn(Group) -> bool) -> Outcome {
    println!(
        "{:28} {:>11} {:>8} {:>8} {:>13} {:>8} {:>12}",
        "case", "ns", "/packet", "x naive", "instructions", "/packet", "allocations"
    );
    for group in Group::all().filter(|group| shown(*group)) {
        let recording = group.recording();
        let packets = recording.packets().len() as f64;
        let mut runs: Vec<_> = group.cases().map(|case| case.prepare(&recording)).collect();
        for (case, timing) in group.cases().zip(time::compare(&mut runs, ROUNDS)) {
            let counts = Counts::of(case, allocations)?;
            println!(
                "{:28} {:>11.0} {:>8.1} {:>8.2} {:>13} {:>8.0} {:>12}",
                case.to_string(),
                timing.nanoseconds,
                timing.nanoseconds / packets,
                timing.ratio,
                counts.instructions,
                counts.instructions as f64 / packets,
                counts.allocations,
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn steps() -> Outcome {
    println!("\n{:44} {:>8} {:>14}", "64 MiB of", "ns/step", "x full packet");
    for row in steps_table() {
        println!("{:44} {:>8.1} {:>14.4}", row.what, row.nanoseconds, row.ratio);
    }
    Ok(ExitCode::SUCCESS)
}

fn check() -> Outcome {
    let before: Baseline = std::fs::read_to_string(BASELINE)?.parse()?;
    let tools = tools()?;
    if before.tools() != tools {
        println!(
            "The counts of the baseline cannot be compared with those of this machine.\n  baseline: {}\n  here:     {tools}\n\
             Make a baseline with these tools and the sources as they were before your change, and commit it for itself:\n  \
             bench/check-counts --accept",
            before.tools(),
        );
        return Ok(ExitCode::FAILURE);
    }
    let changes = before.changes(&Baseline::of_this_build(allocations)?);
    for change in &changes {
        println!("{} {change}", if change.is_refused() { "REFUSED" } else { "       " });
    }
    if changes.iter().any(Change::is_refused) {
        println!(
            "Counts may grow by 3 %. If they are to grow by more, say why in the commit that brings the new baseline:\n  \
             bench/check-counts --accept"
        );
        return Ok(ExitCode::FAILURE);
    }
    println!("{} of the counts differ from the baseline, none by too much.", changes.len());
    Ok(ExitCode::SUCCESS)
}

fn accept() -> Outcome {
    std::fs::write(BASELINE, Baseline::of_this_build(allocations)?.to_string())?;
    println!("written: {BASELINE}");
    Ok(ExitCode::SUCCESS)
}

fn allocations(run: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(run).count_total
}

fn counted(name: &str) -> Outcome {
    run_for_valgrind(Case::named(name).ok_or_else(|| format!("no case is named {name}"))?);
    Ok(ExitCode::SUCCESS)
}
