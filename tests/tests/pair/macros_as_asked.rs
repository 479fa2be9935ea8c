use milter_proto::{CommandKind, Context, EndOfMessage, Mail, Milter, Rcpt, Verdict, stage};
use milter_tests::{Pair, offer, packet};

#[test]
fn only_what_was_asked_for_and_in_that_order() {
    let milter = Milter::per_message(|| ()).macros::<stage::Mail>("mail_addr i nothing").on_mail(
        async |_: &mut (), _: Mail<'_>, cx: &mut Context| {
            assert_eq!(cx.macros.get("{mail_addr}").unwrap(), "a@b");
            assert!(cx.macros.get("{mail_host}").is_none());
            Verdict::Continue
        },
    );
    let mut pair = Pair::new(milter);
    pair.macros(CommandKind::Mail, &[("i", "Q1"), ("{mail_host}", "b"), ("{mail_addr}", "a@b")]);
    pair.mail("<a@b>");
    let define = packet(b'D', b"M{mail_addr}\0a@b\0i\0Q1\0");
    assert!(pair.to_filter().windows(define.len()).any(|window| window == define));
}

#[test]
fn everything_where_nothing_was_asked_for_or_lists_were_not_offered() {
    for (asked, offer) in [("", offer(6, 0x1ff, 0x1f_ffff)), ("i", offer(6, 0xff, 0x1f_ffff))] {
        let milter = Milter::per_message(|| ()).macros::<stage::Mail>(asked).on_mail(
            async |_: &mut (), _: Mail<'_>, cx: &mut Context| {
                assert!(cx.macros.get("i").is_some() && cx.macros.get("{mail_host}").is_some());
            },
        );
        let mut pair = Pair::new(milter).offer(offer);
        pair.macros(CommandKind::Mail, &[("i", "Q1"), ("{mail_host}", "b")]);
        pair.mail("<a@b>");
    }
}

#[test]
fn they_live_as_long_as_what_they_belong_to() {
    let milter = Milter::per_message(|| ())
        .on_rcpt(async |_: &mut (), rcpt: Rcpt<'_>, cx: &mut Context| {
            let named = cx.macros.get("{rcpt_addr}");
            assert_eq!(named.is_some(), rcpt.address() == "one@d", "that of the recipient before is gone");
        })
        .on_end_of_message(async |_: &mut (), _: EndOfMessage, cx: &mut Context| {
            assert_eq!(cx.macros.get("j").unwrap(), "mta.example");
            if cx.macros.get("{mail_addr}").is_some() { Verdict::Reject } else { Verdict::Continue }
        });
    let mut pair = Pair::new(milter);
    // CONNECT and MAIL are switched off, their macros come all the same.
    pair.macros(CommandKind::Connect, &[("j", "mta.example")]);
    pair.connect("client.example", "192.0.2.1");
    for (macros, verdict) in [
        (&[("{mail_addr}", "a@b")][..], milter_proto::BodyVerdict::Reject),
        (&[], milter_proto::BodyVerdict::Continue),
    ] {
        pair.macros(CommandKind::Mail, macros);
        pair.mail("<a@b>");
        pair.macros(CommandKind::Rcpt, &[("{rcpt_addr}", "one@d")]);
        pair.rcpt("<one@d>");
        pair.rcpt("<two@d>");
        assert_eq!(pair.end_of_message(), Some(verdict));
    }
    assert_eq!(pair.commands(), "ODDDRREDRRE");
}
