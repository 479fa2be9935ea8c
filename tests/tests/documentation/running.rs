//! `docs/running.md`

use std::collections::BTreeSet;
use std::process::Command;

use milter_examples::cli::AFTER_HELP;
use milter_tests::{Runnable, runnable};

use super::TIMEOUT;
use super::page::{blocks, read, rows};

#[test]
fn variables_are_taken() {
    for block in blocks(&read("running.md"), "conf") {
        // Somebody else may have that port.
        let block = block.replace("127.0.0.1:9100", "127.0.0.1:0");
        let variables = block.lines().map(|line| line.split_once('=').unwrap());
        let mut command = Command::new(runnable("append-header"));
        command.env_clear().envs(variables).env("MILTER_LISTEN", "inet:127.0.0.1:0");
        let program = Runnable::start(&mut command);
        program.wait_for_line("metrics at http://127.0.0.1:", TIMEOUT);
        program.wait_for_line("listening on inet:", TIMEOUT);
    }
}

#[test]
fn metrics_are_those_that_help_names() {
    let page = read("running.md");
    let documented: BTreeSet<&str> = rows::<2>(&page)
        .into_iter()
        .filter_map(|[name, _]| name.strip_prefix('`')?.strip_suffix('`'))
        .filter(|name| name.starts_with("milter_"))
        .collect();
    let (_, help) = AFTER_HELP.split_once("Metrics (with --metrics-listen): ").unwrap();
    let (help, _) = help.split_once("\n\n").unwrap();
    let named: BTreeSet<&str> =
        help.trim_end_matches('.').split(", ").map(|name| name.trim_end_matches(" (a histogram)")).collect();
    assert_eq!(documented, named);
    assert_eq!(named.len(), 12);
}
