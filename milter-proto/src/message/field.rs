//! One header of a message: its lines as they stand there, and how an MTA came by it.

use super::lines;
use alloc::borrow::Cow;
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// A header of a [`Message`](super::Message), as a filter is shown it.
#[derive(Clone, Copy, Debug)]
pub struct MessageHeader<'a>(&'a Field);

impl<'a> MessageHeader<'a> {
    pub(super) const fn new(field: &'a Field) -> Self {
        Self(field)
    }

    /// The name as it was written, without the white space that may stand before the colon.
    pub fn name(&self) -> &'a [u8] {
        self.0.name()
    }

    /// The value as it goes to a filter: without the line end, folds as LF and white space, and without the first
    /// space after the colon (a tab stays) unless `leading_space` was agreed.
    ///
    /// Not every value can be sent: one that holds NUL is no [`Text`](crate::Text), and one that is too long no
    /// [`Header`](crate::Header).
    pub fn value(&self, leading_space: bool) -> Cow<'a, [u8]> {
        lines::shown(self.0.raw.get(self.0.value_start..).unwrap_or_default(), leading_space)
    }

    /// The header as it stands in the message, line ends included.
    pub fn as_bytes(&self) -> &'a [u8] {
        &self.0.raw
    }
}

/// How an MTA came by a header, which decides what counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// From the sender or a filter: filters see it, and changes by occurrence count it.
    Shown,
    /// The MTA's own `Received`: only insertions by index count it.
    Trace,
    /// A default of Sendmail's configuration: insertions count it, changes fall back on it.
    Template,
}

#[derive(Clone)]
pub(super) struct Field {
    raw: Bytes,
    name_length: usize,
    value_start: usize,
    pub(super) origin: Origin,
    /// Whether it stands in the message; Sendmail keeps a place for what was deleted.
    pub(super) is_written: bool,
}

impl Field {
    /// Takes the header, with its folds, that the message begins with, if it begins with one.
    pub(super) fn take(message: &mut Bytes) -> Option<Self> {
        let (name_length, value_start) = head(message)?;
        let end = end(message);
        let raw = message.split_to(end);
        Some(Self { raw, name_length, value_start, origin: Origin::Shown, is_written: true })
    }

    /// Writes `Name: value` with a final line end; LF in the value becomes CR LF.
    pub(super) fn write(name: &[u8], space: &[u8], value: &[u8]) -> Self {
        const COLON_AND_LINE_END: usize = 3;
        let lengths = [name.len(), space.len(), value.len(), COLON_AND_LINE_END];
        let mut raw = BytesMut::with_capacity(lengths.into_iter().fold(0, usize::saturating_add));
        raw.put_slice(name);
        raw.put_u8(b':');
        raw.put_slice(space);
        lines::append_crlf(&mut raw, value);
        raw.put_slice(b"\r\n");
        let (name_length, value_start) = (name.len(), name.len().saturating_add(1));
        Self { raw: raw.freeze(), name_length, value_start, origin: Origin::Shown, is_written: true }
    }

    pub(super) const fn template(name: &'static str) -> Self {
        Self {
            raw: Bytes::from_static(name.as_bytes()),
            name_length: name.len(),
            value_start: name.len(),
            origin: Origin::Template,
            is_written: false,
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        self.raw.get(..self.name_length).unwrap_or_default()
    }

    pub(super) fn is(&self, name: &[u8]) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The header in the message: nothing where it was deleted.
    pub(super) fn written(&self) -> &[u8] {
        if self.is_written { &self.raw } else { &[] }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, raw) = (self.origin, &self.raw);
        let deleted = if self.is_written { "" } else { ", not written" };
        write!(f, "Field({origin:?}{deleted}: {raw:?})")
    }
}

/// Lengths of a header's name, and of all that stands before its value.
///
/// A header is a name of 33..=126 without the colon, maybe white space, and a colon: Postfix's rule.
/// Interop: Sendmail also refuses a name that begins with two hyphens, and takes DEL in it.
fn head(line: &[u8]) -> Option<(usize, usize)> {
    let name = line.iter().take_while(|octet| matches!(octet, b'!'..=b'9' | b';'..=b'~')).count();
    let (_, rest) = line.split_at_checked(name)?;
    let blanks = rest.iter().take_while(|octet| is_blank(octet)).count();
    let ends = name > 0 && rest.get(blanks) == Some(&b':');
    ends.then(|| (name, name.saturating_add(blanks).saturating_add(1)))
}

/// Where the first line ends that is not continued: by a line that begins with white space.
fn end(message: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', message)
        .map(|at| at.saturating_add(1))
        .find(|next| !message.get(*next).is_some_and(is_blank))
        .unwrap_or(message.len())
}

const fn is_blank(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t')
}
