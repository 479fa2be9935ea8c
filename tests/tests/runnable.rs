//! Tests of the part of the harness that runs programs.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use milter_tests::{Runnable, Signal};

const TIMEOUT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Runnable {
    Runnable::start(Command::new("/bin/sh").args(["-c", script]))
}

#[test]
fn output_is_captured_and_status_given() {
    let mut program = shell("echo one; echo two >&2; echo three; exit 7");
    assert_eq!(program.wait_for_line("thr", TIMEOUT), "three");
    assert_eq!(program.wait(TIMEOUT).code(), Some(7));
    assert_eq!(program.stdout(), ["one", "three"]);
    assert_eq!(program.stderr(), ["two"]);
    assert_eq!(program.wait_for_lines("o", 2, TIMEOUT).len(), 2);
}

#[test]
fn signals_arrive() {
    let mut program = shell("trap 'echo ending; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
    program.wait_for_line("ready", TIMEOUT);
    program.signal(Signal::SIGTERM);
    program.wait_for_line("ending", TIMEOUT);
    assert_eq!(program.wait(TIMEOUT).code(), Some(3));
}

#[test]
fn kill_takes_children_along() {
    let mut program = shell("sleep 1000 & echo child $!; wait");
    let line = program.wait_for_line("child", TIMEOUT);
    assert_eq!(program.kill().signal(), Some(Signal::SIGKILL as i32));
    let child = line.trim_start_matches("child ").to_owned();
    let deadline = Instant::now() + TIMEOUT;
    while is_running(&child) {
        assert!(Instant::now() < deadline, "process {child} still runs");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[should_panic(expected = "0 of 1 lines with \"never\"")]
fn missing_line_fails_as_soon_as_the_output_ends() {
    shell("echo something else").wait_for_line("never", Duration::from_secs(3600));
}

#[test]
#[should_panic(expected = "still runs after")]
fn endless_program_fails_the_wait() {
    shell("exec sleep 1000").wait(Duration::from_millis(50));
}

/// Whether the process exists and is no zombie.
fn is_running(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}
