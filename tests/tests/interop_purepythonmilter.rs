//! Our client against the example filters that come with purepythonmilter.

mod interop_client;

use std::process::Command as Process;

use interop_client::{Asking, PATIENCE, letter, text};
use milter_tests::{Runnable, python};
use milter_tokio::{
    Actions, Client, Command, EnvelopeAddress, Mta, Options, Protocol, Timeouts, Unknown, Version,
};
use tokio::net::TcpStream;

const MESSAGE: &str =
    "From: a@example.com\r\nSubject:  two spaces\r\nX-Folded: a\r\n\tb\r\n\r\nline\r\n.\r\n";

/// An example, serving on a port that the system chose.
struct Example {
    program: Runnable,
    spec: String,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut command = Process::new(python());
        command.arg("-m").arg(format!("purepythonmilter.examples.{name}"));
        command.args(["--bind-port", "0", "--log-level", "INFO"]).args(arguments);
        let program = Runnable::start(&mut command);
        let line = program.wait_for_line("awaiting connections on ", PATIENCE);
        let address = line.rsplit(' ').next().unwrap().trim_end_matches("...");
        Self { spec: format!("inet:{address}"), program }
    }

    async fn connect(&mut self) -> Asking {
        Asking::connect(&self.spec, &mut self.program).await
    }
}

/// What an example that only has a hook for this one step, and one for the end of the message, switches off.
fn all_but(hooked: Protocol) -> Protocol {
    let abilities = Protocol::REJECTED_RECIPIENTS | Protocol::LEADING_SPACE;
    Protocol::all_known().difference(abilities).difference(hooked)
}

#[tokio::test]
async fn append_header_ip() {
    let mut example = Example::start("append_header_ip", &["--headername", "X-Client"]);
    for address in ["192.0.2.1", "2001:db8::1"] {
        // A connection each: what its CONNECT recorded may be sent again with a later message.
        let mut mta = example.connect().await;
        let options = mta.options();
        assert_eq!(options.actions, Actions::ADD_HEADERS | Actions::REQUEST_MACROS);
        assert_eq!(options.protocol, all_but(Protocol::NO_CONNECT | Protocol::NO_REPLY_CONNECT));
        mta.greet("client.example", address, "helo.example").await;
        let delivered = mta.message(letter("<alice@example.com>", MESSAGE)).await.unwrap();
        assert_eq!(mta.told(), "C c, E h c");
        let expected = MESSAGE.replacen("\r\n\r\n", &format!("\r\nX-Client: {address}\r\n\r\n"), 1);
        assert_eq!(delivered.to_bytes(), expected.as_bytes());
        mta.client.quit().await.unwrap();
    }
    let mut mta = example.connect().await;
    mta.greet("client.example", "", "helo.example").await;
    let delivered = mta.message(letter("<alice@example.com>", MESSAGE)).await.unwrap();
    assert_eq!(mta.told(), "C c, E c", "a client without an address");
    assert_eq!(delivered.to_bytes(), MESSAGE.as_bytes());
}

#[tokio::test]
async fn change_body() {
    let mut example = Example::start("change_body", &["--newbody", "another body\r\n"]);
    let mut mta = example.connect().await;
    let options = mta.options();
    assert_eq!(options.actions, Actions::CHANGE_BODY | Actions::REQUEST_MACROS);
    assert_eq!(options.protocol, all_but(Protocol::empty()));
    mta.greet("client.example", "192.0.2.1", "helo.example").await;
    for message in [MESSAGE, "From: a@example.com\r\n\r\n"] {
        let delivered = mta.message(letter("<alice@example.com>", message)).await.unwrap();
        assert_eq!(mta.told(), "E b c");
        let (headers, _) = message.split_once("\r\n\r\n").unwrap();
        assert_eq!(delivered.to_bytes(), format!("{headers}\r\n\r\nanother body\r\n").as_bytes());
    }
    mta.client.quit().await.unwrap();
}

#[tokio::test]
async fn debug_log_all() {
    let mut example = Example::start("debug_log_all", &[]);
    let mut mta = example.connect().await.define("i", "4QUEUE");
    let options = mta.options();
    assert_eq!(options.actions, Actions::empty());
    let abilities = Protocol::SKIP | Protocol::REJECTED_RECIPIENTS;
    assert_eq!(options.protocol, Protocol::from_bits_retain(0x000f_f080) | abilities);
    mta.greet("client.example", "192.0.2.1", "helo.example").await;
    mta.ask(&Command::Unknown(Unknown::new(text("FOO bar")).unwrap())).await;
    let mut message = letter("<alice@example.com>", MESSAGE);
    message.set_sender(EnvelopeAddress::new("<alice@example.com>").with_arguments("SIZE=10 BODY=8BITMIME"));
    let delivered = mta.message(message).await.unwrap();
    assert_eq!(delivered.to_bytes(), MESSAGE.as_bytes());
    mta.envelope(&letter("<mallory@example.com>", "")).await;
    mta.ask(&Command::Abort).await;
    assert_eq!(mta.told(), "E c", "nothing else was answered");
    // Before the end of the connection, after which it may not read what is left.
    example.program.wait_for_line("On abort", PATIENCE);
    let lines = example.program.stderr();
    let told = lines.iter().filter_map(|line| line.split_once(": On ").map(|(_, told)| told));
    let told: Vec<_> = told.map(|told| told.replace(", macros={'i': '4QUEUE'}", "")).collect();
    assert_eq!(
        told,
        [
            "connect: args=ConnectionInfoArgsIPv4(hostname='client.example', addr=IPv4Address('192.0.2.1'), \
             port=25000)",
            "HELO: hostname=helo.example",
            "unknown command: data_raw=b'FOO bar'",
            "MAIL FROM: address=alice@example.com, esmtp_args={'SIZE': '10', 'BODY': '8BITMIME'}",
            "RCPT TO: address=rcpt@example.org, esmtp_args={}",
            "DATA: macros={'i': '4QUEUE'}",
            "header: name=From text='a@example.com'",
            "header: name=Subject text=' two spaces'",
            "header: name=X-Folded text='a\\n\\tb'",
            "end of headers: macros={'i': '4QUEUE'}",
            "body chunk: length=9",
            "end of message: macros={'i': '4QUEUE'}",
            "MAIL FROM: address=mallory@example.com, esmtp_args={}",
            "RCPT TO: address=rcpt@example.org, esmtp_args={}",
            "abort",
        ]
    );
}

/// It asks for what it wants whatever is offered, and for nothing older than version 6.
#[tokio::test]
async fn what_was_not_offered_is_asked_for_all_the_same() {
    let mut example = Example::start("change_body", &[]);
    let Options { version, actions, protocol } = Options::CURRENT;
    let offer = Options { version, actions, protocol: protocol.difference(Protocol::SKIP) };
    // As at Postfix it does no harm ...
    let mut mta = Asking::offering(offer, &example.spec, &mut example.program).await;
    assert!(!mta.options().protocol.contains(Protocol::SKIP));
    assert!(mta.message(letter("<alice@example.com>", MESSAGE)).await.is_some());
    // ... and as at Sendmail the filter is refused.
    let over = async |mta| {
        let stream = TcpStream::connect(example.spec.trim_start_matches("inet:")).await.unwrap();
        Client::over(stream, mta, Timeouts::default()).await.unwrap_err().to_string()
    };
    assert_eq!(
        over(Mta::new(offer).strict()).await,
        "the filter asks for the protocol steps Protocol(SKIP), which were not offered"
    );
    let old = Options { version: Version(4), ..offer };
    let error = over(Mta::new(old)).await;
    assert!(
        error.starts_with("the filter closed the connection instead of answering SMFIC_OPTNEG"),
        "{error}"
    );
}
