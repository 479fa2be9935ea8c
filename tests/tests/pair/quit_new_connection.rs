use crate::watcher::Seen;
use milter_proto::{Abort, Connect, Context, Mail, Milter, Quit};
use milter_proto::{BodyVerdict, CommandKind, Options, Sent, Verdict, Version};
use milter_tests::{Pair, sample};

#[test]
fn a_new_client_on_the_same_connection() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.connect("one.example", "192.0.2.1");
    pair.message(&[], "");
    seen.take();
    pair.quit_new_connection();
    pair.connect("two.example", "192.0.2.2");
    pair.mail("<a@b>");
    pair.quit_new_connection();
    pair.connect("three.example", "192.0.2.3");
    pair.quit();
    assert_eq!(seen.take(), "quit connect=two.example mail=a@b abort quit connect=three.example quit");
    assert_eq!(pair.commands(), "OCMRTNEKCMAKCQ", "it is negotiated once");
}

#[test]
fn nothing_of_the_old_client_is_left() {
    let milter = Milter::per_connection(|| 0)
        .on_connect(async |clients: &mut i32, connect: Connect<'_>, cx: &mut Context| {
            *clients += 1;
            assert_eq!((*clients, cx.macros.get("j").is_some()), (1, connect.hostname() == "one.example"));
            if connect.hostname() == "one.example" { Verdict::Reject } else { Verdict::Continue }
        })
        .on_mail(async |_: &mut i32, _: Mail<'_>, _: &mut Context| Verdict::Accept)
        .on_abort(async |_: &mut i32, _: Abort, _: &mut Context| {})
        .on_quit(async |_: &mut i32, _: Quit, _: &mut Context| {});
    let mut pair = Pair::new(milter);
    pair.macros(CommandKind::Connect, &[("j", "mta.example")]);
    assert_eq!(pair.connect("one.example", "192.0.2.1"), Some(BodyVerdict::Reject));
    assert_eq!(pair.mail("<a@b>"), None, "the session was decided");
    pair.quit_new_connection();
    assert_eq!(pair.connect("two.example", "192.0.2.2"), Some(BodyVerdict::Continue));
    assert_eq!(pair.mail("<a@b>"), Some(BodyVerdict::Accept));
    assert_eq!(pair.rcpt("<c@d>"), None);
    pair.quit();
    assert_eq!((pair.commands(), pair.responses()), ("ODCKCMQ".into(), "Orca".into()));
}

#[test]
fn old_filters_do_not_know_it() {
    let mut pair =
        Pair::new(Seen::default().watcher()).offer(Options { version: Version(5), ..Options::CURRENT });
    let sent = pair.send(&sample(CommandKind::QuitNewConnection));
    assert_eq!(sent, Ok((Sent::LeftOut, None)));
}
