//! Our client against opendkim: what it signs must verify after its modifications were applied to the message.
//!
//! That is checked by a verifier that shares no code with it, dkimpy, and by an opendkim that verifies. Both are told
//! the key: nothing is asked of the DNS.

mod interop_client;
mod interop_dkim;

use interop_client::letter;
use interop_dkim::{Key, OpenDkim};
use milter_tokio::{Options, Protocol};

/// An MTA before leading space could be agreed: values come without the first space.
fn older_offer() -> Options {
    let Options { version, actions, protocol } = Options::CURRENT;
    Options { version, actions, protocol: protocol.difference(Protocol::LEADING_SPACE) }
}

/// Messages whose headers begin with one space each, as they do without leading space.
fn messages() -> Vec<Vec<u8>> {
    let from = "From: Alice <alice@example.com>\r\nTo: bob@example.org\r\n";
    let date = "Date: Sun, 22 Nov 2026 07:14:05 +0000\r\nMessage-ID: <1@example.com>\r\n";
    let message = |headers: &str, body: &[u8]| {
        [from.as_bytes(), headers.as_bytes(), date.as_bytes(), b"\r\n", body].concat()
    };
    let lines = b"a line of text \t with blanks  \r\n".repeat(6_000);
    vec![
        message("Subject: plain\r\n", b"Hello\r\n"),
        message("Subject: folded\r\n\tby a tab\r\n  and by  spaces \r\n", b"Hello\r\n"),
        message("Subject: blank lines\r\n", b" \r\n\r\n\r\ntrailing blank lines\t \r\n\r\n\r\n"),
        message("Subject: gr\u{fc}n \u{2713}\r\n", "8 bit: \u{e4}\u{f6}\u{fc} \u{2713}\r\n".as_bytes()),
        message("Subject: octets that are no text\r\n", b"\xff\xfe\x80\r\n"),
        message("Subject: empty\r\n", b""),
        message("Subject: one empty line\r\n", b"\r\n"),
        message("Subject: dots\r\n", b".\r\n..\r\n.a\r\n"),
        message("Subject: several packets\r\n", &lines),
        message("Subject: one\r\nX-Empty: \r\nReceived: from a\r\n\tby b\r\n", b"a\r\n"),
    ]
}

const DOUBLE_SPACE: &[u8] = b"From: alice@example.com\r\nSubject:  two spaces\r\n\r\nbody\r\n";

/// Messages that need leading space: a signature over their octets breaks where some of it is lost.
fn spaced_messages() -> Vec<Vec<u8>> {
    vec![
        b"From:alice@example.com\r\nSubject:none\r\nTo:\tbob@example.org\r\n\r\nbody\r\n".to_vec(),
        b"From: alice@example.com\r\nSubject:\r\n folded at once\r\nX-Nothing:\r\n\r\nbody\r\n".to_vec(),
        DOUBLE_SPACE.to_vec(),
        b"From:   alice@example.com\r\nSubject:\t\ttabs\r\n\r\n".to_vec(),
    ]
}

#[tokio::test]
async fn signatures_verify_once_they_are_applied() {
    let key = Key::generate();
    assert!(key.record.starts_with("v=DKIM1;"), "{}", key.record);
    let mut verifier = OpenDkim::verifier(&key);
    for canonicalization in ["simple/simple", "relaxed/relaxed"] {
        let mut signer = OpenDkim::signer(&key, canonicalization);
        for (offer, messages) in
            [(Options::CURRENT, [messages(), spaced_messages()].concat()), (older_offer(), messages())]
        {
            let mut signed = Vec::new();
            for message in &messages {
                let delivered = signer.pass(letter("<alice@example.com>", message), offer, "127.0.0.1").await;
                assert!(delivered.headers().any(|header| header.name() == b"DKIM-Signature"));
                assert!(delivered.to_bytes().ends_with(message), "the rest of the message is what it was");
                signed.push(delivered.to_bytes());
            }
            assert_eq!(key.verify(&signed), vec![true; signed.len()], "{canonicalization} {offer:?}");
            for message in &signed {
                let seen = verifier.pass(letter("<alice@example.com>", message), offer, "192.0.2.1").await;
                let results = seen.headers().find(|header| header.name() == b"Authentication-Results");
                let results = results.map(|header| header.value(false).escape_ascii().to_string());
                assert!(results.as_ref().is_some_and(|results| results.contains("dkim=pass")), "{results:?}");
            }
        }
    }
}

/// The verifiers are no yes-men.
#[tokio::test]
async fn a_changed_octet_breaks_the_signature() {
    let key = Key::generate();
    let (mut signer, mut verifier) = (OpenDkim::signer(&key, "simple/simple"), OpenDkim::verifier(&key));
    let message = letter("<alice@example.com>", &messages()[1]);
    let signed = signer.pass(message, Options::CURRENT, "127.0.0.1").await.to_bytes();
    let text = String::from_utf8(signed).unwrap();
    let changed = [
        text.replacen("Subject: folded", "Subject:  folded", 1),
        text.replacen("\tby a tab", " by a tab", 1),
        text.replacen("Hello", "hello", 1),
    ];
    let changed = changed.map(String::into_bytes);
    assert_eq!(key.verify(&changed), [false; 3]);
    for message in changed {
        let seen = verifier.pass(letter("<alice@example.com>", message), Options::CURRENT, "192.0.2.1").await;
        let results = seen.headers().find(|header| header.name() == b"Authentication-Results").unwrap();
        assert!(results.value(false).escape_ascii().to_string().contains("dkim=fail"), "{results:?}");
    }
}

/// Why there is leading space: without it opendkim takes all space away, and not just the first as an MTA does.
#[tokio::test]
async fn without_leading_space_a_second_space_is_not_signed() {
    let key = Key::generate();
    let mut signer = OpenDkim::signer(&key, "simple/simple");
    let message = letter("<alice@example.com>", DOUBLE_SPACE);
    let signed = signer.pass(message, older_offer(), "127.0.0.1").await.to_bytes();
    let collapsed = String::from_utf8(signed.clone()).unwrap().replacen("Subject:  two", "Subject: two", 1);
    assert_eq!(key.verify(&[signed, collapsed.into_bytes()]), [false, true]);
}
