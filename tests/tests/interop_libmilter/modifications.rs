//! Modifications by a filter on libmilter: what would be delivered after them.

use milter_tokio::{EnvelopeAddress, Message, Protocol};

use crate::Filter;
use crate::interop_client::letter;

const HEADERS: &str =
    "From: a@example.com\r\nSubject:  two spaces\r\nX-Twice: 1\r\nx-twice: 2\r\nX-Folded: a\r\n\tb\r\n";
const BODY: &str = "line\r\n.\r\n";

/// Envelope and message as one text.
fn shown(message: &Message) -> String {
    let line = |command: &str, address: &EnvelopeAddress| {
        let arguments = address.arguments().unwrap_or_default();
        format!("{command} {} {}\r\n", address.address().escape_ascii(), arguments.escape_ascii())
    };
    let mut shown = line("MAIL", message.sender());
    shown.extend(message.recipients().iter().map(|recipient| line("RCPT", recipient)));
    if let Some(reason) = message.quarantined() {
        shown.push_str(&format!("HOLD {}\r\n", reason.escape_ascii()));
    }
    shown + &String::from_utf8(message.to_bytes()).unwrap()
}

/// What a word of the filter does: the word, what is told at the end of the message, and what then differs in the text
/// that was shown before.
type Case = (&'static str, &'static str, Vec<(&'static str, String)>);

fn cases(space: &str) -> Vec<Case> {
    let last = "X-Folded: a\r\n\tb\r\n";
    let added = format!("{last}X-Added:{space}first\r\n\tfolded\r\nX-Spaced:{space} spaced\r\n");
    let from = "From: a@example.com\r\n";
    let inserted = format!("X-Top:{space}top\r\n{from}X-Third:{space}third\r\n");
    let (subject, changed) = ("Subject:  two spaces\r\n", format!("subject:{space}changed\r\n"));
    let recipient = "RCPT <rcpt@example.org> \r\n";
    let with_added = format!("{recipient}RCPT <added@example.org> \r\n");
    let par = "RCPT <par@example.org> NOTIFY=NEVER ORCPT=rfc822;o@example.org\r\n";
    vec![
        ("none", "E c", vec![]),
        ("addheader", "E h h c", vec![(last, added)]),
        ("insheader", "E i i i c", vec![(from, inserted), (last, format!("{last}X-Last:{space}last\r\n"))]),
        (
            "chgheader",
            "E m m m m c",
            vec![
                (subject, changed),
                ("x-twice: 2\r\n", String::new()),
                (last, format!("{last}X-None:{space}appended\r\n")),
            ],
        ),
        ("addrcpt", "E + c", vec![(recipient, with_added)]),
        ("addrcpt_par", "E 2 c", vec![(recipient, format!("{recipient}{par}"))]),
        ("delrcpt", "E - c", vec![(recipient, String::new())]),
        ("chgfrom", "E e c", vec![("<chgfrom@example.com>", "<changed@example.com>".into())]),
        (
            "chgfrom_args",
            "E e c",
            vec![("<chgfrom_args@example.com> ", "<changed@example.com> RET=HDRS ENVID=q".into())],
        ),
        ("progress", "E p c", vec![]),
        ("quarantine", "E q c", vec![(recipient, format!("{recipient}HOLD looks odd\r\n"))]),
        ("replacebody", "E b b c", vec![(BODY, "one\r\ntwo\r\n".into())]),
        ("emptybody", "E b c", vec![(BODY, String::new())]),
    ]
}

#[tokio::test]
async fn each_is_applied_as_libmilter_meant_it() {
    for (ability, space) in [(Protocol::empty(), " "), (Protocol::LEADING_SPACE, "")] {
        let mut filter = Filter::start(ability);
        let mut mta = filter.connect().await;
        assert_eq!(mta.options().protocol, ability);
        for (word, told, differences) in cases(space) {
            let message = letter(&format!("<{word}@example.com>"), format!("{HEADERS}\r\n{BODY}"));
            let mut expected = shown(&message);
            for (from, to) in differences {
                assert_eq!(expected.matches(from).count(), 1, "{word}: {from:?} in {expected:?}");
                expected = expected.replace(from, &to);
            }
            let delivered = mta.message(message).await.unwrap();
            let all = mta.told();
            assert_eq!(all, format!("M c, R c, T c, L c, L c, L c, L c, L c, N c, B c, {told}"), "{word}");
            assert_eq!(shown(&delivered), expected, "{word}");
        }
        mta.client.quit().await.unwrap();
        assert!(!filter.callbacks("close", 1).iter().any(|line| line.starts_with("failed")));
    }
}

#[tokio::test]
async fn all_are_applied_in_their_order() {
    let mut filter = Filter::start(Protocol::empty());
    let mut mta = filter.connect().await;
    let message = letter("<everything@example.com>", format!("{HEADERS}\r\n{BODY}"));
    let delivered = mta.message(message).await.unwrap();
    assert!(mta.told().ends_with(", E h h i i i m m m m + 2 - e p q b b c"));
    assert_eq!(
        shown(&delivered),
        "MAIL <changed@example.com> \r\n\
         RCPT <added@example.org> \r\n\
         RCPT <par@example.org> NOTIFY=NEVER ORCPT=rfc822;o@example.org\r\n\
         HOLD looks odd\r\n\
         X-Top: top\r\n\
         From: a@example.com\r\n\
         X-Third: third\r\n\
         subject: changed\r\n\
         X-Twice: 1\r\n\
         X-Folded: a\r\n\tb\r\n\
         X-Added: first\r\n\tfolded\r\n\
         X-Spaced:  spaced\r\n\
         X-Last: last\r\n\
         X-None: appended\r\n\
         \r\n\
         one\r\ntwo\r\n"
    );
}

#[tokio::test]
async fn bodies_are_cut_and_put_together() {
    let mut filter = Filter::start(Protocol::empty());
    let mut mta = filter.connect().await;
    let message = letter("<longbody@example.com>", [b"A: b\r\n\r\n", &[b'x'; 65_536][..]].concat());
    let delivered = mta.message(message).await.unwrap();
    assert_eq!(mta.told(), "M c, R c, T c, L c, N c, B c, B c, E b b b b c");
    assert_eq!(delivered.body().len(), 200_000);
    for (at, octet) in delivered.body().iter().enumerate() {
        let expected = [b'a' + u8::try_from(at % 26).unwrap(), b'\r', b'\n'];
        assert_eq!(*octet, expected[(at % 80).saturating_sub(77)], "octet {at}");
    }
}
