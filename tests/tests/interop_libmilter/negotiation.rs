//! Negotiation with libmilter: every step switched off, every age of an MTA, and the answer read in full.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use milter_tests::poll;
use milter_tokio::{
    Actions, Command, CommandKind, Heard, MacroStage, Mta, Options, Protocol, Step, Unknown, Version,
};

use crate::Filter;
use crate::interop_client::{PATIENCE, letter, text};

const NO_REPLY: Protocol = Protocol::from_bits_retain(0x000f_f080);
const OFF: Protocol = Protocol::from_bits_retain(0x0000_037f);

#[tokio::test]
async fn what_was_switched_off_is_neither_sent_nor_awaited() {
    let all =
        ["negotiate", "connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom", "close"];
    for (steps, told, called) in [
        (NO_REPLY, "E h h c", &all[..]),
        (OFF, "E c", &["negotiate", "eom", "close"]),
        (OFF | NO_REPLY, "E c", &["negotiate", "eom", "close"]),
    ] {
        let mut filter = Filter::start(steps);
        let mut mta = filter.connect().await;
        assert_eq!(mta.options().protocol, steps);
        mta.greet("client.example", "192.0.2.1", "h").await;
        assert!(mta.message(letter("<addheader@example.com>", "A: b\r\n\r\nbody\r\n")).await.is_some());
        assert_eq!(mta.told(), told, "{steps:?}");
        mta.client.quit().await.unwrap();
        let lines = filter.callbacks("close", 1);
        let words: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(words, called, "{steps:?}");
    }
}

#[tokio::test]
async fn an_mta_of_every_age_is_served() {
    for (version, actions, steps, told) in [
        (2, 0x03f, 0x00_007f, "C c, H c, M c, R c, L c, N c, B c, E h h c"),
        (3, 0x03f, 0x00_017f, "C c, H c, U c, M c, R c, L c, N c, B c, E h h c"),
        (4, 0x03f, 0x00_03ff, "C c, H c, U c, M c, R c, T c, L c, N c, B c, E h h c"),
        (5, 0x03f, 0x00_03ff, "C c, H c, U c, M c, R c, T c, L c, N c, B c, E h h c"),
        (6, 0x1ff, 0x1f_ffff, "C c, H c, U c, M c, R c, T c, L c, N c, B c, E h h c"),
    ] {
        let actions = Actions::from_bits_retain(actions);
        let offer =
            Options { version: Version(version), actions, protocol: Protocol::from_bits_retain(steps) };
        let abilities = Protocol::LEADING_SPACE | Protocol::SKIP;
        let mut filter = Filter::start(abilities);
        let mut mta = filter.connect_offering(offer).await;
        assert_eq!(mta.options(), Options { protocol: offer.protocol & abilities, ..offer });
        mta.greet("client.example", "192.0.2.1", "h").await;
        mta.ask(&Command::Unknown(Unknown::new(text("FOO")).unwrap())).await;
        let delivered = mta.message(letter("<addheader@example.com>", "A: b\r\n\r\nbody\r\n")).await.unwrap();
        assert_eq!(mta.told(), told, "version {version}");
        let space = if version == 6 { "" } else { " " };
        let expected =
            format!("A: b\r\nX-Added:{space}first\r\n\tfolded\r\nX-Spaced:{space} spaced\r\n\r\nbody\r\n");
        assert_eq!(delivered.to_bytes(), expected.as_bytes(), "version {version}");
    }
}

/// The machine without the client, driven over a blocking socket: it alone tells what the filter asked for.
#[test]
fn the_answer_to_the_offer_is_read_in_full() {
    let filter = Filter::start(Protocol::all_known());
    // libmilter makes the socket's file some time before it listens.
    let mut stream = poll(PATIENCE, || UnixStream::connect(filter.socket.path()).ok()).expect("listening");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut mta = Mta::new(Options::CURRENT).strict();
    let (mut asked, mut buffer) = (Vec::new(), [0; 1024]);
    while mta.waits_for() == Some(CommandKind::Negotiate) {
        match mta.step().unwrap() {
            Step::Write(bytes) => stream.write_all(bytes).unwrap(),
            Step::Read => {
                let count = stream.read(&mut buffer).unwrap();
                mta.receive(&buffer[..count]);
            }
            Step::Event(Heard::Negotiated(answer)) => {
                assert_eq!(answer.options(), Options::CURRENT);
                for (stage, names) in answer.macros().iter() {
                    let names: Vec<_> = names.iter().map(String::from_utf8_lossy).collect();
                    asked.push((MacroStage::from_number(stage).unwrap(), names.join(" ")));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let expected = [
        (MacroStage::Connect, "j {client_ptr}"),
        (MacroStage::Helo, "{tls_version}"),
        (MacroStage::Mail, "i {auth_authen}"),
        (MacroStage::Rcpt, "{rcpt_mailer}"),
        (MacroStage::Data, "{data_macro}"),
        (MacroStage::EndOfMessage, "{msg_id} i"),
        (MacroStage::EndOfHeaders, "{eoh_macro}"),
    ];
    assert_eq!(asked, expected.map(|(stage, names)| (stage, names.to_owned())));
}
