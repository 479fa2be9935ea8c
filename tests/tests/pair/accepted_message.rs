use crate::watcher::Seen;
use milter_proto::BodyVerdict::Continue;
use milter_tests::Pair;

#[test]
fn each_stage_is_asked_and_answered_once() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    assert_eq!(pair.connect("client.example", "192.0.2.1"), Some(Continue));
    assert_eq!(pair.helo("client.example"), Some(Continue));
    assert_eq!(pair.mail("<a@b>"), Some(Continue));
    assert_eq!(pair.rcpt("<c@d>"), Some(Continue));
    assert_eq!(pair.data(), Some(Continue));
    assert_eq!(pair.header("Subject", "hi"), Some(Continue));
    assert_eq!(pair.end_of_headers(), Some(Continue));
    assert_eq!(pair.body("hi\r\n"), Some(Continue));
    assert_eq!(pair.end_of_message(), Some(Continue));
    pair.quit();
    assert_eq!(pair.commands(), "OCHMRTLNBEQ");
    assert_eq!(pair.responses(), "Occccccccc");
    let expected = "connect=client.example helo=client.example mail=a@b rcpt=c@d data header=Subject \
                    end_of_headers body=4 end_of_message quit";
    assert_eq!(seen.take(), expected);
}

#[test]
fn several_messages_on_one_connection() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    for _ in 0..3 {
        assert_eq!(pair.message(&[], ""), Some(Continue));
        // Postfix aborts after each message, and before QUIT once more.
        pair.abort();
    }
    pair.abort();
    pair.quit();
    assert_eq!(pair.commands(), "OMRTNEAMRTNEAMRTNEAAQ");
    let message = "mail=sender@example.test rcpt=recipient@example.test data end_of_headers end_of_message ";
    assert_eq!(seen.take(), message.repeat(3) + "quit");
}

#[test]
fn a_long_body_comes_in_chunks() {
    let seen = Seen::default();
    let mut pair = Pair::new(seen.watcher());
    pair.mail("<a@b>");
    assert_eq!(pair.body("x".repeat(200_000)), Some(Continue));
    assert_eq!(seen.take(), "mail=a@b body=65535 body=65535 body=65535 body=3395");
}
