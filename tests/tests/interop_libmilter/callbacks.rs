//! Callbacks of libmilter: called with what was sent.

use milter_tokio::{Command, EnvelopeAddress, Message, Protocol, Unknown};

use crate::interop_client::{letter, text};
use crate::{ABILITIES, Filter};

const MESSAGE: &[u8] = b"From: a@example.com\r\nSubject:  two spaces\r\nX-Twice: 1\r\n\
    x-twice: 2\r\nX-Folded: a\r\n\tb\r\n\r\nline\r\n.\r\n";

#[tokio::test]
async fn every_callback_is_given_what_was_sent() {
    let mut filter = Filter::start(ABILITIES.union(Protocol::LEADING_SPACE));
    let mut mta = filter.connect().await.define("i", "4QUEUE").define("j", "mta.example");
    mta = mta.define("{auth_authen}", "me").define("{msg_id}", "<m@id>").define("{tls_version}", "TLSv1.3");
    mta = mta.define("{client_ptr}", "ptr.example").define("{data_macro}", "d").define("{eoh_macro}", "h");
    mta = mta.define("{rcpt_mailer}", "error");
    mta.greet("client.example", "192.0.2.1", "helo.example").await;
    mta.ask(&Command::Unknown(Unknown::new(text("FOO bar")).unwrap())).await;
    let mut message = Message::parse(MESSAGE);
    message.set_sender(EnvelopeAddress::new("<none@b>").with_arguments("SIZE=10 BODY=8BITMIME"));
    message.add_recipient("<c@d>");
    assert!(mta.message(message).await.is_some());
    assert_eq!(mta.told(), "C c, H c, U c, M c, R c, T c, L c, L c, L c, L c, L c, N c, B c, E c");
    mta.envelope(&letter("<none@b>", "")).await;
    mta.ask(&Command::Abort).await;
    mta.client.quit().await.unwrap();
    // Of each macro only what was asked for at that stage came, and libmilter looks in all stages.
    assert_eq!(
        filter.callbacks("close", 1),
        [
            "negotiate 0x1ff 0x1fffff",
            "connect client.example 192.0.2.1 25000 j=mta.example ptr=ptr.example i=-",
            "helo helo.example tls=TLSv1.3",
            "unknown FOO bar",
            "mail <none@b> SIZE=10 BODY=8BITMIME i=4QUEUE auth=me",
            "rcpt <c@d> mailer=error",
            "data macro=d",
            "header From: a@example.com",
            "header Subject:  two spaces",
            "header X-Twice: 1",
            "header x-twice: 2",
            "header X-Folded: a\\n\tb",
            "eoh macro=h",
            "body 9",
            "eom id=<m@id> i=4QUEUE",
            "mail <none@b> i=4QUEUE auth=me",
            "rcpt <rcpt@example.org> mailer=error",
            "abort",
            "close",
        ]
    );
}

#[tokio::test]
async fn every_family_of_addresses_is_understood() {
    let mut filter = Filter::start(Protocol::empty());
    for (count, (address, line)) in
        [("2001:db8::1", "2001:db8::1 25000"), ("IPv6:::1", "::1 25000"), ("", "- 0")].into_iter().enumerate()
    {
        let mut mta = filter.connect().await;
        mta.greet("client.example", address, "h").await;
        mta.client.quit().await.unwrap();
        let expected = format!("connect client.example {line} j=- ptr=- i=-");
        assert!(filter.callbacks("close", count + 1).contains(&expected), "{address}");
    }
}

#[tokio::test]
async fn one_connection_serves_several_sessions() {
    let mut filter = Filter::start(ABILITIES);
    let mut mta = filter.connect().await;
    for session in ["one.example", "two.example"] {
        if session != "one.example" {
            mta.ask(&Command::QuitNewConnection).await;
        }
        mta.greet(session, "192.0.2.1", "h").await;
        assert!(mta.message(letter("<none@example.com>", "A: b\r\n\r\n")).await.is_some());
        assert_eq!(mta.told(), "C c, H c, M c, R c, T c, L c, N c, E c", "{session}");
    }
    mta.client.quit().await.unwrap();
    let lines = filter.callbacks("close", 2);
    let is_of_session =
        |line: &&String| ["negotiate", "connect", "close"].iter().any(|word| line.starts_with(word));
    assert_eq!(
        lines.iter().filter(is_of_session).collect::<Vec<_>>(),
        [
            "negotiate 0x1ff 0x1fffff",
            "connect one.example 192.0.2.1 25000 j=- ptr=- i=-",
            "close",
            "connect two.example 192.0.2.1 25000 j=- ptr=- i=-",
            "close",
        ]
    );
}
