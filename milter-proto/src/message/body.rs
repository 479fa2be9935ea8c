//! The body of a message: as it came, or as a filter replaced it.

use super::lines;
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

const LINE_END: &[u8] = b"\r\n";

#[derive(Clone)]
pub(super) enum Body {
    AsItCame(Bytes),
    Replaced {
        text: BytesMut,
        /// The filter did not end the last line: the line end is ours, and goes when another piece comes.
        is_ended_by_us: bool,
    },
}

impl Body {
    pub(super) const fn empty() -> Self {
        Self::AsItCame(Bytes::new())
    }

    /// Appends a piece of a replacement; the first one replaces what there was.
    ///
    /// Both MTAs split at LF, drop one CR before it, keep any other CR, and end the last line. A line, and even a
    /// CR LF, may be cut in two.
    pub(super) fn replace(&mut self, piece: &[u8], is_first: bool) {
        let mut text = match core::mem::replace(self, Self::empty()) {
            Self::Replaced { mut text, is_ended_by_us } if !is_first => {
                if is_ended_by_us {
                    text.truncate(text.len().saturating_sub(LINE_END.len()));
                }
                text
            }
            _ => BytesMut::new(),
        };
        lines::append_crlf(&mut text, piece);
        let is_ended_by_us = text.last().is_some_and(|last| *last != b'\n');
        if is_ended_by_us {
            text.put_slice(LINE_END);
        }
        *self = Self::Replaced { text, is_ended_by_us };
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::AsItCame(body) => body,
            Self::Replaced { text, .. } => text,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.as_bytes();
        let (shown, more) = body.split_at_checked(64).unwrap_or((body, &[]));
        let dots = if more.is_empty() { "" } else { "…" };
        write!(f, "Body({} octets: \"{}\"{dots})", body.len(), shown.escape_ascii())
    }
}
