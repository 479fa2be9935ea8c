//! The benchmark of the servers runs: each of them answers all that it is asked. How fast is nobody's business here.

use clap::Parser;
use milter_bench::Servers;
use std::path::Path;

const FILTER: &str = env!("CARGO_BIN_EXE_bench-filter");
const SCENARIOS: [&str; 6] = ["reuse", "small", "headers", "large", "no-reply", "idle:20"];
const RUNTIMES: [&str; 4] = ["tokio", "tokio1", "smol", "async-std"];

#[test]
fn every_scenario_is_measured_on_each_runtime_and_socket() {
    let runtimes = RUNTIMES.iter().flat_map(|runtime| ["--runtime", runtime]);
    let output = measure(runtimes.chain(["--socket", "unix", "--socket", "tcp"]).chain(SCENARIOS));
    for scenario in SCENARIOS {
        for runtime in RUNTIMES {
            for socket in ["unix", "tcp"] {
                let rates = rates(&output, [scenario, runtime, socket]);
                assert_eq!(rates.len(), 1, "{scenario}, {runtime}, {socket}: {output}");
                assert!(scenario == "idle:20" || rates[0] > 0.0, "{output}");
            }
        }
    }
}

#[test]
fn a_program_of_somebody_else_is_measured_beside_ours() {
    let output = measure(["--runtime", "tokio", "--socket", "unix", "--beside", FILTER, "reuse", "no-reply"]);
    for scenario in ["reuse", "no-reply"] {
        let rates = rates(&output, [scenario, "tokio", "unix"]);
        assert!(rates.len() == 1 && rates[0] > 0.0, "{output}");
    }
}

#[test]
fn a_program_that_does_not_serve_is_told() {
    let servers = Servers::parse_from(["server", "--socket", "unix", "--beside", "false", "reuse"]);
    let told = servers.run(Path::new(FILTER), &mut Vec::new()).expect_err("nothing listens").to_string();
    assert!(told.contains(r#""false" "noop""#) && told.contains("does not listen"), "{told}");
}

/// One short round.
fn measure<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let short = ["server", "--bench", "--rounds", "1", "--milliseconds", "1"];
    let servers = Servers::parse_from(short.into_iter().chain(arguments));
    let mut output = Vec::new();
    servers.run(Path::new(FILTER), &mut output).expect("every server answers");
    String::from_utf8(output).expect("text")
}

/// The last figure of the lines that begin with these words.
fn rates(output: &str, words: [&str; 3]) -> Vec<f64> {
    let lines = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let named = lines.filter(|line| line.starts_with(&words));
    named.map(|line| line[line.len() - 1].parse().expect("a number")).collect()
}
