//! A message with its envelope, and modifications applied as an MTA would: what it would deliver is a value.
//!
//! The message is split into headers and body by us, at the first line that is neither a header nor the fold of one.
//! Every octet is kept: a message that nothing changed is written as it was read, however odd it is. One rule goes
//! beyond that, once something was changed: what an MTA has to write to keep headers and body apart is written too
//! (the line end of a last header that had none, a blank line before a body that had none).
//!
//! Interop: what an MTA tidies on its own is its business and not done here: white space before the colon, the
//! addresses that Sendmail refolds, lines that are too long, a bare CR, a missing `Date`.

mod body;
mod envelope;
mod field;
mod headers;
pub(crate) mod lines;

use crate::response::{HeaderField, Modification};
use alloc::vec::Vec;
use body::Body;
use bytes::Bytes;
use headers::{Change, Headers};

pub use envelope::EnvelopeAddress;
pub use field::MessageHeader;
pub use headers::MtaRules;

/// A message and its envelope, as an MTA holds it while filters change it.
///
/// ```
/// # use milter_proto::{HeaderField, HeaderName, HeaderValue, Message, Modification};
/// let mut message = Message::parse(b"From: a@b\r\nSubject: one\r\n two\r\n\r\nbody\r\n");
/// message.set_sender("<a@b>");
/// message.add_recipient("<c@d>");
///
/// let subject = message.headers().nth(1).unwrap();
/// assert_eq!(subject.name(), b"Subject");
/// assert_eq!(*subject.value(false), *b"one\n two");
///
/// let field = HeaderField::new(HeaderName::new("subject")?, HeaderValue::new("three")?)?;
/// message.apply(&Modification::ChangeHeader { occurrence: 1, field });
/// assert_eq!(message.to_bytes(), b"From: a@b\r\nsubject: three\r\n\r\nbody\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Message {
    // the envelope
    sender: EnvelopeAddress,
    recipients: Vec<EnvelopeAddress>,
    /// Those of them that filters added.
    added: Vec<EnvelopeAddress>,
    quarantined: Option<Bytes>,
    // the content
    headers: Headers,
    separator: Bytes,
    body: Body,
    // what one filter did with it, and how it agreed to
    leading_space: bool,
    replacement: Replacement,
    // what all filters did
    is_changed: bool,
    is_refused: bool,
}

/// How far a filter is with replacing the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Replacement {
    NotBegun,
    Running,
    Interrupted,
}

impl Message {
    /// Takes any octets for a message, and copies them once. The sender is `<>`, and there are no recipients.
    pub fn parse(message: &[u8]) -> Self {
        Self::from(Bytes::copy_from_slice(message))
    }

    /// Places the changes of headers by the rules of this MTA instead of [Postfix](MtaRules::Postfix).
    ///
    /// To be called before modifications.
    #[must_use]
    pub fn with_rules(mut self, rules: MtaRules) -> Self {
        self.headers.set_rules(rules);
        self
    }

    /// Puts the `Received` of the MTA itself on top: no filter sees it or can change it, but insertions by index count
    /// it, so that index 0 is above and 1 below it. Folds may be LF or CR LF.
    ///
    /// To be called before modifications.
    #[must_use]
    pub fn with_own_received(mut self, value: impl AsRef<[u8]>) -> Self {
        self.headers.set_own_received(value.as_ref());
        self.is_changed = true;
        self
    }

    /// Says whether [`Protocol::LEADING_SPACE`](crate::Protocol::LEADING_SPACE) was agreed with the filter: its values
    /// are then used as they are, and otherwise get one space after the colon.
    #[must_use]
    pub fn with_leading_space(mut self, leading_space: bool) -> Self {
        self.leading_space = leading_space;
        self
    }

    /// Sets the envelope sender.
    pub fn set_sender(&mut self, sender: impl Into<EnvelopeAddress>) {
        self.sender = sender.into();
    }

    /// Appends an envelope recipient, unless it is one already: at Postfix with the same arguments.
    pub fn add_recipient(&mut self, recipient: impl Into<EnvelopeAddress>) {
        let recipient = recipient.into();
        if !envelope::has(&self.recipients, &recipient, self.headers.rules) {
            self.recipients.push(recipient);
        }
    }

    /// Does what the MTA does when a filter sends this at the end of the message.
    ///
    /// A header that an earlier modification added, inserted or changed counts like those that came with the message,
    /// by the place where it stands. A recipient is deleted if the addresses are the same octet for octet, brackets
    /// aside; one that is not there is no error.
    pub fn apply(&mut self, modification: &Modification<'_>) {
        if self.is_refused {
            return;
        }
        if !matches!(modification, Modification::ReplaceBody(_)) && self.replacement == Replacement::Running {
            self.replacement = Replacement::Interrupted;
        }
        match *modification {
            Modification::AddHeader(field) => {
                self.headers.add(self.change(field));
                self.is_changed = true;
            }
            Modification::InsertHeader { index, field } => {
                self.headers.insert(index, self.change(field));
                self.is_changed = true;
            }
            Modification::ChangeHeader { occurrence, field } => {
                self.is_changed |= self.headers.change(occurrence, self.change(field));
            }
            Modification::ChangeSender(sender) => self.sender.change(sender),
            Modification::AddRecipient(recipient) => self.add_for_filter(recipient.into()),
            Modification::AddRecipientWithArguments(recipient) => self.add_for_filter(recipient.into()),
            Modification::DeleteRecipient(recipient) => {
                envelope::delete(&mut self.recipients, recipient);
                envelope::delete(&mut self.added, recipient);
            }
            Modification::ReplaceBody(piece) => self.replace_body(piece.as_bytes()),
            Modification::Quarantine(reason) => {
                self.quarantined = Some(Bytes::copy_from_slice(reason.text().as_bytes()));
            }
        }
    }

    /// Ends the modifications of one filter: those that follow are another one's, which is shown what is there now.
    pub fn next_filter(&mut self, leading_space: bool) {
        self.leading_space = leading_space;
        self.replacement = Replacement::NotBegun;
        self.headers.next_filter();
    }

    /// The envelope sender.
    pub const fn sender(&self) -> &EnvelopeAddress {
        &self.sender
    }

    /// The envelope recipients, in the order in which they were added.
    pub fn recipients(&self) -> &[EnvelopeAddress] {
        &self.recipients
    }

    /// The headers that a filter is shown, in their order.
    ///
    /// Interop: these are all that came with the message. Postfix cuts one at 60000 octets; what is too long for a
    /// packet, or holds NUL, no MTA can show.
    pub fn headers(&self) -> impl Iterator<Item = MessageHeader<'_>> {
        self.headers.shown()
    }

    /// The body, without the blank line before it.
    pub fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// Why the message is put on hold, if a filter asked for that.
    pub fn quarantined(&self) -> Option<&[u8]> {
        self.quarantined.as_deref()
    }

    /// Whether the MTA refuses the message, and ends with the filter, for how it modified it.
    ///
    /// Interop: Postfix does so (451) when the pieces of a new body do not follow one another.
    pub const fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// The message as it would be delivered, without its envelope.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let lengths = self.headers.written().map(<[u8]>::len).chain([self.separator.len(), body.len()]);
        let line_ends = LINE_END.len().saturating_mul(2);
        let mut out = Vec::with_capacity(lengths.fold(line_ends, usize::saturating_add));
        for header in self.headers.written() {
            out.extend_from_slice(header);
            if self.is_changed && !header.ends_with(b"\n") {
                out.extend_from_slice(LINE_END);
            }
        }
        out.extend_from_slice(&self.separator);
        if self.is_changed && self.separator.is_empty() && !body.is_empty() {
            out.extend_from_slice(LINE_END);
        }
        out.extend_from_slice(body);
        out
    }

    /// Interop: Postfix keeps the recipients of the SMTP client and those of filters apart, and so delivers twice to one
    /// that both named.
    fn add_for_filter(&mut self, recipient: EnvelopeAddress) {
        let known = match self.headers.rules {
            MtaRules::Postfix => &self.added,
            MtaRules::Sendmail => &self.recipients,
        };
        if !envelope::has(known, &recipient, self.headers.rules) {
            self.added.push(recipient.clone());
            self.recipients.push(recipient);
        }
    }

    fn change<'a>(&self, field: HeaderField<'a>) -> Change<'a> {
        Change {
            name: field.name().text().as_bytes(),
            space: if self.leading_space { b"" } else { b" " },
            value: field.value().text().as_bytes(),
        }
    }

    fn replace_body(&mut self, piece: &[u8]) {
        if self.replacement == Replacement::Interrupted && self.headers.rules == MtaRules::Postfix {
            self.is_refused = true;
            return;
        }
        self.body.replace(piece, self.replacement == Replacement::NotBegun);
        self.replacement = Replacement::Running;
        self.is_changed = true;
    }
}

impl From<Bytes> for Message {
    /// Takes any octets for a message, and copies none of them.
    fn from(mut message: Bytes) -> Self {
        let headers = Headers::take(&mut message);
        let separator = match &*message {
            [b'\r', b'\n', ..] => message.split_to(2),
            [b'\n', ..] => message.split_to(1),
            _ => Bytes::new(),
        };
        Self {
            sender: EnvelopeAddress::new("<>"),
            recipients: Vec::new(),
            added: Vec::new(),
            quarantined: None,
            headers,
            separator,
            body: Body::AsItCame(message),
            leading_space: false,
            replacement: Replacement::NotBegun,
            is_changed: false,
            is_refused: false,
        }
    }
}

impl From<Vec<u8>> for Message {
    fn from(message: Vec<u8>) -> Self {
        Self::from(Bytes::from(message))
    }
}

const LINE_END: &[u8] = b"\r\n";
