//! Scrapers that hold what they get hold nothing of the filter.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use milter_tests::{Runnable, runnable};

use super::TIMEOUT;
use super::mta::{HAM, OFFER, QUIT, say};
use super::page::request;

#[test]
fn silent_and_slow_scrapers_are_given_up_and_harm_nobody() {
    let mut command = Command::new(runnable("block-sender"));
    command.args(["--sender", "@spam", "--listen", "inet:127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    // Few descriptors: were they held, the filter would have none.
    let limited = "ulimit -n 40; exec \"$0\" \"$@\"";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", limited]).arg(command.get_program()).args(command.get_args()).env_clear();
    let program = Runnable::start(&mut shell);
    let line = program.wait_for_line("metrics at http://", TIMEOUT);
    let address = line.split_once("http://").unwrap().1.strip_suffix("/metrics").unwrap().to_owned();
    let spec = program.wait_for_line("listening on ", TIMEOUT).rsplit(' ').next().unwrap().to_owned();

    let mut held: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for slow in held.iter_mut().step_by(2) {
        slow.write_all(b"GET /metrics HTTP/1.1\r\nX-Slow: ").unwrap();
    }
    for _ in 0..20 {
        let (_, heard) = say(&spec, &[OFFER, HAM, QUIT]);
        assert_eq!(heard, 17 + 5);
    }
    // As long as they are held, 8 at a time: this one waits its turn behind all 60.
    let endless = [b"GET /metrics HTTP/1.1\r\nX-Long: ".as_slice(), &[b'x'; 100_000]].concat();
    let mut long = TcpStream::connect(&address).unwrap();
    // How much of it is taken before anybody reads is a matter of the system.
    long.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = long.write_all(&endless);
    drop(held);
    let (head, body) = request(&address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(body.contains("\nmilter_accept_failures_total 0\n"), "{body}");

    // Those that stay are given up after ten seconds.
    let held: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let (head, _) = request(&address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    drop(held);
}
