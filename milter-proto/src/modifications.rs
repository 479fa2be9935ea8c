//! Modifications as an application records them, at any stage, until the end of the message.
//!
//! Each is checked at the call and kept as the packet it will be. What is recorded at CONNECT holds for every message
//! of the SMTP session, what is recorded at HELO likewise until the next HELO, what is recorded within a message dies
//! with it.

mod seen;
mod sending;
mod stack;

use crate::error::{TextError, TextKind, TooLong};
use crate::negotiation::{Actions, Agreement, Protocol};
use crate::packet::Packet;
use crate::response::{AddressAndArguments, HeaderField, Modification, ReplacementChunk, Response};
use crate::text::{Address, ArgumentText, HeaderName, HeaderValue, Reason};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;
use seen::Seen;
use stack::{Entry, Stack};

/// What an application wants changed in the message. Sent at the end of the message, all or nothing, if the verdict
/// is continue or accept.
#[derive(Debug)]
pub struct Modifications {
    agreement: Agreement,
    wire: Vec<u8>,
    stack: Stack,
    limit: usize,
    headers: Option<Box<Seen>>,
}

/// Octets of modifications that may be recorded for one message, unless set.
const LIMIT: usize = 1024 * 1024;

impl Default for Modifications {
    fn default() -> Self {
        Self {
            agreement: Agreement::default(),
            wire: Vec::new(),
            stack: Stack::default(),
            limit: LIMIT,
            headers: None,
        }
    }
}

/// Why a modification was not recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModificationError {
    /// The action was not negotiated: it was not declared, or it was optional and the MTA does not offer it.
    #[error(
        "{needed:?} was not negotiated: declare it by `.actions(…)` or `.actions_if_offered(…)`; negotiated: {negotiated:?}"
    )]
    NotNegotiated {
        /// The action that is needed.
        needed: Actions,
        /// The actions that were negotiated.
        negotiated: Actions,
    },
    /// A text that cannot be sent.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It does not fit into a packet.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Occurrences are counted from 1.
    #[error("header occurrences are counted from 1, got 0")]
    Occurrence,
    /// `delete_all_headers` needs the headers to be counted.
    #[error("the headers are not counted: declare `.track_headers()`")]
    NotTracked,
    /// The client sent headers of so many names that not all were counted.
    #[error("the message has headers of too many names: not all were counted")]
    TooManyHeaders,
    /// So much was recorded already that there is no room for this.
    #[error("expected at most {limit} octets of modifications for one message: see `.max_modifications(…)`")]
    TooMany {
        /// How many octets of modifications may be recorded.
        limit: usize,
    },
}

/// Where a header goes.
enum Place {
    End,
    Index(u32),
    Occurrence(u32),
}

type Recorded = Result<(), ModificationError>;

impl Modifications {
    /// Adds a header at the end.
    ///
    /// To use a macro's value in it, name the two parts of the context: `cx.message.add_header("X-Queue",
    /// cx.macros.queue_id().unwrap_or_default())`.
    ///
    /// The value is what shall stand after `Name: `. Folds may be LF or CR LF before white space; any other CR, LF or
    /// NUL is an error. Interop: Sendmail puts it before the first header of that name, if there is one, and overwrites a
    /// default header of its own of that name.
    #[doc(alias = "smfi_addheader")]
    #[doc(alias = "SMFIR_ADDHEADER")]
    pub fn add_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Recorded {
        let value = self.spaced(value.as_ref());
        self.header(Place::End, name.as_ref(), &value)
    }

    /// Inserts a header so that `index` headers stand above it: 0 puts it on top, above the MTA's own `Received`; past
    /// the end it is appended. The value is as for [`add_header`](Self::add_header).
    ///
    /// Interop: both MTAs count their own `Received`, Sendmail also other headers that it does not show.
    #[doc(alias = "smfi_insheader")]
    #[doc(alias = "SMFIR_INSHEADER")]
    pub fn insert_header(&mut self, index: u32, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Recorded {
        let value = self.spaced(value.as_ref());
        self.header(Place::Index(index), name.as_ref(), &value)
    }

    /// Changes the `occurrence`th header of that name, counted from 1 as the hooks saw them. An empty value deletes it.
    /// The value is as for [`add_header`](Self::add_header). The last call for an occurrence counts.
    ///
    /// Interop: one that does not exist is added, by Postfix at the end, by Sendmail before the first of that name.
    #[doc(alias = "smfi_chgheader")]
    #[doc(alias = "SMFIR_CHGHEADER")]
    pub fn change_header(
        &mut self,
        name: impl AsRef<[u8]>,
        occurrence: u32,
        value: impl AsRef<[u8]>,
    ) -> Recorded {
        let value = value.as_ref();
        let value = if value.is_empty() { Cow::Borrowed(value) } else { self.spaced(value) };
        self.change(name.as_ref(), occurrence, &value)
    }

    /// Deletes the `occurrence`th header of that name, counted from 1 as the hooks saw them.
    ///
    /// Several deletions are sent from the highest occurrence down, since MTAs disagree about counting after one.
    #[doc(alias = "smfi_chgheader")]
    pub fn delete_header(&mut self, name: impl AsRef<[u8]>, occurrence: u32) -> Recorded {
        self.change(name.as_ref(), occurrence, b"")
    }

    /// Deletes every header of that name. Needs `.track_headers()`, and to be called after the last header came.
    ///
    /// A client may send headers of very many names; then it is an error if this one may have come uncounted.
    #[doc(alias = "smfi_chgheader")]
    pub fn delete_all_headers(&mut self, name: impl AsRef<[u8]>) -> Recorded {
        let name = name.as_ref();
        let seen = self.headers.as_ref().ok_or(ModificationError::NotTracked)?;
        let count = seen.get(name).ok_or(ModificationError::TooManyHeaders)?;
        (1..=count).rev().try_for_each(|occurrence| self.change(name, occurrence, b""))
    }

    /// [`add_header`](Self::add_header) with exactly these octets after the colon if
    /// [`Protocol::LEADING_SPACE`] was agreed; otherwise the MTA puts a space before them.
    pub fn add_header_raw(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Recorded {
        self.header(Place::End, name.as_ref(), value.as_ref())
    }

    /// [`insert_header`](Self::insert_header) with exactly these octets after the colon if
    /// [`Protocol::LEADING_SPACE`] was agreed; otherwise the MTA puts a space before them.
    pub fn insert_header_raw(
        &mut self,
        index: u32,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Recorded {
        self.header(Place::Index(index), name.as_ref(), value.as_ref())
    }

    /// [`change_header`](Self::change_header) with exactly these octets after the colon if
    /// [`Protocol::LEADING_SPACE`] was agreed; otherwise the MTA puts a space before them.
    pub fn change_header_raw(
        &mut self,
        name: impl AsRef<[u8]>,
        occurrence: u32,
        value: impl AsRef<[u8]>,
    ) -> Recorded {
        self.change(name.as_ref(), occurrence, value.as_ref())
    }

    /// Replaces the envelope sender. Brackets are added where they are missing; the empty address is the null sender.
    /// Arguments (`RET=HDRS ENVID=q`) are separated by spaces; Postfix uses RET and ENVID.
    #[doc(alias = "smfi_chgfrom")]
    #[doc(alias = "SMFIR_CHGFROM")]
    pub fn change_sender<'a>(
        &mut self,
        address: impl AsRef<[u8]>,
        arguments: impl Into<Option<&'a str>>,
    ) -> Recorded {
        let (address, arguments) = (bracketed(address.as_ref()), arguments.into());
        let arguments = arguments.filter(|text| !text.is_empty()).map(ArgumentText::new).transpose()?;
        let sender = AddressAndArguments::new(Address::new(&address)?, arguments);
        self.record(Modification::ChangeSender(sender))
    }

    /// Adds a recipient. Brackets are added where they are missing.
    #[doc(alias = "smfi_addrcpt")]
    #[doc(alias = "SMFIR_ADDRCPT")]
    pub fn add_recipient(&mut self, address: impl AsRef<[u8]>) -> Recorded {
        let address = bracketed(recipient(address.as_ref())?);
        self.record(Modification::AddRecipient(Address::new(&address)?))
    }

    /// Adds a recipient with arguments (`NOTIFY=NEVER`), separated by spaces. Postfix uses NOTIFY and ORCPT; Sendmail
    /// breaks its dialogue on arguments that it does not like.
    #[doc(alias = "smfi_addrcpt_par")]
    #[doc(alias = "SMFIR_ADDRCPT_PAR")]
    pub fn add_recipient_with_arguments(&mut self, address: impl AsRef<[u8]>, arguments: &str) -> Recorded {
        let address = bracketed(recipient(address.as_ref())?);
        let arguments = if arguments.is_empty() { None } else { Some(ArgumentText::new(arguments)?) };
        let recipient = AddressAndArguments::new(Address::new(&address)?, arguments);
        self.record(Modification::AddRecipientWithArguments(recipient))
    }

    /// Deletes a recipient: the address as it came with RCPT. Brackets are added where they are missing. Deleting one
    /// that is not there does nothing.
    #[doc(alias = "smfi_delrcpt")]
    #[doc(alias = "SMFIR_DELRCPT")]
    pub fn delete_recipient(&mut self, address: impl AsRef<[u8]>) -> Recorded {
        let address = bracketed(recipient(address.as_ref())?);
        self.record(Modification::DeleteRecipient(Address::new(&address)?))
    }

    /// Replaces the body. It is kept as it is given, not copied, and cut into packets when it is sent. Lines end in
    /// CR LF. The last call counts, and what an earlier one gave is let go; an empty body empties the body.
    #[doc(alias = "smfi_replacebody")]
    #[doc(alias = "SMFIR_REPLBODY")]
    pub fn replace_body(&mut self, body: impl Into<Bytes>) -> Recorded {
        self.allow(Actions::CHANGE_BODY)?;
        self.stack.push_body(body.into(), self.wire.len());
        Ok(())
    }

    /// Has the message held for an operator: it is accepted from the client, but not delivered. Not a verdict.
    #[doc(alias = "smfi_quarantine")]
    #[doc(alias = "SMFIR_QUARANTINE")]
    pub fn quarantine(&mut self, reason: impl AsRef<[u8]>) -> Recorded {
        self.record(Modification::Quarantine(Reason::new(reason.as_ref())?))
    }

    /// What was recorded, in the order of the calls. A replaced body is cut as it will be sent.
    pub fn recorded(&self) -> impl Iterator<Item = Modification<'_>> {
        self.stack.entries().iter().flat_map(|entry| {
            let (body, packet) = match entry {
                Entry::Body(body) => (Some(body), None),
                Entry::Packet { letter, payload } => (None, self.modification(*letter, payload)),
            };
            let chunks = body.into_iter().flat_map(|body| ReplacementChunk::split(body));
            packet.into_iter().chain(chunks.map(Modification::ReplaceBody))
        })
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.stack.entries().is_empty()
    }

    /// How many headers of that name came, if they are counted (`.track_headers()`), and not of too many names.
    pub fn headers_seen(&self, name: &str) -> Option<u32> {
        self.headers.as_ref().and_then(|seen| seen.get(name.as_bytes()))
    }

    fn change(&mut self, name: &[u8], occurrence: u32, value: &[u8]) -> Recorded {
        if occurrence == 0 {
            return Err(ModificationError::Occurrence);
        }
        self.header(Place::Occurrence(occurrence), name, value)
    }

    fn header(&mut self, place: Place, name: &[u8], value: &[u8]) -> Recorded {
        let value = HeaderValue::unfold_crlf(value);
        let field = HeaderField::new(HeaderName::new(name)?, HeaderValue::new(&value)?)?;
        self.record(match place {
            Place::End => Modification::AddHeader(field),
            Place::Index(index) => Modification::InsertHeader { index, field },
            Place::Occurrence(occurrence) => Modification::ChangeHeader { occurrence, field },
        })
    }

    /// Where the MTA puts no space after the colon, we do.
    fn spaced<'a>(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        if self.agreement.options().protocol.contains(Protocol::LEADING_SPACE) {
            Cow::Owned([b" ", value].concat())
        } else {
            Cow::Borrowed(value)
        }
    }

    fn allow(&self, needed: Actions) -> Recorded {
        let negotiated = self.agreement.options().actions;
        if negotiated.contains(needed) {
            Ok(())
        } else {
            Err(ModificationError::NotNegotiated { needed, negotiated })
        }
    }

    fn record(&mut self, modification: Modification<'_>) -> Recorded {
        const HEAD: usize = 5;
        self.allow(modification.action())?;
        let before = self.wire.len();
        modification.encode(&mut self.wire);
        if self.wire.len() > self.limit {
            self.wire.truncate(before);
            return Err(ModificationError::TooMany { limit: self.limit });
        }
        let start = before.saturating_add(HEAD);
        let end = self.wire.len();
        self.stack.push(Entry::Packet { letter: modification.letter(), payload: start..end }, end);
        Ok(())
    }

    fn modification(&self, letter: u8, payload: &Range<usize>) -> Option<Modification<'_>> {
        let payload = self.wire.get(payload.clone())?;
        match Response::decode(Packet { letter, payload }) {
            Ok(Response::Modification(modification)) => Some(modification),
            _ => None,
        }
    }
}

/// An address as both MTAs like it. The null sender is `<>`.
fn bracketed(address: &[u8]) -> Cow<'_, [u8]> {
    match address {
        [b'<', .., b'>'] => Cow::Borrowed(address),
        _ => Cow::Owned([b"<", address, b">"].concat()),
    }
}

fn recipient(address: &[u8]) -> Result<&[u8], TextError> {
    match address {
        [] | [b'<', b'>'] => Err(TextError::Empty(TextKind::Address)),
        _ => Ok(address),
    }
}

#[cfg(test)]
mod tests;
