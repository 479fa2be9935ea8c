//! Our filters against OpenDKIM's `miltertest`, an MTA's side that follows scripts in Lua. Each script runs over TCP and
//! over a unix socket.

mod filters;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use milter_tests::{MilterSocket, Runnable, Served, foreign, serve, serve_on};
use milter_tokio::Application;

const PATIENCE: Duration = Duration::from_secs(120);
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop_miltertest");

#[test]
fn what_is_wanted_is_negotiated() {
    passes("negotiation.lua", filters::picky());
}

#[test]
fn every_modification_is_understood() {
    passes("modifications.lua", filters::modifying());
}

#[test]
fn every_verdict_is_understood() {
    passes("verdicts.lua", filters::deciding());
}

#[test]
fn messages_of_a_connection_are_kept_apart() {
    passes("connection.lua", filters::knowing());
}

/// A script that always passes would prove nothing.
#[test]
fn a_filter_that_does_something_else_fails_the_script() {
    let filter = serve(filters::knowing());
    for (script, complaint) in [
        ("modifications.lua", "negotiated SMFIP_NOHDRS"),
        ("verdicts.lua", "expected the reply r, got c"),
        ("negotiation.lua", ": expected "),
    ] {
        let (succeeded, output) = run(script, &filter);
        assert!(!succeeded && output.contains(complaint), "{script}: {output}");
    }
}

#[track_caller]
fn passes(script: &str, filter: impl Application) {
    let filter = Arc::new(filter);
    let socket = MilterSocket::new();
    for served in [serve(Arc::clone(&filter)), serve_on(filter, &socket.spec())] {
        let (succeeded, output) = run(script, &served);
        assert!(succeeded, "{script} at {}:\n{output}", served.spec());
    }
}

/// Runs a script; gives whether it succeeded, and what it wrote.
#[track_caller]
fn run(script: &str, filter: &Served) -> (bool, String) {
    // Of TCP sockets miltertest knows one spelling.
    let socket = match filter.spec().strip_prefix("inet:").and_then(|spec| spec.rsplit_once(':')) {
        Some((host, port)) => format!("inet:{port}@{host}"),
        None => filter.spec().to_owned(),
    };
    let mut command = Command::new(foreign("miltertest"));
    command.arg("-D").arg(format!("socket={socket}")).arg("-D").arg(format!("script={SCRIPTS}/{script}"));
    command.arg("-s").arg(format!("{SCRIPTS}/check.lua"));
    let mut program = Runnable::start(&mut command);
    let status = program.wait(PATIENCE);
    (status.success(), [program.stdout(), program.stderr()].concat().join("\n"))
}
