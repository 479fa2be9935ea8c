//! Laws of a message that filters change.

use crate::octets::octets;
use milter_proto::{Message, Modification, MtaRules, Packet, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A message, and how an MTA holds it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Whose rules place the changes.
    pub rules: MtaRules,
    /// Whether the filter writes the space after the colon.
    pub leading_space: bool,
    /// Whether the MTA puts its own `Received` on top.
    pub has_own_received: bool,
    /// The message.
    pub content: &'a [u8],
}

impl Held<'_> {
    /// As the library takes it.
    pub fn message(self) -> Message {
        let message =
            Message::parse(self.content).with_rules(self.rules).with_leading_space(self.leading_space);
        if self.has_own_received { message.with_own_received("from us\n\tby us") } else { message }
    }
}

/// A name and its value, as a filter is shown them with all white space.
type Shown = (Vec<u8>, Vec<u8>);

/// Law: a message that nothing changed is written as it was read.
pub fn what_is_not_changed_is_written_as_it_was_read(held: Held<'_>) {
    let message = Held { has_own_received: false, ..held }.message();
    assert_eq!(message.to_bytes(), held.content);
    let shown: usize = message.headers().map(|header| header.as_bytes().len()).sum();
    assert!(
        held.content.len() - shown - message.body().len() <= 2,
        "more than a blank line is no part of it"
    );
}

/// Law: deleting by name, from the highest occurrence down, leaves none of that name and all others.
pub fn deleting_by_name_leaves_none(held: Held<'_>) {
    let names: Vec<Vec<u8>> = held.message().headers().map(|header| header.name().to_vec()).collect();
    for name in names.iter().take(8) {
        let is_it = |(other, _): &Shown| other.eq_ignore_ascii_case(name);
        let mut message = held.message();
        let before = shown(&message);
        for occurrence in (1..=before.iter().filter(|one| is_it(one)).count()).rev() {
            let occurrence = u32::try_from(occurrence).expect("few headers");
            let payload = [&occurrence.to_be_bytes()[..], name, b"\0\0"].concat();
            apply(&mut message, b'm', &payload).expect("a name that came may be sent");
        }
        let others: Vec<_> = before.iter().filter(|one| !is_it(one)).cloned().collect();
        assert_eq!(shown(&message), others);
    }
}

/// Law: each modification does what it says and nothing else; once the message is refused, nothing does anything; and what
/// is written reads back as the same message. A packet that is no modification ends those of one filter.
pub fn modifications_do_what_they_say(held: Held<'_>, packets: &[(u8, Vec<u8>)]) {
    let mut message = held.message();
    let mut changed = held.has_own_received;
    for (letter, payload) in packets {
        let before = message.clone();
        match apply(&mut message, *letter, payload) {
            None => message.next_filter(held.leading_space),
            Some(modification) => {
                does_what_it_says(&before, &message, &modification, held);
                changed = true;
            }
        }
    }
    if changed && !held.has_own_received {
        reads_back(&message);
    }
}

fn apply<'p>(message: &mut Message, letter: u8, payload: &'p [u8]) -> Option<Modification<'p>> {
    match Response::decode(Packet::new(letter, payload)) {
        Ok(Response::Modification(modification)) => {
            message.apply(&modification);
            Some(modification)
        }
        _ => None,
    }
}

fn does_what_it_says(before: &Message, after: &Message, modification: &Modification<'_>, held: Held<'_>) {
    if before.is_refused() {
        assert!(after.is_refused());
        assert_eq!((after.to_bytes(), after.recipients()), (before.to_bytes(), before.recipients()));
        return;
    }
    let (was, is) = (shown(before), shown(after));
    let header_is_there = |name: &[u8], value: &[u8]| {
        let value = if held.leading_space { value.to_vec() } else { [b" ", value].concat() };
        assert!(is.iter().any(|one| one.0.eq_ignore_ascii_case(name) && one.1 == value), "{is:?}");
    };
    match modification {
        Modification::AddHeader(field) | Modification::InsertHeader { field, .. } => {
            assert_eq!(is.len(), was.len() + 1);
            header_is_there(field.name().text().as_bytes(), field.value().text().as_bytes());
        }
        Modification::ChangeHeader { field, .. } if field.value().text().is_empty() => {
            assert!(is.len() == was.len() || is.len() + 1 == was.len());
        }
        Modification::ChangeHeader { field, .. } => {
            assert!(is.len() == was.len() || is.len() == was.len() + 1);
            header_is_there(field.name().text().as_bytes(), field.value().text().as_bytes());
        }
        _ => assert_eq!(is, was),
    }
    match modification {
        Modification::DeleteRecipient(recipient) => {
            let address = recipient.text().without_brackets();
            assert!(after.recipients().iter().all(|one| one.without_brackets() != address.as_bytes()));
        }
        Modification::AddRecipient(recipient) => {
            let address = recipient.text().without_brackets();
            assert!(after.recipients().iter().any(|one| one.without_brackets() == address.as_bytes()));
        }
        Modification::AddRecipientWithArguments(_) => {}
        Modification::ChangeSender(sender) => {
            assert_eq!(after.sender().address(), sender.address().text().as_bytes());
        }
        Modification::Quarantine(reason) => {
            assert_eq!(after.quarantined(), Some(reason.text().as_bytes()));
        }
        _ => assert_eq!(after.recipients(), before.recipients()),
    }
    match modification {
        Modification::ReplaceBody(_) if !after.is_refused() => {
            let body = after.body();
            assert!(body.is_empty() || body.ends_with(b"\r\n"));
            let bare = (0..body.len()).any(|at| body[at] == b'\n' && (at == 0 || body[at - 1] != b'\r'));
            assert!(!bare, "LF without CR");
        }
        _ => assert_eq!(after.body(), before.body()),
    }
}

fn reads_back(message: &Message) {
    let written = message.to_bytes();
    let read = Message::parse(&written);
    assert_eq!(shown(&read), shown(message), "{}", written.escape_ascii());
    assert_eq!(read.body(), message.body(), "{}", written.escape_ascii());
}

fn shown(message: &Message) -> Vec<Shown> {
    message.headers().map(|header| (header.name().to_vec(), header.value(true).into_owned())).collect()
}

/// Lines of what makes headers odd, and any octets.
pub fn content() -> BoxedStrategy<Vec<u8>> {
    const PARTS: [&str; 16] = [
        "A: b",
        "a:c",
        "Name : value",
        "Received: x",
        "Date:y",
        ":",
        " ",
        "\t",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "\r\n ",
        "\n\t",
        "\0",
        "From ",
    ];
    let parts = vec(select(&PARTS[..]).prop_map(|part| part.as_bytes().to_vec()), 0..16);
    prop_oneof![6 => parts.prop_map(|parts| parts.concat()), 1 => octets(5000)].boxed()
}

/// How an MTA may hold a message.
pub fn ways() -> impl Strategy<Value = (MtaRules, bool, bool)> {
    (select(&[MtaRules::Postfix, MtaRules::Sendmail][..]), any::<bool>(), any::<bool>())
}
