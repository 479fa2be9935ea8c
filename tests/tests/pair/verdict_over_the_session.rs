use crate::watcher::Seen;
use milter_proto::{BodyVerdict, Connect, Context, Helo, Mail, Milter, SmtpReply, Verdict};
use milter_tests::Pair;

#[test]
fn nothing_but_quit_follows() {
    for verdict in [Verdict::Accept, Verdict::Reject, Verdict::TempFail, SmtpReply::reject("go away").into()]
    {
        for at_connect in [true, false] {
            let answer = verdict.clone();
            let milter = Milter::per_connection(move || (at_connect, answer.clone()))
                .on_connect(
                    async |(at_connect, verdict): &mut (bool, Verdict), _: Connect<'_>, _: &mut Context| {
                        if *at_connect { verdict.clone() } else { Verdict::Continue }
                    },
                )
                .on_helo(async |(_, verdict): &mut (bool, Verdict), _: Helo<'_>, _: &mut Context| {
                    verdict.clone()
                })
                .on_mail(async |_: &mut (bool, Verdict), _: Mail<'_>, _: &mut Context| -> Verdict {
                    panic!("it was decided")
                });
            let mut pair = Pair::new(milter);
            let connected = pair.connect("client.example", "192.0.2.1");
            let greeted = pair.helo("client.example");
            let decided: BodyVerdict = verdict.clone().into();
            let expected =
                if at_connect { (Some(decided), None) } else { (Some(BodyVerdict::Continue), Some(decided)) };
            assert_eq!((connected, greeted), expected);
            assert!(pair.mta().is_session_decided());
            assert_eq!(pair.message(&[("A", "1")], "hi\r\n"), None);
            pair.abort();
            assert_eq!(pair.unknown("FOO"), None);
            pair.quit();
            assert_eq!(pair.commands(), if at_connect { "OCQ" } else { "OCHQ" });
        }
    }
}

#[test]
fn an_unknown_command_decides_nothing() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.mail("<a@b>");
    assert_eq!(pair.unknown("FOO bar"), Some(BodyVerdict::Continue));
    pair.rcpt("<c@d>");
    assert_eq!(seen.take(), "mail=a@b unknown=FOO bar rcpt=c@d");
}
