//! A message is split, shown and written without loss, and its body and envelope are changed as an MTA would.
//!
//! Statements of the protocol's conformance list: 76, 77, 78 (what is shown), 97 (the space after the colon).

use milter_proto::{
    Address, AddressAndArguments, ArgumentText, EnvelopeAddress, HeaderField, HeaderName, HeaderValue,
    Message, Modification, MtaRules, Reason, ReplacementChunk,
};
use std::borrow::Cow;

#[test]
fn values_get_a_space_and_folds_get_cr_lf() {
    let folded = add("A", "one\n two");
    let mut message = Message::parse(b"");
    message.apply(&folded);
    assert_eq!(message.to_bytes(), b"A: one\r\n two\r\n");

    let mut message = Message::parse(b"").with_leading_space(true);
    message.apply(&folded);
    message.next_filter(false);
    message.apply(&add("B", " v"));
    assert_eq!(message.to_bytes(), b"A:one\r\n two\r\nB:  v\r\n");
}

#[test]
fn headers_are_shown_as_an_mta_sends_them() {
    let message = Message::parse(
        b"A:  two\r\nB:\tt\r\nC:v\r\nD : s \r\nE:\r\n v\r\nF: a\n \r\n\tb\r\nG:\r\nH: caf\xe9\0\r\n\r\nbody",
    );
    let shown: Vec<_> = message.headers().map(|header| (header.name(), header.value(false))).collect();
    let expected: [(&str, &[u8]); 8] = [
        ("A", b" two"),
        ("B", b"\tt"),
        ("C", b"v"),
        ("D", b"s "),
        ("E", b"\n v"),
        ("F", b"a\n \n\tb"),
        ("G", b""),
        ("H", b"caf\xe9\0"),
    ];
    assert_eq!(shown, expected.map(|(name, value)| (name.as_bytes(), Cow::Borrowed(value))));
    let first = message.headers().next().unwrap();
    assert_eq!((&*first.value(true), first.as_bytes()), (b"  two".as_slice(), b"A:  two\r\n".as_slice()));
    assert_eq!(message.body(), b"body");
}

#[test]
fn a_line_that_is_no_header_begins_the_body() {
    for (content, headers, body) in [
        ("", 0, ""),
        ("\r\n", 0, ""),
        ("\r", 0, "\r"),
        ("\nbody", 0, "body"),
        ("A: b", 1, ""),
        ("A: b\n", 1, ""),
        ("A: b\r\nno header\r\nC: d\r\n", 1, "no header\r\nC: d\r\n"),
        (" fold: of nothing\r\n", 0, " fold: of nothing\r\n"),
        (": no name\r\n", 0, ": no name\r\n"),
        ("A b: c\r\n", 0, "A b: c\r\n"),
        ("A: b\r\n\u{e9}: c\r\n", 1, "\u{e9}: c\r\n"),
        ("A: b\r\n \r\n\r\nbody", 1, "body"),
        ("From a@b Sun\nA: b\n", 0, "From a@b Sun\nA: b\n"),
    ] {
        let message = Message::parse(content.as_bytes());
        assert_eq!((message.headers().count(), message.body()), (headers, body.as_bytes()), "{content:?}");
    }
}

#[test]
fn a_changed_message_keeps_headers_and_body_apart() {
    for (content, expected) in [
        ("A: b", "A: b\r\nX: y\r\n"),
        ("", "X: y\r\n"),
        (" body", "X: y\r\n\r\n body"),
        ("A: b\nB : body\n\tfold\n", "A: b\nB : body\n\tfold\nX: y\r\n"),
        ("A: b\r\nbody", "A: b\r\nX: y\r\n\r\nbody"),
        ("\nA: body", "X: y\r\n\nA: body"),
    ] {
        let mut message = Message::parse(content.as_bytes());
        message.apply(&change(2, "A", ""));
        assert_eq!(message.to_bytes(), content.as_bytes(), "nothing was changed");
        message.apply(&add("X", "y"));
        assert_eq!(String::from_utf8(message.to_bytes()).unwrap(), expected, "{content:?}");
    }
    let mut message = Message::parse(b"A: b");
    message.apply(&replace(b"C: d"));
    assert_eq!(message.to_bytes(), b"A: b\r\n\r\nC: d\r\n");
    let mut message = Message::parse(b"A: b\r\nbody");
    message.apply(&change(1, "A", "c"));
    assert_eq!(message.to_bytes(), b"A: c\r\n\r\nbody");
}

#[test]
fn rules_and_the_own_received_may_be_given_in_any_order() {
    for rules in [MtaRules::Postfix, MtaRules::Sendmail] {
        let message = || Message::parse(b"A: b\r\n\r\n");
        let one = message().with_rules(rules).with_own_received("own");
        let other = message().with_own_received("own").with_rules(rules);
        for mut message in [one, other] {
            message.apply(&Modification::InsertHeader { index: 1, field: field("X", "y") });
            assert_eq!(message.to_bytes(), b"Received: own\r\nX: y\r\nA: b\r\n\r\n", "{rules:?}");
        }
    }
}

#[test]
fn of_a_message_in_a_log_the_beginning_of_the_body_is_shown() {
    let shown = |body: &str| {
        let message = Message::parse(format!("A: b\r\n\r\n{body}").as_bytes());
        format!("{:?}", message.with_rules(MtaRules::Sendmail))
    };
    let (most, more) = ("b".repeat(64), "b".repeat(65));
    assert!(shown(&most).contains(&format!("body: Body(64 octets: \"{most}\"),")));
    assert!(shown(&more).contains(&format!("body: Body(65 octets: \"{most}\"…),")));
    assert!(shown("").contains(r#"Field(Template, not written: b"Message-Id"), Field(Shown: b"A: b\r\n")"#));
}

#[test]
fn the_first_piece_replaces_the_body_and_the_others_follow() {
    for (pieces, expected) in [
        (vec![""], ""),
        (vec!["a\nb\r\nc"], "a\r\nb\r\nc\r\n"),
        (vec!["a\r", "\nb", "c\r", "d\n"], "a\r\nbc\rd\r\n"),
        (vec!["a", "", "\r\r\n"], "a\r\r\n"),
        (vec!["a\r"], "a\r\r\n"),
        (vec!["\n", "\n"], "\r\n\r\n"),
    ] {
        let mut message = Message::parse(b"A: b\r\n\r\nold\r\n");
        pieces.iter().for_each(|piece| message.apply(&replace(piece.as_bytes())));
        assert_eq!(message.body(), expected.as_bytes(), "{pieces:?}");
    }
}

#[test]
fn pieces_that_do_not_follow_one_another_fail_at_postfix() {
    let changes = [replace(b"a"), add("X", "y"), replace(b"b"), add("Z", "z")];
    for (rules, refused, body) in [(MtaRules::Postfix, true, "a\r\n"), (MtaRules::Sendmail, false, "ab\r\n")]
    {
        let mut message = Message::parse(b"A: b\r\n\r\nold\r\n").with_rules(rules);
        changes.iter().for_each(|change| message.apply(change));
        assert_eq!((message.is_refused(), message.body()), (refused, body.as_bytes()), "{rules:?}");
    }
    let mut message = Message::parse(b"");
    message.apply(&changes[0]);
    message.next_filter(false);
    message.apply(&changes[2]);
    assert_eq!((message.is_refused(), message.body()), (false, b"b\r\n".as_slice()), "another filter");
}

fn add(name: &'static str, value: &'static str) -> Modification<'static> {
    Modification::AddHeader(field(name, value))
}

fn change(occurrence: u32, name: &'static str, value: &'static str) -> Modification<'static> {
    Modification::ChangeHeader { occurrence, field: field(name, value) }
}

fn field(name: &'static str, value: &'static str) -> HeaderField<'static> {
    HeaderField::new(HeaderName::new(name).unwrap(), HeaderValue::new(value).unwrap()).unwrap()
}

fn replace(piece: &[u8]) -> Modification<'_> {
    Modification::ReplaceBody(ReplacementChunk::split(piece).next().unwrap())
}

#[test]
fn the_envelope_is_changed() {
    let address = |text| Address::new(text).unwrap();
    let with = |text, arguments| {
        AddressAndArguments::new(address(text), Some(ArgumentText::new(arguments).unwrap()))
    };
    let mut message = Message::parse(b"");
    assert_eq!(message.sender(), &EnvelopeAddress::new("<>"));
    message.set_sender(EnvelopeAddress::new("<a@b>").with_arguments("SIZE=1"));
    message.add_recipient("<c@d>");
    message.add_recipient(b"e@f".as_slice());
    for modification in [
        Modification::ChangeSender(AddressAndArguments::new(address("new@b"), None)),
        Modification::AddRecipient(address("<g@h>")),
        Modification::AddRecipient(address("g@h")),
        Modification::AddRecipientWithArguments(with("<i@j>", "NOTIFY=NEVER")),
        Modification::DeleteRecipient(address("<E@f>")),
        Modification::DeleteRecipient(address("<e@f>")),
        Modification::DeleteRecipient(address("<nobody>")),
        Modification::Quarantine(Reason::new("first").unwrap()),
        Modification::Quarantine(Reason::new("second").unwrap()),
    ] {
        message.apply(&modification);
    }
    assert_eq!(message.sender(), &EnvelopeAddress::new("new@b").with_arguments("SIZE=1"));
    let expected =
        ["<c@d>".into(), "<g@h>".into(), EnvelopeAddress::new("<i@j>").with_arguments("NOTIFY=NEVER")];
    assert_eq!(message.recipients(), expected);
    assert_eq!(message.quarantined(), Some(b"second".as_slice()));
    assert_eq!(message.to_bytes(), b"", "the envelope is no part of it");

    message.apply(&Modification::ChangeSender(with("<>", "")));
    assert_eq!(message.sender(), &EnvelopeAddress::new("<>"));
}

#[test]
fn a_recipient_with_other_arguments_is_another_one_at_postfix() {
    for (rules, count) in [(MtaRules::Postfix, 2), (MtaRules::Sendmail, 1)] {
        let address = Address::new("<a@b>").unwrap();
        let never = ArgumentText::new("NOTIFY=NEVER").unwrap();
        let mut message = Message::parse(b"").with_rules(rules);
        message.apply(&Modification::AddRecipient(address));
        let with_arguments = AddressAndArguments::new(address, Some(never));
        message.apply(&Modification::AddRecipientWithArguments(with_arguments));
        assert_eq!(message.recipients().len(), count, "{rules:?}");
        assert_eq!(message.recipients()[0].arguments(), None);
    }
}

/// Postfix, seen at 3.7.11, tells recipients of filters from those of the client; a deletion concerns both.
#[test]
fn a_recipient_that_client_and_filter_name_is_there_twice_at_postfix() {
    for (rules, expected) in
        [(MtaRules::Postfix, &["<a@b>", "a@b", "<c@d>"][..]), (MtaRules::Sendmail, &["<a@b>", "<c@d>"])]
    {
        let address = |text| Address::new(text).unwrap();
        let mut message = Message::parse(b"").with_rules(rules);
        message.add_recipient("<a@b>");
        message.add_recipient("a@b");
        message.apply(&Modification::AddRecipient(address("a@b")));
        message.apply(&Modification::AddRecipient(address("<a@b>")));
        message.apply(&Modification::AddRecipient(address("<c@d>")));
        let recipients: Vec<&[u8]> = message.recipients().iter().map(EnvelopeAddress::address).collect();
        assert_eq!(recipients, expected.iter().map(|one| one.as_bytes()).collect::<Vec<_>>(), "{rules:?}");

        message.apply(&Modification::DeleteRecipient(address("a@b")));
        assert_eq!(message.recipients(), [EnvelopeAddress::new("<c@d>")], "{rules:?}");
        message.apply(&Modification::AddRecipient(address("a@b")));
        assert_eq!(message.recipients().len(), 2, "{rules:?}");
    }
}

/// Random octets, and random lines of what makes headers odd.
#[test]
fn an_unchanged_message_is_written_as_it_was_read() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let mut content = Vec::new();
        for _ in 0..random.below(12) {
            match random.below(4) {
                0 => content.push(random.below(256).to_le_bytes()[0]),
                _ => content.extend_from_slice(ODD[random.below(ODD.len())]),
            }
        }
        for rules in [MtaRules::Postfix, MtaRules::Sendmail] {
            let message = Message::parse(&content).with_rules(rules);
            assert_eq!(message.to_bytes(), content, "{:?}", content.escape_ascii().to_string());
            let shown: usize = message.headers().map(|header| header.as_bytes().len()).sum();
            let separator = content.len() - shown - message.body().len();
            assert!(separator <= 2, "{:?}", content.escape_ascii().to_string());
        }
    }
}

const ODD: [&[u8]; 14] = [
    b"A: b",
    b"Name : value",
    b":",
    b" ",
    b"\t",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\n\t",
    b"\0",
    b"\xe9",
    b"From ",
];

/// xorshift64: the same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

#[test]
fn fifty_megabytes_are_no_matter() {
    const SIZE: usize = 50_000_000;
    for content in [vec![b'a'; SIZE], b"A:\n".repeat(SIZE / 30), b"\r\n ".repeat(SIZE / 3)] {
        let copy = content.clone();
        let mut message = Message::from(content);
        assert!(message.to_bytes() == copy);
        message.apply(&replace(b"new"));
        assert_eq!(message.body(), b"new\r\n");
    }
}
