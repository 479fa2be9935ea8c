//! Line ends: CR LF in a message, LF in a header value on the wire of the milter protocol.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use bytes::{BufMut, BytesMut};

/// Appends text, each LF as CR LF. A CR that stands before the LF already counts, also one that was appended earlier.
pub(super) fn append_crlf(out: &mut BytesMut, text: &[u8]) {
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', text) {
        out.extend_from_slice(text.get(start..at).unwrap_or_default());
        if out.last() != Some(&b'\r') {
            out.put_u8(b'\r');
        }
        out.put_u8(b'\n');
        start = at.saturating_add(1);
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
}

/// A header's value as a filter is shown it, from what stands after the colon: without its line end, folded by LF, and
/// without the first space (a tab stays) unless `leading_space` was agreed.
pub(crate) fn shown(after_colon: &[u8], leading_space: bool) -> Cow<'_, [u8]> {
    match without_end(after_colon) {
        [b' ', value @ ..] if !leading_space => to_lf(value),
        value => to_lf(value),
    }
}

/// Each CR LF as LF; what has none is not copied.
fn to_lf(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = crlf(text) else {
        return Cow::Borrowed(text);
    };
    let mut out = Vec::with_capacity(text.len());
    let (mut rest, mut next) = (text, Some(first));
    while let Some(at) = next {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.push(b'\n');
        rest = rest.get(at.saturating_add(2)..).unwrap_or_default();
        next = crlf(rest);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// The text without its final line end, LF or CR LF.
fn without_end(text: &[u8]) -> &[u8] {
    match text {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        _ => text,
    }
}

/// Where the first CR LF stands.
fn crlf(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', text)
        .filter_map(|at| at.checked_sub(1))
        .find(|&before| text.get(before) == Some(&b'\r'))
}
