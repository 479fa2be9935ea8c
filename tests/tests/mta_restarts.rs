//! A filter that is restarted every second while a real Postfix sends mail through it, on each runtime. The long form is
//! the program `restarts`.

use std::time::Duration;

use milter_tests::{Adapter, Restarts, Signal, Transport};

#[track_caller]
fn assert_nothing_is_lost(adapter: Adapter, transport: Transport, signal: Signal) {
    let restarts = Restarts {
        filter: env!("CARGO_BIN_EXE_restarts").into(),
        arguments: vec!["filter".to_owned()],
        adapter,
        transport,
        signal,
        messages: 300,
        every: Duration::from_secs(1),
    };
    let report = restarts.run();
    println!("{report}");
    assert!(report.is_good(signal), "{report}");
    assert!(report.ledger.accepted.len() >= 300 && report.restarts >= 3, "{report}");
}

#[test]
fn tokio_is_terminated() {
    assert_nothing_is_lost(Adapter::Tokio, Transport::Unix, Signal::SIGTERM);
}

#[test]
fn tokio_is_killed() {
    assert_nothing_is_lost(Adapter::Tokio, Transport::Tcp, Signal::SIGKILL);
}

#[test]
fn async_std_is_terminated() {
    assert_nothing_is_lost(Adapter::AsyncStd, Transport::Tcp, Signal::SIGTERM);
}

#[test]
fn async_std_is_killed() {
    assert_nothing_is_lost(Adapter::AsyncStd, Transport::Unix, Signal::SIGKILL);
}

#[test]
fn smol_is_terminated() {
    assert_nothing_is_lost(Adapter::Smol, Transport::Unix, Signal::SIGTERM);
}

#[test]
fn smol_is_killed() {
    assert_nothing_is_lost(Adapter::Smol, Transport::Tcp, Signal::SIGKILL);
}
