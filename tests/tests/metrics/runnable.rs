//! A program, on each runtime, over real sockets.

use std::process::Command;

use milter_tests::{Adapter, Runnable, runnable};

use super::TIMEOUT;
use super::mta::{END, HAM, OFFER, QUIT, SPAM, say};
use super::page::{certain, counts, request};

/// A program, where its filter listens, and where its metrics are.
fn start(adapter: Adapter) -> (Runnable, String, String) {
    let mut command = Command::new(runnable("block-sender"));
    command.args(["--sender", "@spam", "--listen", "inet:127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    let program = Runnable::start(command.args(["--runtime", adapter.name()]).env_clear());
    let after = |mark| program.wait_for_line(mark, TIMEOUT).split_once(mark).unwrap().1.to_owned();
    let address = after("metrics at http://").strip_suffix("/metrics").unwrap().to_owned();
    let spec = after("listening on ");
    (program, spec, address)
}

#[test]
fn what_happened_is_counted_on_each_runtime() {
    for adapter in Adapter::ALL {
        let (_program, spec, address) = start(adapter);
        let exchanges = [
            // Two messages and a half; then one that is refused.
            &[OFFER, HAM, END, HAM, END, HAM, QUIT][..],
            &[OFFER, SPAM, QUIT],
            // Gone without a word, which is how Sendmail ends.
            &[OFFER],
            // A length of 0; an unknown letter; MAIL before the negotiation; version 1.
            &[OFFER, &[0; 4]],
            &[OFFER, b"\0\0\0\x01Z"],
            &[HAM],
            &[b"\0\0\0\x0dO\0\0\0\x01\0\0\0\0\0\0\0\0"],
        ];
        let octets: Vec<(u64, u64)> = exchanges.iter().map(|packets| say(&spec, packets)).collect();
        let received: u64 = octets.iter().map(|(said, _)| said).sum();
        let sent: u64 = octets.iter().map(|(_, heard)| heard).sum();
        let expected = [
            "milter_accept_failures_total 0".to_owned(),
            r#"milter_connections_ended_total{how="decode_error"} 1"#.to_owned(),
            r#"milter_connections_ended_total{how="good_order"} 3"#.to_owned(),
            r#"milter_connections_ended_total{how="negotiation_error"} 1"#.to_owned(),
            r#"milter_connections_ended_total{how="packet_error"} 1"#.to_owned(),
            r#"milter_connections_ended_total{how="violation"} 1"#.to_owned(),
            "milter_connections_open 0".to_owned(),
            "milter_connections_shed_total 0".to_owned(),
            "milter_connections_total 7".to_owned(),
            r#"milter_hook_duration_seconds_count{stage="mail"} 4"#.to_owned(),
            r#"milter_hooks_total{stage="mail",verdict="continue"} 3"#.to_owned(),
            r#"milter_hooks_total{stage="mail",verdict="reply_5xx"} 1"#.to_owned(),
            "milter_messages_total 4".to_owned(),
            format!("milter_received_bytes_total {received}"),
            format!("milter_sent_bytes_total {sent}"),
        ];
        assert_eq!(certain(&counts(&address, exchanges.len())), expected, "{adapter}");
    }
}

#[test]
fn histogram_has_every_bucket() {
    let (_program, spec, address) = start(Adapter::Tokio);
    say(&spec, &[OFFER, HAM, QUIT]);
    let counts = counts(&address, 1);
    let buckets: Vec<&str> = counts
        .keys()
        .filter_map(|name| name.strip_prefix("milter_hook_duration_seconds_bucket{le=\""))
        .map(|rest| rest.strip_suffix(r#"",stage="mail"}"#).unwrap())
        .collect();
    let mut expected = [
        "0.0001", "0.0005", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "10.0", "25.0",
        "60.0", "240.0", "+Inf",
    ];
    expected.sort_unstable();
    assert_eq!(buckets, expected);
    assert_eq!(counts[r#"milter_hook_duration_seconds_bucket{le="+Inf",stage="mail"}"#], "1");
    let sum: f64 = counts[r#"milter_hook_duration_seconds_sum{stage="mail"}"#].parse().unwrap();
    assert!(sum > 0.0 && sum < TIMEOUT.as_secs_f64(), "{sum}");
}

#[test]
fn there_is_one_page() {
    let (_program, _spec, address) = start(Adapter::Smol);
    for (line, status) in [
        ("GET /metrics", "200 OK"),
        ("GET /metrics?name%5B%5D=a", "200 OK"),
        ("HEAD /metrics", "200 OK"),
        ("POST /metrics", "405 Method Not Allowed"),
        ("GET /", "404 Not Found"),
        ("GET /metrics/", "404 Not Found"),
        ("GET /../metrics", "404 Not Found"),
    ] {
        let (head, body) = request(&address, line);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{line}: {head}");
        assert_eq!(!body.is_empty(), line.starts_with("GET /metrics") && status == "200 OK", "{line}");
        let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(head.contains(kind), status == "200 OK", "{head}");
    }
}

#[test]
fn address_that_cannot_be_bound_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (value, code, said) in [
        (&*address, 1, &*format!("error: cannot show metrics on {address}: ")),
        ("9100", 2, "expected HOST:PORT"),
        ("unix:/metrics", 2, "expected HOST:PORT"),
    ] {
        let mut command = Command::new(runnable("log-all"));
        command.args(["--listen", "inet:127.0.0.1:0", "--metrics-listen", value]);
        let mut program = Runnable::start(command.env_clear());
        assert_eq!(program.wait(TIMEOUT).code(), Some(code));
        assert!(program.stderr().join("\n").contains(said), "{:?}", program.stderr());
    }
}

#[test]
fn every_name_is_documented() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/running.md")).unwrap();
    let (_program, spec, address) = start(Adapter::Tokio);
    say(&spec, &[OFFER, SPAM, QUIT]);
    let counts = counts(&address, 1);
    for name in counts.keys() {
        let name = name.split('{').next().unwrap();
        let name =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(page.contains(&format!("| `{name}")), "{name}");
    }
    assert!(counts.len() > 10);
}
