//! Verdicts of a filter on libmilter: what each concerns, and that what follows goes on as it should.

use milter_tokio::{Command, Unknown};

use crate::interop_client::{letter, text};
use crate::{ABILITIES, Filter};

#[tokio::test]
async fn each_verdict_has_the_scope_of_its_stage() {
    let mut filter = Filter::start(ABILITIES);
    let stages = [
        ("mail", "M", "Message"),
        ("rcpt", "R", "Recipient"),
        ("data", "T", "Message"),
        ("header", "L", "Message"),
        ("eoh", "N", "Message"),
        ("body", "B", "Message"),
        ("eom", "E", "Message"),
    ];
    let verdicts = [
        ("accept", "a"),
        ("discard", "d"),
        ("reject", "r"),
        ("tempfail", "t"),
        ("reply", "y 554 5.7.1 100% refused"),
        ("later", "y 451 come back"),
        ("lines", "y 550-5.7.0 one\n550-5.7.0 two\n550 5.7.0 three"),
    ];
    let mut mta = filter.connect().await;
    mta.greet("client.example", "192.0.2.1", "h").await;
    assert_eq!(mta.told(), "C c, H c");
    let commands = ["M", "R", "T", "L", "N", "B", "E"];
    for (stage, letter_of_stage, scope) in stages {
        for (word, shown) in verdicts {
            // All messages go over one connection: each verdict leaves it as it should be.
            let message = letter(&format!("<{stage}-{word}@example.com>"), "Subject: a\r\n\r\nb\r\n");
            let delivered = mta.message(message).await;
            let scope = if matches!(word, "accept" | "discard") { "Message" } else { scope };
            let before = commands.iter().take_while(|letter| **letter != letter_of_stage);
            let mut expected: Vec<String> = before.map(|letter| format!("{letter} c")).collect();
            expected.push(format!("{letter_of_stage} {shown} {scope}"));
            let is_over = scope == "Message";
            if !is_over {
                expected.extend(commands.iter().skip(2).map(|letter| format!("{letter} c")));
            }
            assert_eq!(mta.told(), expected.join(", "), "{stage}-{word}");
            assert_eq!(delivered.is_some(), word == "accept" || !is_over, "{stage}-{word}");
            assert!(!mta.client.mta().is_session_decided());
        }
    }
}

#[tokio::test]
async fn a_verdict_on_the_client_is_one_on_the_session() {
    let mut filter = Filter::start(ABILITIES);
    for (word, shown) in [
        ("accept", "a"),
        ("reject", "r"),
        ("tempfail", "t"),
        ("reply", "y 554 5.7.1 100% refused"),
        ("later", "y 451 come back"),
    ] {
        for (host, helo, told) in [
            (format!("connect-{word}"), "h".to_owned(), format!("C {shown} Session")),
            ("host".to_owned(), format!("helo-{word}"), format!("C c, H {shown} Session")),
        ] {
            let mut mta = filter.connect().await;
            mta.greet(&host, "192.0.2.1", &helo).await;
            assert_eq!(mta.told(), told);
            assert!(mta.client.mta().is_session_decided());
            mta.message(letter("<everything@example.com>", "A: b\r\n\r\nbody\r\n")).await;
            assert_eq!(mta.told(), "", "the filter sees no more of it");
            mta.client.quit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_verdict_on_an_unknown_command_is_one_on_the_command() {
    let mut filter = Filter::start(ABILITIES);
    let mut mta = filter.connect().await;
    let unknown = |line| Command::Unknown(Unknown::new(text(line)).unwrap());
    mta.greet("host", "192.0.2.1", "h").await;
    mta.ask(&unknown("unknown-reply")).await;
    mta.ask(&unknown("FOO")).await;
    assert_eq!(mta.told(), "C c, H c, U y 554 5.7.1 100% refused, U c");
}

/// A quirk of libmilter: a reply whose class is not that of the verdict is kept for the next verdict of its class.
#[tokio::test]
async fn a_reply_that_does_not_fit_its_verdict_comes_later() {
    let mut filter = Filter::start(ABILITIES);
    let mut mta = filter.connect().await;
    mta.message(letter("<mail-stale@example.com>", "")).await;
    mta.message(letter("<mail-tempfail@example.com>", "")).await;
    mta.message(letter("<mail-tempfail@example.com>", "")).await;
    assert_eq!(mta.told(), "M r Message, M y 451 4.7.1 never Message, M t Message");
}

#[tokio::test]
async fn what_is_skipped_is_not_sent() {
    let mut filter = Filter::start(ABILITIES);
    let mut mta = filter.connect().await;
    mta.greet("client.example", "192.0.2.1", "h").await;
    mta.told();
    let message = letter("<body-skip@example.com>", [b"A: b\r\n\r\n", &[b'x'; 200_000][..]].concat());
    for _ in 0..2 {
        assert!(mta.message(message.clone()).await.is_some());
        assert_eq!(mta.told(), "M c, R c, T c, L c, N c, B s, E c");
    }
    mta.client.quit().await.unwrap();
    let sizes: Vec<String> =
        filter.callbacks("close", 1).into_iter().filter(|line| line.starts_with("body")).collect();
    assert_eq!(sizes, ["body 65535", "body 65535"]);
}
