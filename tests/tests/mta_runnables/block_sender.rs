//! `block-sender`.

use milter_tests::{FilterProgram, Sink, SmtpClient, Software, Transport};

use super::TIMEOUT;

const MESSAGE: &[u8] = b"From: alice@sender.test\r\nSubject: test\r\n\r\nHello\r\n";
const BLOCKED: [&str; 4] = ["--sender", "spam@one.test", "--sender", "@two.test"];

pub(crate) fn senders_are_rejected_by_the_reply(software: Software, transport: Transport) {
    let filter = FilterProgram::start(transport, "block-sender", &BLOCKED);
    let sink = Sink::start();
    let server = filter.behind(software, &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    client.command("EHLO client.test");
    for blocked in ["<spam@one.test>", "<Spam@ONE.test>", "<anyone@two.test>", "<any.one@Two.Test>"] {
        let answer = client.command(&format!("MAIL FROM:{blocked}"));
        let expected = match software {
            Software::Postfix => "550 5.7.1 Sender blocked\r\n".to_owned(),
            // It puts the address in front of the text.
            Software::Sendmail => format!("550 5.7.1 {blocked}... Sender blocked\r\n"),
        };
        assert_eq!(String::from_utf8_lossy(&answer.raw), expected);
    }
    let others = ["ham@one.test", "spam@below.one.test", "anyone@below.two.test", ""];
    for other in others {
        client.send(other, &["bob@example.test"], MESSAGE).unwrap();
    }
    let mut delivered: Vec<String> =
        sink.wait_for(others.len(), TIMEOUT).into_iter().map(|delivered| delivered.sender).collect();
    delivered.sort_by_key(|sender| others.iter().position(|other| other == sender));
    assert_eq!(delivered, others);
}

pub(crate) fn reply_may_have_percent_signs_and_be_temporary(software: Software, transport: Transport) {
    // As Postfix says it, which is as it was asked for, and as Sendmail does: after the address, but not with 554 and 4xx,
    // and with an enhanced code in any case.
    for (reply, of_sendmail) in [
        ("550 5.7.1 100% sure: %s no", "550 5.7.1 <spam@one.test>... 100% sure: %s no"),
        ("554 5.7.0 %%n%", "554 5.7.0 %%n%"),
        ("451 4.7.1 come again", "451 4.7.1 come again"),
        ("550 no enhanced code", "550 5.0.0 <spam@one.test>... no enhanced code"),
        ("421 4.3.2 go away", "421 4.3.2 go away"),
    ] {
        let filter =
            FilterProgram::start(transport, "block-sender", &[&BLOCKED[..], &["--reply", reply]].concat());
        let server = filter.behind(software, &Sink::start());
        let mut client = SmtpClient::connect(server.smtp_address());
        client.command("EHLO client.test");
        let answer = client.command("MAIL FROM:<spam@one.test>");
        let expected = match software {
            Software::Postfix => reply,
            Software::Sendmail => of_sendmail,
        };
        assert_eq!(String::from_utf8_lossy(&answer.raw), format!("{expected}\r\n"));
        // 421 ends the SMTP session.
        let other = client.try_command("MAIL FROM:<ham@one.test>");
        assert_eq!(other.is_ok_and(|answer| answer.is_positive()), !reply.starts_with("421"), "{reply}");
    }
}
