//! The benchmark of the servers runs: each of them answers all that it is asked. How fast is nobody's business here.

use clap::Parser;
use milter_bench::Servers;
use std::path::Path;

const SCENARIOS: [&str; 6] = ["reuse", "small", "headers", "large", "no-reply", "idle:20"];
const RUNTIMES: [&str; 4] = ["tokio", "tokio1", "smol", "async-std"];

#[test]
fn every_scenario_is_measured_on_each_runtime_and_socket() {
    let short = ["server", "--bench", "--rounds", "1", "--milliseconds", "1"];
    let runtimes = RUNTIMES.iter().flat_map(|runtime| ["--runtime", runtime]);
    let sockets = ["--socket", "unix", "--socket", "tcp"];
    let servers = Servers::parse_from(short.into_iter().chain(runtimes).chain(sockets).chain(SCENARIOS));
    let mut output = Vec::new();
    servers.run(Path::new(env!("CARGO_BIN_EXE_bench-filter")), &mut output).expect("every server answers");
    let output = String::from_utf8(output).expect("text");
    for scenario in SCENARIOS {
        for runtime in RUNTIMES {
            for socket in ["unix", "tcp"] {
                let line = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
                let rates: Vec<f64> = line
                    .filter(|words| words.starts_with(&[scenario, runtime, socket]))
                    .map(|words| words[words.len() - 1].parse().expect("a number"))
                    .collect();
                assert_eq!(rates.len(), 1, "{scenario}, {runtime}, {socket}: {output}");
                assert!(scenario == "idle:20" || rates[0] > 0.0, "{output}");
            }
        }
    }
}
