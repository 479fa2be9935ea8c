//! Responses as text.

use crate::packet::Decoder;
use crate::response::{Modification, Response};
use alloc::string::String;
use core::fmt::{self, Write as _};

/// Responses, displayed as those of an [`Outcome`](super::Outcome).
pub(crate) fn shown(responses: &[u8]) -> String {
    let mut shown = String::new();
    for_each(responses, |response| {
        let separator = if shown.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(shown, "{separator}{}", Shown(response));
    });
    shown
}

pub(super) fn for_each(responses: &[u8], mut act: impl FnMut(&Response<'_>)) {
    let mut decoder = Decoder::new();
    decoder.receive(responses);
    while let Ok(Some(packet)) = decoder.packet() {
        // What we encode can be decoded.
        if let Ok(response) = Response::decode(packet) {
            act(&response);
        }
    }
}

/// A response on one line.
struct Shown<'a>(&'a Response<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(char::from(self.0.letter()))?;
        match self.0 {
            Response::Reply(reply) => write!(f, " {reply}"),
            Response::Modification(modification) => show(modification, f),
            _ => Ok(()),
        }
    }
}

fn show(modification: &Modification<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match modification {
        Modification::AddHeader(field) => write!(f, " {}: {}", field.name().text(), field.value().text()),
        Modification::InsertHeader { index: place, field }
        | Modification::ChangeHeader { occurrence: place, field } => {
            write!(f, "{place} {}: {}", field.name().text(), field.value().text())
        }
        Modification::ChangeSender(address) | Modification::AddRecipientWithArguments(address) => {
            write!(f, " {}", address.address().text())?;
            address.arguments().map_or(Ok(()), |arguments| write!(f, " {}", arguments.text()))
        }
        Modification::AddRecipient(address) | Modification::DeleteRecipient(address) => {
            write!(f, " {}", address.text())
        }
        Modification::ReplaceBody(chunk) => write!(f, " {}", String::from_utf8_lossy(chunk.as_bytes())),
        Modification::Quarantine(reason) => write!(f, " {}", reason.text()),
    }
}
