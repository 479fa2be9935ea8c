//! Our client against opendkim: what it signs must verify after its modifications were applied to the message.
//!
//! That is checked by a verifier that shares no code with it, dkimpy, and by an opendkim that verifies. Both are told
//! the key: nothing is asked of the DNS.

mod interop_client;

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;

use interop_client::{Asking, letter};
use milter_tests::{MilterSocket, Runnable, foreign, python};
use milter_tokio::{Message, Options, Protocol};
use tempfile::TempDir;

/// A folder with a key, made by OpenDKIM's own generator.
struct Key {
    folder: TempDir,
    /// What would stand in the DNS.
    record: String,
}

impl Key {
    fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Process::new(foreign("opendkim-genkey"));
        command.args(["-b", "2048", "-d", "example.com", "-s", "sel", "-D"]).arg(folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        // A line for the DNS: the strings in quotes are one.
        let line = fs::read_to_string(folder.path().join("sel.txt")).unwrap();
        let record = line.split('"').skip(1).step_by(2).collect();
        fs::write(folder.path().join("record"), &record).unwrap();
        fs::write(folder.path().join("keys"), format!("sel._domainkey.example.com {record}\n")).unwrap();
        Self { folder, record }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What dkimpy thinks of each message: whether its signature verifies.
    fn verify(&self, messages: &[Vec<u8>]) -> Vec<bool> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Process::new(python());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/interop/verify_dkim.py")).arg(self.file("record"));
        for (number, message) in messages.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            fs::write(&path, message).unwrap();
            command.arg(path);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), messages.len(), "{lines}");
        lines.lines().map(|line| line.starts_with("pass ")).collect()
    }
}

/// An opendkim of our own, which neither knows nor touches the system's configuration.
struct OpenDkim {
    socket: MilterSocket,
    program: Runnable,
}

impl OpenDkim {
    fn signer(key: &Key, canonicalization: &str) -> Self {
        let private = key.file("sel.private");
        let settings = format!(
            "Mode s\nDomain example.com\nSelector sel\nKeyFile {}\nCanonicalization {canonicalization}\n\
             OversignHeaders From,Subject\n",
            private.display()
        );
        Self::start(key, canonicalization, &settings)
    }

    fn verifier(key: &Key) -> Self {
        Self::start(key, "verifier", &format!("Mode v\nTestPublicKeys {}\n", key.file("keys").display()))
    }

    fn start(key: &Key, name: &str, settings: &str) -> Self {
        let socket = MilterSocket::new();
        let configuration = key.file(&format!("{}.conf", name.replace('/', "-")));
        let settings = format!(
            "{settings}Socket {}\nBackground no\nSyslog no\nRequireSafeKeys no\nAuthservID mta.example\n",
            socket.spec().replacen("unix:", "local:", 1)
        );
        fs::write(&configuration, settings).unwrap();
        let mut command = Process::new(foreign("opendkim"));
        command.arg("-f").arg("-x").arg(configuration);
        Self { program: Runnable::start(&mut command), socket }
    }

    async fn connect(&mut self, offer: Options) -> Asking {
        Asking::offering(offer, &self.socket.spec(), &mut self.program).await.define("i", "4QUEUE")
    }

    /// What an MTA would deliver of a message from this client.
    async fn pass(&mut self, message: Message, offer: Options, client: &str) -> Message {
        let mut mta = self.connect(offer).await;
        let leading_space = offer.protocol & Protocol::LEADING_SPACE;
        assert_eq!(mta.options().protocol & Protocol::LEADING_SPACE, leading_space);
        mta.greet("client.example", client, "client.example").await;
        let passed = mta.message(message).await;
        let told = mta.told();
        mta.client.quit().await.unwrap();
        passed.unwrap_or_else(|| panic!("not accepted: {told}"))
    }
}

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
