//! The page, as a plain HTTP client reads it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::TIMEOUT;

/// What is counted, by its name with its labels.
pub(crate) type Counts = BTreeMap<String, String>;

/// Status line and headers, and the body, of one request.
#[track_caller]
pub(crate) fn request(address: &str, line: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(format!("{line} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Everything that is counted, as soon as all connections are over and there were `connections` of them.
#[track_caller]
pub(crate) fn counts(address: &str, connections: usize) -> Counts {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let (head, body) = request(address, "GET /metrics");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let counts = parse(&body);
        let ended = |(name, _): &(&String, &String)| name.starts_with("milter_connections_ended_total");
        let ended: usize =
            counts.iter().filter(ended).map(|(_, count)| count.parse::<usize>().unwrap()).sum();
        if ended == connections {
            return counts;
        }
        assert!(Instant::now() < deadline && ended < connections, "{ended} of {connections} ended:\n{body}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the page has this line.
#[track_caller]
pub(crate) fn wait_for_line(address: &str, line: &str) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let (_, body) = request(address, "GET /metrics");
        if body.lines().any(|found| found == line) {
            return;
        }
        assert!(Instant::now() < deadline, "{line} is not in:\n{body}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// [`counts`] without the times, which nobody knows before.
#[track_caller]
pub(crate) fn certain(counts: &Counts) -> Vec<String> {
    let is_certain =
        |name: &str| !name.starts_with("milter_hook_duration_seconds_") || name.contains("_count");
    counts
        .iter()
        .filter(|(name, _)| is_certain(name))
        .map(|(name, count)| format!("{name} {count}"))
        .collect()
}

fn parse(body: &str) -> Counts {
    assert!(body.ends_with("# EOF\n"), "{body}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), count.to_owned())
        })
        .collect()
}
