//! Where Postfix and Sendmail put a change of the headers, case by case.
//!
//! Statements of the protocol's conformance list: 93, 94, 95. Every case of the table was seen at Postfix
//! 3.7.11. Of Sendmail 8.17.1.9 most were, in its queue file and with the default headers of its usual configuration;
//! what was not follows from the same few functions of its sources. The cases with two filters are Sendmail's.

use milter_proto::{HeaderField, HeaderName, HeaderValue, Message, Modification, MtaRules};

#[test]
fn changes_of_headers_go_where_each_mta_puts_them() {
    for case in CASES {
        for (rules, expected) in [(MtaRules::Postfix, case.postfix), (MtaRules::Sendmail, case.sendmail)] {
            let message = Message::parse(&with_crlf(case.message)).with_rules(rules);
            let mut message = if case.own { message.with_own_received("own") } else { message };
            for change in case.changes {
                message.apply(&change.modification());
            }
            let written = String::from_utf8(message.to_bytes()).unwrap().replace("\r\n", "\n");
            let headers = written.split("\n\n").next().unwrap().replace('\n', "|");
            assert_eq!(headers, expected, "{} ({rules:?})", case.says);
        }
    }
}

/// A header of the message is `name: value`, several are separated by `|`, and so are those expected.
struct Case {
    says: &'static str,
    own: bool,
    message: &'static str,
    changes: &'static [Change],
    postfix: &'static str,
    sendmail: &'static str,
}

enum Change {
    Add(&'static str, &'static str),
    Insert(u32, &'static str, &'static str),
    Set(u32, &'static str, &'static str),
    Delete(u32, &'static str),
}

use Change::{Add, Delete, Insert, Set};

const CASES: &[Case] = &[
    Case {
        says: "a new name is appended",
        own: true,
        message: "A: 1|B: 2",
        changes: &[Add("C", "3"), Add("D", "")],
        postfix: "Received: own|A: 1|B: 2|C: 3|D: ",
        sendmail: "Received: own|A: 1|B: 2|C: 3|D: ",
    },
    Case {
        says: "a name that is there is appended by Postfix, and put before its first by Sendmail",
        own: false,
        message: "A: 1|B: 2|A: 3",
        changes: &[Add("b", "new"), Add("a", "new")],
        postfix: "A: 1|B: 2|A: 3|b: new|a: new",
        sendmail: "a: new|A: 1|b: new|B: 2|A: 3",
    },
    Case {
        says: "a Received is put above the MTA's own by Sendmail",
        own: true,
        message: "A: 1",
        changes: &[Add("Received", "new")],
        postfix: "Received: own|A: 1|Received: new",
        sendmail: "Received: new|Received: own|A: 1",
    },
    Case {
        says: "a name of Sendmail's defaults overwrites the default",
        own: true,
        message: "A: 1|Date: 2",
        changes: &[Add("date", "new"), Add("Message-ID", "new"), Add("date", "newer")],
        postfix: "Received: own|A: 1|Date: 2|date: new|Message-ID: new|date: newer",
        sendmail: "Received: own|date: newer|Date: new|Message-Id: new|A: 1|Date: 2",
    },
    Case {
        says: "index 0 is above and 1 below the MTA's own Received, and what was inserted counts",
        own: true,
        message: "A: 1|B: 2",
        changes: &[Insert(1, "X", "one"), Insert(0, "X", "zero"), Insert(1, "X", "again")],
        postfix: "X: zero|X: again|Received: own|X: one|A: 1|B: 2",
        sendmail: "X: zero|X: again|Received: own|X: one|A: 1|B: 2",
    },
    Case {
        says: "Sendmail counts its defaults: without own Received, 8 of them",
        own: false,
        message: "A: 1|B: 2",
        changes: &[Insert(1, "X", "one"), Insert(9, "X", "nine")],
        postfix: "A: 1|X: one|B: 2|X: nine",
        sendmail: "X: one|A: 1|X: nine|B: 2",
    },
    Case {
        says: "past the end is the end; Sendmail takes a negative index for 0",
        own: true,
        message: "A: 1",
        changes: &[Insert(100, "X", "far"), Insert(u32::MAX, "X", "-1"), Insert(1 << 31, "X", "min")],
        postfix: "Received: own|A: 1|X: far|X: -1|X: min",
        sendmail: "X: min|X: -1|Received: own|A: 1|X: far",
    },
    Case {
        says: "an occurrence counts by name, from 1, and 0 is 1; Sendmail keeps the spelling",
        own: true,
        message: "A: 1|B: 2|A: 3|A: 4",
        changes: &[Set(2, "a", "new"), Set(0, "B", "new")],
        postfix: "Received: own|A: 1|B: new|a: new|A: 4",
        sendmail: "Received: own|A: 1|B: new|A: new|A: 4",
    },
    Case {
        says: "the MTA's own Received is not counted by changes",
        own: true,
        message: "Received: first|Received: second",
        changes: &[Set(1, "Received", "new"), Delete(2, "received")],
        postfix: "Received: own|Received: new",
        sendmail: "Received: own|Received: new",
    },
    Case {
        says: "a change of what is not there adds: at the end, or before the first of that name",
        own: true,
        message: "A: 1|B: 2|A: 3",
        changes: &[Set(3, "a", "new"), Set(1, "C", "new"), Set(7, "B", "new")],
        postfix: "Received: own|A: 1|B: 2|A: 3|a: new|C: new|B: new",
        sendmail: "Received: own|a: new|A: 1|B: new|B: 2|A: 3|C: new",
    },
    Case {
        says: "Sendmail takes a negative occurrence for the first, Postfix for one that is not there",
        own: false,
        message: "A: 1|A: 2",
        changes: &[Set(u32::MAX, "A", "new")],
        postfix: "A: 1|A: 2|A: new",
        sendmail: "A: new|A: 2",
    },
    Case {
        says: "deleting what is not there does nothing",
        own: true,
        message: "A: 1",
        changes: &[Delete(2, "A"), Delete(1, "B"), Delete(1, "Received"), Delete(1, "Date")],
        postfix: "Received: own|A: 1",
        sendmail: "Received: own|A: 1",
    },
    Case {
        says: "after a deletion Postfix renumbers, and Sendmail does not",
        own: false,
        message: "A: 1|A: 2|A: 3",
        changes: &[Delete(1, "A"), Delete(1, "A")],
        postfix: "A: 3",
        sendmail: "A: 2|A: 3",
    },
    Case {
        says: "Sendmail brings back what was deleted when its number is changed",
        own: false,
        message: "A: 1|A: 2|A: 3",
        changes: &[Delete(2, "A"), Set(2, "a", "new")],
        postfix: "A: 1|a: new",
        sendmail: "A: 1|A: new|A: 3",
    },
    Case {
        says: "a name whose only header was deleted is added again where it was by Sendmail",
        own: false,
        message: "A: 1|B: 2",
        changes: &[Delete(1, "A"), Add("A", "new")],
        postfix: "B: 2|A: new",
        sendmail: "A: new|B: 2",
    },
    Case {
        says: "from the highest down, deleting is the same everywhere",
        own: true,
        message: "A: 1|A: 2|B: 3|A: 4",
        changes: &[Delete(3, "A"), Delete(2, "A"), Delete(1, "A")],
        postfix: "Received: own|B: 3",
        sendmail: "Received: own|B: 3",
    },
    Case {
        says: "what was inserted above is the first of its name, what was added the last",
        own: true,
        message: "A: 1",
        changes: &[Insert(0, "A", "top"), Insert(99, "A", "last"), Set(1, "A", "new"), Set(3, "A", "newer")],
        postfix: "A: new|Received: own|A: 1|A: newer",
        sendmail: "A: new|Received: own|A: 1|A: newer",
    },
    Case {
        says: "a default that Sendmail overwrote is the first of its name from then on",
        own: true,
        message: "From: a",
        changes: &[Set(2, "from", "b"), Set(1, "From", "c")],
        postfix: "Received: own|From: c|from: b",
        sendmail: "Received: own|From: c|From: a",
    },
];

impl Change {
    fn modification(&self) -> Modification<'static> {
        match *self {
            Add(name, value) => Modification::AddHeader(field(name, value)),
            Insert(index, name, value) => Modification::InsertHeader { index, field: field(name, value) },
            Set(occurrence, name, value) => {
                Modification::ChangeHeader { occurrence, field: field(name, value) }
            }
            Delete(occurrence, name) => Modification::ChangeHeader { occurrence, field: field(name, "") },
        }
    }
}

fn field(name: &'static str, value: &'static str) -> HeaderField<'static> {
    HeaderField::new(HeaderName::new(name).unwrap(), HeaderValue::new(value).unwrap()).unwrap()
}

fn with_crlf(headers: &str) -> Vec<u8> {
    (headers.replace('|', "\r\n") + "\r\n\r\nbody\r\n").into_bytes()
}

#[test]
fn the_next_filter_does_not_count_what_the_one_before_deleted() {
    for (message, first, second, postfix, sendmail) in [
        ("A: 1|A: 2", Delete(1, "A"), Set(1, "A", "new"), "A: new", "A: new"),
        ("A: 1|A: 2", Delete(1, "A"), Set(2, "A", "new"), "A: 2|A: new", "A: new|A: 2"),
        ("A: 1|B: 2", Delete(1, "A"), Add("a", "new"), "B: 2|a: new", "A: new|B: 2"),
    ] {
        for (rules, expected) in [(MtaRules::Postfix, postfix), (MtaRules::Sendmail, sendmail)] {
            let mut message = Message::parse(&with_crlf(message)).with_rules(rules);
            message.apply(&first.modification());
            message.next_filter(false);
            message.apply(&second.modification());
            assert_eq!(message.to_bytes(), with_crlf(expected), "{rules:?}");
        }
    }
}
