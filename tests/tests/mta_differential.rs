//! What a trial says would be delivered, against what a real Postfix and a real Sendmail deliver with the same filter:
//! byte by byte, but for the value of the `Received` that each writes itself.

use std::time::Duration;

use milter_examples::trial::{Plan, Report, Verdict, envelope_address, run_in_memory};
use milter_tests::{Delivered, Sink, SmtpClient, Software, serve};
use milter_tokio::{
    Actions, Application, Context, EndOfMessage, EnvelopeAddress, Milter, ModificationError, MtaRules, Rcpt,
    Timeouts, Verdict as Says,
};

const TIMEOUT: Duration = Duration::from_secs(60);
const SENDER: &str = "alice@sender.test";

type Edit = (&'static str, fn(&mut Context) -> Result<(), ModificationError>);

/// Edits of headers; the message has four of the name X-Same.
const HEADERS: [Edit; 25] = [
    ("nothing", |_| Ok(())),
    ("add", |cx| cx.add_header("X-New", "one")),
    ("add a second one", |cx| cx.add_header("Subject", "again")),
    ("add a folded one", |cx| cx.add_header("X-Folded", "one\n two\r\n\tthree")),
    ("add an empty one", |cx| cx.add_header("X-Empty", "")),
    ("add with its own space", |cx| cx.add_header_raw("X-Raw", "  two spaces ")),
    ("insert at 0", |cx| cx.insert_header(0, "X-Top", "above")),
    ("insert at 1", |cx| cx.insert_header(1, "X-First", "below")),
    ("insert at 2", |cx| cx.insert_header(2, "X-Second", "there")),
    ("insert at 9", |cx| cx.insert_header(9, "X-Middle", "there")),
    ("insert at 99", |cx| cx.insert_header(99, "X-Last", "there")),
    ("insert thrice at 1", |cx| {
        cx.insert_header(1, "X-A", "1")?;
        cx.insert_header(1, "X-A", "2")?;
        cx.insert_header(1, "X-A", "3")
    }),
    ("change 1", |cx| cx.change_header("Subject", 1, "changed")),
    ("change 3", |cx| cx.change_header("X-Same", 3, "changed")),
    ("change 2", |cx| cx.change_header("x-same", 2, "changed\n too")),
    ("change 9", |cx| cx.change_header("X-Same", 9, "appended")),
    ("change what is not there", |cx| cx.change_header("X-Absent", 1, "appended")),
    ("change Received", |cx| cx.change_header("Received", 1, "from nowhere")),
    ("delete 1", |cx| cx.delete_header("X-Same", 1)),
    ("delete 9", |cx| cx.delete_header("X-Same", 9)),
    ("delete both Received", |cx| {
        cx.delete_header("Received", 1)?;
        cx.delete_header("Received", 2)
    }),
    ("delete all", |cx| cx.delete_all_headers("X-SAME")),
    ("delete 1, change 2 and 4", |cx| {
        cx.delete_header("X-Same", 1)?;
        cx.change_header("X-Same", 2, "two")?;
        cx.change_header("X-Same", 4, "four")
    }),
    ("insert, then change what was inserted", |cx| {
        cx.insert_header(1, "X-Same", "zero")?;
        cx.change_header("X-Same", 1, "one")
    }),
    ("delete, then insert and add", |cx| {
        cx.delete_header("X-Same", 2)?;
        cx.insert_header(8, "X-Same", "inserted")?;
        cx.add_header("X-Same", "added")
    }),
];

const BODIES: [Edit; 11] = [
    ("same body", |_| Ok(())),
    ("CR LF", |cx| cx.replace_body("new\r\n.\r\nbody\r\n")),
    ("empty", |cx| cx.replace_body("")),
    ("LF only", |cx| cx.replace_body("new\n\nbody\n")),
    ("no final line end", |cx| cx.replace_body("new\r\nbody")),
    ("LF, no final line end", |cx| cx.replace_body("new\nbody")),
    ("blank lines", |cx| cx.replace_body("\r\n\r\nbody\r\n\r\n")),
    ("one line end", |cx| cx.replace_body("\n")),
    ("dots", |cx| cx.replace_body("..\r\n.\r\n.a\n.")),
    ("octets", |cx| cx.replace_body(&b"\xff\xfe\t\xc3\xbc\n"[..])),
    // Cut between CR and LF: 65535 is odd, and lines have an even length.
    ("two pieces", |cx| cx.replace_body("0123456789\r\n".repeat(12_000))),
];

const ENVELOPES: [Edit; 18] = [
    ("same envelope", |_| Ok(())),
    ("sender", |cx| cx.change_sender("new@sender.test", None)),
    ("sender without brackets", |cx| cx.change_sender("<new@sender.test>", None)),
    ("null sender", |cx| cx.change_sender("", None)),
    ("sender with arguments", |cx| cx.change_sender("new@sender.test", "RET=HDRS ENVID=q+3D1")),
    ("sender twice", |cx| {
        cx.change_sender("first@sender.test", "ENVID=one")?;
        cx.change_sender("last@sender.test", None)
    }),
    ("recipient", |cx| cx.add_recipient("new@example.test")),
    ("recipient that is there", |cx| cx.add_recipient("<bob@example.test>")),
    ("recipient twice", |cx| {
        cx.add_recipient("new@example.test")?;
        cx.add_recipient("<new@example.test>")
    }),
    ("recipient with arguments", |cx| cx.add_recipient_with_arguments("new@example.test", "NOTIFY=NEVER")),
    ("less a recipient", |cx| cx.delete_recipient("carol@example.test")),
    ("less a recipient that is there twice", |cx| {
        cx.add_recipient("bob@example.test")?;
        cx.delete_recipient("bob@example.test")
    }),
    ("a recipient away and back", |cx| {
        cx.delete_recipient("bob@example.test")?;
        cx.add_recipient("bob@example.test")
    }),
    ("a new recipient away and back", |cx| {
        cx.add_recipient("new@example.test")?;
        cx.delete_recipient("new@example.test")?;
        cx.add_recipient("new@example.test")
    }),
    ("a recipient with and without arguments", |cx| {
        cx.add_recipient("new@example.test")?;
        cx.add_recipient_with_arguments("new@example.test", "NOTIFY=NEVER")
    }),
    ("a recipient with arguments and without", |cx| {
        cx.add_recipient_with_arguments("new@example.test", "NOTIFY=NEVER")?;
        cx.add_recipient("new@example.test")
    }),
    ("less nobody", |cx| cx.delete_recipient("<nobody@example.test>")),
    ("other recipients", |cx| {
        cx.delete_recipient("<bob@example.test>")?;
        cx.add_recipient("new@example.test")?;
        cx.delete_recipient("carol@example.test")?;
        cx.add_recipient("newer@example.test")
    }),
];

/// Messages as `--try` needs them beside a real MTA: with the headers that Postfix would add, and CR LF.
const MESSAGES: [&str; 4] = [
    "Received: from one by two; Mon, 6 Jan 2025 10:00:00 +0000\r\nReceived: from zero\r\n\tby one\r\n\
     From: alice@sender.test\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\n\
     To: bob@example.test\r\nSubject: test\r\nX-Same: 1\r\nX-Same: 2\r\n two\r\nX-Other: between\r\nx-same: 3\r\n\
     X-Same: 4\r\n\r\nHello\r\n.\r\n..\r\n\r\nlast\r\n",
    "X-Same:1\r\nX-Same:\t2\r\nX-Same:  3\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n\
     Subject: \r\n folded\r\n\tthrice\r\nMessage-ID: <2@sender.test>\r\nX-Same:\r\nTo: bob@example.test\r\n\
     From: Alice\r\n <alice@sender.test>\r\nReceived: from one\r\n by two\r\n\r\n",
    "From: alice@sender.test\r\nTo: bob@example.test\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n\
     Message-ID: <3@sender.test>\r\n\r\n\r\n\r\nbödy\tlast \r\n",
    "Message-ID: <4@sender.test>\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\nTo: bob@example.test\r\n\
     From: alice@sender.test\r\nX-Same: a\r\nX-SAME: b\r\nx-same: c\r\nX-Same: d\r\nSubject: last\r\n\r\nno end\r\n",
];

/// Every edit of the headers, of the body and of the envelope at least once on every message, alone or beside others.
fn combinations() -> Vec<[usize; 4]> {
    let count = HEADERS.len() * 3;
    (0..count)
        .map(|number| {
            let (body, envelope) = match number {
                0..25 => (0, 0),
                _ => (number % BODIES.len(), number % ENVELOPES.len()),
            };
            [number % HEADERS.len(), body, envelope, number % MESSAGES.len()]
        })
        .collect()
}

/// Makes the edits that the message asks for by its first recipient.
#[derive(Default)]
struct Editor {
    wanted: Option<String>,
}

impl Editor {
    async fn rcpt(&mut self, rcpt: Rcpt<'_>, _: &mut Context) {
        self.wanted.get_or_insert_with(|| rcpt.address().to_string());
    }

    async fn end_of_message(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Says, ModificationError> {
        let wanted = self.wanted.as_deref().unwrap_or_default();
        let numbers: Vec<usize> = wanted
            .trim_end_matches("@example.test")
            .split('-')
            .filter_map(|number| number.parse().ok())
            .collect();
        if let [header, body, envelope, _] = numbers[..] {
            (HEADERS[header].1)(cx)?;
            (BODIES[body].1)(cx)?;
            (ENVELOPES[envelope].1)(cx)?;
        }
        Ok(Says::Continue)
    }
}

fn editor(leading_space: bool) -> impl Application {
    let milter = Milter::per_message(Editor::default)
        .actions(Actions::all_known() - Actions::REQUEST_MACROS)
        .track_headers()
        .on_rcpt(Editor::rcpt)
        .on_end_of_message(Editor::end_of_message);
    if leading_space { milter.leading_space() } else { milter }
}

/// A message as it is delivered.
#[derive(Debug, PartialEq)]
struct Outcome {
    sender: String,
    sender_arguments: Vec<String>,
    /// With `NOTIFY`, sorted.
    recipients: Vec<String>,
    message: String,
}

impl Outcome {
    fn tried(report: &Report) -> Self {
        assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let arguments = |address: &EnvelopeAddress| {
            let mut arguments: Vec<String> =
                text(address.arguments().unwrap_or_default()).split_whitespace().map(str::to_owned).collect();
            arguments.sort();
            arguments
        };
        let after = &report.after;
        let mut recipients: Vec<String> = after
            .recipients()
            .iter()
            .map(|one| [vec![text(one.without_brackets())], arguments(one)].concat().join(" "))
            .collect();
        recipients.sort();
        Self {
            sender: text(after.sender().without_brackets()),
            sender_arguments: arguments(after.sender()),
            recipients,
            message: without_own_received(&after.to_bytes(), "id 4TRIAL0000"),
        }
    }

    fn delivered(delivered: &Delivered, mark: &str) -> Self {
        let kept =
            |argument: &&String| ["RET=", "ENVID=", "NOTIFY="].iter().any(|name| argument.starts_with(name));
        let mut sender_arguments: Vec<String> =
            delivered.sender_arguments.iter().filter(kept).cloned().collect();
        sender_arguments.sort();
        let mut recipients: Vec<String> = delivered
            .recipients
            .iter()
            .map(|one| {
                let arguments = one.arguments.iter().filter(kept).cloned();
                [one.address.clone()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
            })
            .collect();
        recipients.sort();
        Self {
            sender: delivered.sender.clone(),
            sender_arguments,
            recipients,
            message: without_own_received(&delivered.bytes, mark),
        }
    }
}

/// The message, escaped, with a mark where the MTA's own `Received` stands: the one that has this mark.
fn without_own_received(message: &[u8], mark: &str) -> String {
    let mut lines: Vec<&[u8]> = message.split_inclusive(|octet| *octet == b'\n').collect();
    let has_mark = |line: &&[u8]| String::from_utf8_lossy(line).contains(mark);
    let marked = lines.iter().position(has_mark).unwrap_or_else(|| panic!("no {mark} in {message:?}"));
    let first = (0..=marked).rev().find(|at| lines[*at].starts_with(b"Received:")).expect("its first line");
    let folds = lines[first + 1..]
        .iter()
        .take_while(|line| line.starts_with(b"\t") || line.starts_with(b" "))
        .count();
    lines.splice(first..=first + folds, [&b"(own Received)\r\n"[..]]);
    lines.concat().escape_ascii().to_string().replace("\\n", "\\n\n")
}

fn trial_equals(software: Software, leading_space: bool) {
    let (rules, mark) = match software {
        Software::Postfix => (MtaRules::Postfix, "(Postfix)"),
        Software::Sendmail => (MtaRules::Sendmail, "(8."),
    };
    let filter = serve(editor(leading_space));
    let sink = Sink::start();
    let server = software.start(filter.spec(), &sink);
    let mut client = SmtpClient::connect(server.smtp_address());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut different = Vec::new();
    for numbers in combinations() {
        let [header, body, envelope, message] = numbers;
        let name = format!(
            "{}, {}, {}, message {message}",
            HEADERS[header].0, BODIES[body].0, ENVELOPES[envelope].0
        );
        let wanted = numbers.map(|number| number.to_string()).join("-");
        let recipients = [&wanted, "bob", "carol"].map(|user| format!("{user}@example.test"));
        let recipients = recipients.each_ref().map(|one| &**one);
        let message = MESSAGES[message].as_bytes();

        client.send(SENDER, &recipients, message).unwrap_or_else(|answer| panic!("{name}: {answer}"));
        let delivered = Outcome::delivered(&sink.wait_for(1, TIMEOUT)[0], mark);
        assert_eq!(sink.take().len(), 1, "{name}");

        let plan = Plan::new(message.to_vec())
            .rules(rules)
            .from(envelope_address(SENDER).unwrap())
            .to(recipients.map(|one| envelope_address(one).unwrap()).to_vec());
        let report = runtime.block_on(run_in_memory(&plan, editor(leading_space), Timeouts::default()));
        let tried = Outcome::tried(&report);
        if tried != delivered {
            different.push(format!("{name}:\ntried {tried:#?}\ndelivered {delivered:#?}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn combinations_cover_every_edit() {
    let all = combinations();
    let used =
        |at: usize| all.iter().map(|numbers| numbers[at]).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(
        [used(0), used(1), used(2), used(3)],
        [HEADERS.len(), BODIES.len(), ENVELOPES.len(), MESSAGES.len()]
    );
    assert_eq!(all.len(), 75);
}

#[test]
fn trial_equals_what_postfix_delivers() {
    trial_equals(Software::Postfix, false);
}

#[test]
fn trial_equals_what_postfix_delivers_with_leading_spaces() {
    trial_equals(Software::Postfix, true);
}

#[test]
fn trial_equals_what_sendmail_delivers() {
    trial_equals(Software::Sendmail, false);
}

#[test]
fn trial_equals_what_sendmail_delivers_with_leading_spaces() {
    trial_equals(Software::Sendmail, true);
}
