//! `change-body`.

use std::fs;

use milter_tests::{FilterProgram, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const HEADERS: &str = "From: alice@sender.test\r\nSubject: test\r\n\r\n";
/// The last one makes several chunks.
const BODIES: [&str; 3] = ["Hello\r\n", "", "0123456789012345678901234567890123456789\r\n"];

pub(crate) fn body_is_replaced(software: Software, transport: Transport) {
    for (given, delivered) in [
        ("one\ntwo\r\n\n.three\n", "one\r\ntwo\r\n\r\n.three\r\n"),
        ("Zoë has no line end", "Zoë has no line end\r\n"),
        ("", ""),
    ] {
        let filter = FilterProgram::start(transport, "change-body", &["--body", given]);
        assert_replaced(software, &filter, delivered.as_bytes());
    }
}

pub(crate) fn body_of_a_megabyte_comes_from_a_file(software: Software, transport: Transport) {
    // Every octet but NUL, CR and LF, which a mail may not have, or not alone.
    let octets: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).collect();
    let lines: Vec<u8> = octets.iter().cycle().skip(7).step_by(3).take(60).copied().chain([b'\n']).collect();
    let body: Vec<u8> = lines.iter().cycle().take(lines.len() * 17_190).copied().collect();
    assert!(body.len() > 1_048_576);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("body");
    fs::write(&file, &body).unwrap();
    let filter = FilterProgram::start(transport, "change-body", &["--body-file", file.to_str().unwrap()]);
    // It was read at the start.
    fs::remove_file(&file).unwrap();
    let expected: Vec<u8> =
        body.split_inclusive(|&octet| octet == b'\n').fold(Vec::new(), |mut all, line| {
            all.extend_from_slice(&line[..line.len() - 1]);
            all.extend_from_slice(b"\r\n");
            all
        });
    assert_replaced(software, &filter, &expected);
}

#[track_caller]
fn assert_replaced(software: Software, filter: &FilterProgram, expected: &[u8]) {
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    for body in [BODIES[0], BODIES[1], &BODIES[2].repeat(5000)] {
        let message = [HEADERS, body].concat();
        client.send("alice@sender.test", &["bob@example.test"], message.as_bytes()).unwrap();
        let delivered = sink.wait_for(1, TIMEOUT).remove(0);
        sink.take();
        assert_eq!(delivered.header_values("Subject"), [b"test"]);
        // Not assert_eq: nobody wants to read two megabytes.
        assert!(
            delivered.body() == expected,
            "{:?} of {} octets, expected {}",
            String::from_utf8_lossy(&delivered.body()[..delivered.body().len().min(200)]),
            delivered.body().len(),
            expected.len()
        );
    }
}
