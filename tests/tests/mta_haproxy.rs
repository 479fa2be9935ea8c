//! Two instances of a program behind HAProxy, by the configuration of `docs/haproxy.cfg`; one is killed while a real Postfix
//! sends mail through them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use milter_tests::{FilterProgram, Load, Postfix, Runnable, Settled, Signal, Sink, Transport, foreign};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Their addresses in `docs/haproxy.cfg`.
const ADDRESSES: [&str; 3] = ["127.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:9002"];

/// HAProxy in front of these filters, and where it listens.
fn balance(filters: &[FilterProgram; 2], directory: &Path) -> (Runnable, String) {
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/haproxy.cfg")).unwrap();
    let specs = filters.each_ref().map(|filter| filter.spec().strip_prefix("inet:").unwrap());
    // Somebody else may take the port before HAProxy does.
    for _ in 0..10 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut text = documented.clone();
        for (address, here) in ADDRESSES.into_iter().zip([&*free, specs[0], specs[1]]) {
            assert_eq!(text.matches(address).count(), 1, "{address}");
            text = text.replace(address, here);
        }
        let file = directory.join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let mut haproxy =
            Runnable::start(Command::new(foreign("haproxy")).arg("-db").arg("-f").arg(&file).env_clear());
        // It is there as soon as it takes connections; if it cannot bind it ends.
        while haproxy.is_running() {
            if std::net::TcpStream::connect(&free).is_ok() {
                return (haproxy, format!("inet:{free}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(haproxy.stderr().join("\n").contains("Address already in use"), "{:?}", haproxy.stderr());
    }
    panic!("HAProxy found no free port");
}

#[test]
fn killed_instance_loses_nothing_and_the_other_goes_on() {
    let start = || FilterProgram::start(Transport::Tcp, "append-header", &[]);
    let mut filters = [start(), start()];
    let directory = tempfile::tempdir().unwrap();
    let (haproxy, spec) = balance(&filters, directory.path());
    let sink = Sink::start();
    let postfix = Postfix::builder().milter(&spec).deliver_to(&sink).start();

    let ledger = Load::new(postfix.smtp_address(), 400, 8).run(|progress| {
        progress.wait_for(100);
        let killed = filters[0].end(Signal::SIGKILL);
        assert!(!killed.success());
        // The other one does all of the work.
        progress.wait_for(progress.accepted() + 100);
        filters[0].restart();
        progress.wait_for(progress.accepted() + 100);
    });
    let settled = ledger
        .settle(&postfix, &sink, |message, _| message.header_values("X-Milter-Client-IP") == [b"127.0.0.1"]);
    println!("{} accepted, put off: {:?}, {settled:?}", ledger.accepted.len(), ledger.refused);
    assert_eq!(settled, Settled::default());
    assert!(ledger.accepted.len() >= 400);
    // Each SMTP session that was with the killed instance lost at most one message, which came again; those that began
    // later noticed nothing. Twice as many, should a busy machine make HAProxy doubt the other instance as well.
    assert!(ledger.refused.values().sum::<usize>() <= 2 * 8, "{:?}", ledger.refused);

    // Both had their share, by the balancer's own word: it logs the server of each connection.
    haproxy.wait_for_line("milter milter/one ", TIMEOUT);
    haproxy.wait_for_line("milter milter/two ", TIMEOUT);
}
