use crate::watcher::Seen;
use milter_proto::CommandKind;
use milter_tests::Pair;

#[test]
fn before_the_first_message_as_after_starttls() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.connect("client.example", "2001:db8::1");
    pair.helo("one");
    pair.macros(CommandKind::Helo, &[("{tls_version}", "TLSv1.3")]);
    pair.helo("two");
    pair.mail("<a@b>");
    assert_eq!(pair.commands(), "OCHDHM");
    assert_eq!(seen.take(), "connect=client.example helo=one helo=two mail=a@b");
}

#[test]
fn in_a_message_which_is_aborted_first() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.mail("<a@b>");
    pair.rcpt("<c@d>");
    pair.macros(CommandKind::Helo, &[("{tls_version}", "TLSv1.3")]);
    pair.helo("again");
    pair.mail("<e@f>");
    pair.quit();
    assert_eq!(pair.commands(), "OMRADHMAQ");
    assert_eq!(seen.take(), "mail=a@b rcpt=c@d abort helo=again mail=e@f abort quit");
}
