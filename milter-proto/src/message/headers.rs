//! The headers of a message in the order of an MTA's list, and where each MTA puts a change.
//!
//! Both MTAs keep one list. *Insertions* count its places from the top, *changes* count the headers of one name that
//! filters are shown. What stands in the list differs, and with it what an index means:
//!
//! * Postfix: its own `Received`, then the message. A change that finds nothing appends. What is deleted is gone, so
//!   that the headers of that name behind it move up.
//! * Sendmail: the defaults of its configuration, its own `Received` among them, then the message. The defaults take
//!   a place, but stay out of a message that has the header itself. Adding goes by name: before the first of that name
//!   in the list, else to the end; a default of that name is overwritten where it stands instead. What is deleted
//!   keeps its place and its number, and a change of that number brings it back. A changed header keeps the spelling
//!   of its name.
//!
//! What a filter added, inserted or changed counts from then on like what came with the message, by its place.

use super::field::{Field, MessageHeader, Origin};
use alloc::vec::Vec;
use bytes::Bytes;

/// Whose rules decide where a change of the headers goes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MtaRules {
    /// Postfix: seen at 3.7.11.
    ///
    /// Interop: before 3.5.25, 3.6.15, 3.7.11, 3.8.6 and 3.9, changes passed over the topmost header, whichever that
    /// was, instead of Postfix's own `Received`.
    #[default]
    Postfix,
    /// Sendmail with the default headers of its usual configuration: seen at 8.17.1.9.
    ///
    /// Interop: a default that the message lacks (`Date`, `From`, `Message-Id`) Sendmail may write itself; unless a
    /// filter gave it a value, it is left out here.
    Sendmail,
}

/// What stands after the name in a header that a filter sends.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) name: &'a [u8],
    /// One space, or nothing where the filter writes it itself.
    pub(super) space: &'static [u8],
    pub(super) value: &'a [u8],
}

impl Change<'_> {
    fn field(self) -> Field {
        Field::write(self.name, self.space, self.value)
    }

    fn field_named(self, name: &[u8]) -> Field {
        Field::write(name, self.space, self.value)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    pub(super) rules: MtaRules,
    fields: Vec<Field>,
}

impl Headers {
    /// Takes the headers that the message begins with.
    pub(super) fn take(message: &mut Bytes) -> Self {
        let fields = core::iter::from_fn(|| Field::take(message)).collect();
        Self { rules: MtaRules::default(), fields }
    }

    pub(super) fn set_rules(&mut self, rules: MtaRules) {
        self.rules = rules;
        let own = self.fields.iter().find(|field| is_own(field)).cloned();
        self.set_top(own);
    }

    pub(super) fn set_own_received(&mut self, value: &[u8]) {
        let mut own = Field::write(b"Received", b" ", value);
        own.origin = Origin::Trace;
        self.set_top(Some(own));
    }

    /// Puts a header at the end, or where the MTA thinks that is.
    pub(super) fn add(&mut self, change: Change<'_>) {
        match self.rules {
            MtaRules::Postfix => self.fields.push(change.field()),
            MtaRules::Sendmail => {
                let is_default =
                    |field: &&mut Field| field.origin == Origin::Template && field.is(change.name);
                match self.fields.iter_mut().find(is_default) {
                    Some(default) => *default = change.field_named(default.name()),
                    None => self.add_by_name(change),
                }
            }
        }
    }

    /// Puts a header before the one that has this index; past the end it is appended.
    pub(super) fn insert(&mut self, index: u32, change: Change<'_>) {
        let at = match self.rules {
            MtaRules::Postfix => usize::try_from(index).unwrap_or(usize::MAX),
            // The first place, which no message shows, is never given up.
            MtaRules::Sendmail => signed(index).saturating_add(1),
        };
        self.fields.insert(at.min(self.fields.len()), change.field());
    }

    /// Changes or deletes a header; says whether that changed anything.
    pub(super) fn change(&mut self, occurrence: u32, change: Change<'_>) -> bool {
        match self.rules {
            MtaRules::Postfix => self.change_by_postfix(occurrence, change),
            MtaRules::Sendmail => self.change_by_sendmail(occurrence, change),
        }
    }

    /// Stops counting what the filter before deleted. At Sendmail its place is then like that of a default.
    pub(super) fn next_filter(&mut self) {
        for field in self.fields.iter_mut().filter(|field| !field.is_written) {
            field.origin = if field.is(b"Received") { Origin::Trace } else { Origin::Template };
        }
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = MessageHeader<'_>> {
        let is_shown = |field: &&Field| field.origin == Origin::Shown && field.is_written;
        self.fields.iter().filter(is_shown).map(MessageHeader::new)
    }

    /// The text of each header in the message, the MTA's own included.
    pub(super) fn written(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().map(Field::written).filter(|text| !text.is_empty())
    }

    fn change_by_postfix(&mut self, occurrence: u32, change: Change<'_>) -> bool {
        let index = usize::try_from(occurrence).unwrap_or(usize::MAX).saturating_sub(1);
        match (self.shown_place(change.name, index), change.value) {
            (None, []) => return false,
            (None, _) => self.fields.push(change.field()),
            (Some(at), []) => drop(self.fields.remove(at)),
            (Some(at), _) => self.set(at, change.field()),
        }
        true
    }

    fn change_by_sendmail(&mut self, occurrence: u32, change: Change<'_>) -> bool {
        let index = signed(occurrence).saturating_sub(1);
        let place = self.shown_place(change.name, index).or_else(|| self.template_place(change.name));
        match (place.and_then(|at| self.fields.get_mut(at)), change.value) {
            (None, []) => return false,
            (None, _) => self.add_by_name(change),
            (Some(found), []) => return core::mem::replace(&mut found.is_written, false),
            (Some(found), _) => *found = change.field_named(found.name()),
        }
        true
    }

    fn add_by_name(&mut self, change: Change<'_>) {
        let first = self.fields.iter().position(|field| field.is(change.name));
        self.fields.insert(first.unwrap_or(self.fields.len()), change.field());
    }

    fn set(&mut self, at: usize, field: Field) {
        if let Some(place) = self.fields.get_mut(at) {
            *place = field;
        }
    }

    /// The place of a header among those of its name that filters count.
    fn shown_place(&self, name: &[u8], index: usize) -> Option<usize> {
        let counts = |field: &Field| field.origin == Origin::Shown && field.is(name);
        let places = self.fields.iter().enumerate().filter(|(_, field)| counts(field));
        places.map(|(at, _)| at).nth(index)
    }

    fn template_place(&self, name: &[u8]) -> Option<usize> {
        self.fields.iter().rposition(|field| field.origin == Origin::Template && field.is(name))
    }

    /// What an MTA's list begins with before any filter is asked.
    fn set_top(&mut self, own: Option<Field>) {
        self.fields.retain(|field| field.origin == Origin::Shown);
        let (above, below) = match self.rules {
            MtaRules::Postfix => (None, [].as_slice()),
            MtaRules::Sendmail => (Some("Return-Path"), BELOW_RECEIVED.as_slice()),
        };
        let above = above.map(Field::template);
        let below = below.iter().map(|name| Field::template(name));
        self.fields.splice(..0, above.into_iter().chain(own).chain(below));
    }
}

fn is_own(field: &Field) -> bool {
    field.origin == Origin::Trace && field.is_written
}

/// Sendmail reads an index as a signed number, and takes a negative one for the lowest.
fn signed(index: u32) -> usize {
    i32::try_from(index).ok().and_then(|index| usize::try_from(index).ok()).unwrap_or(0)
}

/// The default headers that follow `Received` in the usual `sendmail.cf`.
const BELOW_RECEIVED: [&str; 7] =
    ["Resent-Date", "Date", "Resent-From", "From", "Full-Name", "Resent-Message-Id", "Message-Id"];
