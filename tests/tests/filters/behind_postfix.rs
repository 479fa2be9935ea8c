//! Two of the filters behind a real Postfix.

use super::{f4_alignment, f7_tag_subject};
use milter_proto::{Actions, Application};
use milter_tests::{Delivered, Postfix, Served, Sink, SmtpClient, serve};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);

fn behind_postfix(milter: impl Application) -> (Served, Sink, Postfix) {
    let (filter, sink) = (serve(milter), Sink::start());
    let postfix = Postfix::builder().milter(filter.spec()).deliver_to(&sink).start();
    (filter, sink, postfix)
}

fn subjects(delivered: &Delivered) -> Vec<String> {
    let subjects = delivered.header_values("Subject");
    subjects.iter().map(|subject| String::from_utf8_lossy(subject).into_owned()).collect()
}

#[test]
fn a_subject_is_tagged_flags_are_deleted_and_the_archive_gets_a_copy() {
    let needed = Actions::CHANGE_HEADERS | Actions::ADD_RECIPIENTS | Actions::QUARANTINE;
    let (_filter, sink, postfix) = behind_postfix(f7_tag_subject::milter(needed));
    let mut client = SmtpClient::connect(postfix.smtp_address());
    let message = b"X-Spam-Flag: NO\r\nSubject: lunch\r\nx-spam-flag: NO\r\nX-Spam-Flag: YES\r\n\r\nbody\r\n";
    client.send("alice@sender.test", &["bob@example.test"], message).expect("accepted");
    let delivered = sink.wait_for(1, TIMEOUT);
    assert_eq!(subjects(&delivered[0]), ["[ext] lunch"]);
    assert_eq!(delivered[0].header_values("X-Spam-Flag"), Vec::<Vec<u8>>::new());
    assert_eq!(delivered[0].recipient_addresses(), ["archive@example.org", "bob@example.test"]);
    // Two subjects: tagged both, and held.
    let message = b"Subject: one\r\nSubject: two\r\n\r\nbody\r\n";
    client.send("alice@sender.test", &["bob@example.test"], message).expect("accepted");
    assert_eq!(postfix.held().len(), 1);
}

#[test]
fn a_mail_that_is_not_aligned_is_refused_with_its_own_text_made_harmless() {
    let (_filter, sink, postfix) = behind_postfix(f4_alignment::milter());
    let mut client = SmtpClient::connect(postfix.smtp_address());
    let hostile = "From: \"100% B\u{e9}\r\n .\" <x@evil.example>\r\n\r\nbody\r\n";
    let refused = client.send("a@good.example", &["bob@example.test"], hostile.as_bytes()).unwrap_err();
    assert_eq!(refused.code, 550);
    let said = "5.7.1 From \"100% B?? .\" <x@evil.example> is not aligned with <a@good.example>";
    assert!(refused.text().contains(said), "{}", refused.text());
    let aligned = b"From: <b@good.example>\r\n\r\nbody\r\n";
    client.send("a@good.example", &["bob@example.test"], aligned).expect("accepted");
    assert_eq!(sink.wait_for(1, TIMEOUT).len(), 1);
}
