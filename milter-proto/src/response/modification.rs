//! Modifications: what a filter changes in a message, as it stands on the wire.

use crate::error::{DecodeError, TooLong};
use crate::negotiation::Actions;
use crate::packet::{self, MAX_PAYLOAD};
use crate::parse::Fields;
use crate::text::{Address, ArgumentText, HeaderName, HeaderValue, Reason};
use bytes::BufMut;

/// A change of the message, valid only between the end of the message and its verdict.
///
/// The MTA never says whether a modification had an effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
pub enum Modification<'a> {
    /// `h`: a header at the end. Interop: Sendmail puts it before the first header of that name, if there is one, and
    /// overwrites a default header of its own of that name.
    #[doc(alias = "SMFIR_ADDHEADER")]
    AddHeader(HeaderField<'a>),
    /// `i`: a header at a place.
    #[doc(alias = "SMFIR_INSHEADER")]
    InsertHeader {
        /// How many headers of the message as it is stored stand before it, the MTA's own `Received` included: 0 is
        /// the top. Past the end it is appended. Interop: Sendmail also counts headers that it never showed.
        index: u32,
        /// The header.
        field: HeaderField<'a>,
    },
    /// `m`: another value for a header; an empty value deletes it. Interop: the name is then spelt as here by Postfix, as
    /// before by Sendmail.
    #[doc(alias = "SMFIR_CHGHEADER")]
    ChangeHeader {
        /// Which of the headers of that name as the filter saw them, counted from 1. 0 counts as 1.
        occurrence: u32,
        /// The header. One that does not exist is added: by Postfix at the end, by Sendmail before the first of
        /// that name.
        field: HeaderField<'a>,
    },
    /// `e`: another envelope sender.
    #[doc(alias = "SMFIR_CHGFROM")]
    ChangeSender(AddressAndArguments<'a>),
    /// `+`: one more recipient.
    #[doc(alias = "SMFIR_ADDRCPT")]
    AddRecipient(Address<'a>),
    /// `2`: one more recipient, with ESMTP arguments.
    #[doc(alias = "SMFIR_ADDRCPT_PAR")]
    AddRecipientWithArguments(AddressAndArguments<'a>),
    /// `-`: one recipient less. It must be the address that was seen at RCPT.
    #[doc(alias = "SMFIR_DELRCPT")]
    DeleteRecipient(Address<'a>),
    /// `b`: the first replaces the body, each further one appends to it.
    #[doc(alias = "SMFIR_REPLBODY")]
    ReplaceBody(ReplacementChunk<'a>),
    /// `q`: hold the message for an operator. Not a verdict.
    #[doc(alias = "SMFIR_QUARANTINE")]
    Quarantine(Reason<'a>),
}

impl<'a> Modification<'a> {
    /// Reads a modification, if the letter is one of a modification.
    pub(super) fn decode(letter: u8, payload: &'a [u8]) -> Option<Result<Self, DecodeError>> {
        let decode = match letter {
            b'h' => Self::decode_add_header,
            b'i' => Self::decode_insert_header,
            b'm' => Self::decode_change_header,
            b'e' => Self::decode_change_sender,
            b'+' => Self::decode_add_recipient,
            b'2' => Self::decode_add_recipient_with_arguments,
            b'-' => Self::decode_delete_recipient,
            b'b' => return Some(Ok(Self::ReplaceBody(ReplacementChunk(payload)))),
            b'q' => Self::decode_quarantine,
            _ => return None,
        };
        Some(decode(payload))
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut impl BufMut) {
        let letter = self.letter();
        match self {
            Self::AddHeader(field) => field.encode(out, letter, &[]),
            Self::InsertHeader { index: place, field } | Self::ChangeHeader { occurrence: place, field } => {
                field.encode(out, letter, &place.to_be_bytes());
            }
            Self::ChangeSender(address) | Self::AddRecipientWithArguments(address) => {
                address.encode(out, letter);
            }
            Self::AddRecipient(address) | Self::DeleteRecipient(address) => {
                packet::put(out, letter, &[address.text().as_bytes(), &[0]]);
            }
            Self::ReplaceBody(chunk) => packet::put(out, letter, &[chunk.0]),
            Self::Quarantine(reason) => packet::put(out, letter, &[reason.text().as_bytes(), &[0]]),
        }
    }

    /// The action that must have been negotiated for it.
    pub const fn action(&self) -> Actions {
        match self {
            Self::AddHeader(_) | Self::InsertHeader { .. } => Actions::ADD_HEADERS,
            Self::ChangeHeader { .. } => Actions::CHANGE_HEADERS,
            Self::ChangeSender(_) => Actions::CHANGE_SENDER,
            Self::AddRecipient(_) => Actions::ADD_RECIPIENTS,
            Self::AddRecipientWithArguments(_) => Actions::ADD_RECIPIENTS_WITH_ARGUMENTS,
            Self::DeleteRecipient(_) => Actions::DELETE_RECIPIENTS,
            Self::ReplaceBody(_) => Actions::CHANGE_BODY,
            Self::Quarantine(_) => Actions::QUARANTINE,
        }
    }

    /// The letter on the wire.
    pub const fn letter(&self) -> u8 {
        match self {
            Self::AddHeader(_) => b'h',
            Self::InsertHeader { .. } => b'i',
            Self::ChangeHeader { .. } => b'm',
            Self::ChangeSender(_) => b'e',
            Self::AddRecipient(_) => b'+',
            Self::AddRecipientWithArguments(_) => b'2',
            Self::DeleteRecipient(_) => b'-',
            Self::ReplaceBody(_) => b'b',
            Self::Quarantine(_) => b'q',
        }
    }

    fn decode_add_header(payload: &'a [u8]) -> Result<Self, DecodeError> {
        const PACKET: &str = "SMFIR_ADDHEADER";
        HeaderField::decode(PACKET, Fields::of(PACKET, payload)).map(Self::AddHeader)
    }

    fn decode_insert_header(payload: &'a [u8]) -> Result<Self, DecodeError> {
        const PACKET: &str = "SMFIR_INSHEADER";
        let mut fields = Fields::of(PACKET, payload);
        let index = fields.u32("the index")?;
        Ok(Self::InsertHeader { index, field: HeaderField::decode(PACKET, fields)? })
    }

    fn decode_change_header(payload: &'a [u8]) -> Result<Self, DecodeError> {
        const PACKET: &str = "SMFIR_CHGHEADER";
        let mut fields = Fields::of(PACKET, payload);
        let occurrence = fields.u32("the index")?;
        Ok(Self::ChangeHeader { occurrence, field: HeaderField::decode(PACKET, fields)? })
    }

    fn decode_change_sender(payload: &'a [u8]) -> Result<Self, DecodeError> {
        AddressAndArguments::decode("SMFIR_CHGFROM", payload).map(Self::ChangeSender)
    }

    fn decode_add_recipient(payload: &'a [u8]) -> Result<Self, DecodeError> {
        decode_address("SMFIR_ADDRCPT", payload).map(Self::AddRecipient)
    }

    fn decode_add_recipient_with_arguments(payload: &'a [u8]) -> Result<Self, DecodeError> {
        AddressAndArguments::decode("SMFIR_ADDRCPT_PAR", payload).map(Self::AddRecipientWithArguments)
    }

    fn decode_delete_recipient(payload: &'a [u8]) -> Result<Self, DecodeError> {
        decode_address("SMFIR_DELRCPT", payload).map(Self::DeleteRecipient)
    }

    fn decode_quarantine(payload: &'a [u8]) -> Result<Self, DecodeError> {
        const PACKET: &str = "SMFIR_QUARANTINE";
        let mut fields = Fields::of(PACKET, payload);
        let reason = fields.string("the reason")?.as_bytes();
        fields.end()?;
        Reason::new(reason).map(Self::Quarantine).map_err(|error| DecodeError::Text { packet: PACKET, error })
    }
}

fn decode_address<'a>(packet: &'static str, payload: &'a [u8]) -> Result<Address<'a>, DecodeError> {
    let mut fields = Fields::of(packet, payload);
    let address = fields.string("the address")?.as_bytes();
    fields.end()?;
    Address::new(address).map_err(|error| DecodeError::Text { packet, error })
}

/// A header that a filter sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeaderField<'a> {
    name: HeaderName<'a>,
    value: HeaderValue<'a>,
}

impl<'a> HeaderField<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(name: HeaderName<'a>, value: HeaderValue<'a>) -> Result<Self, TooLong> {
        const INDEX_AND_NULS: usize = 6;
        TooLong::check(&[name.text().len(), value.text().len(), INDEX_AND_NULS])?;
        Ok(Self { name, value })
    }

    fn decode(packet: &'static str, mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        let name = fields.string("the name")?.as_bytes();
        let value = fields.string("the value")?.as_bytes();
        fields.end()?;
        let checked = HeaderName::new(name).and_then(|name| Ok((name, HeaderValue::new(value)?)));
        let (name, value) = checked.map_err(|error| DecodeError::Text { packet, error })?;
        Ok(Self { name, value })
    }

    fn encode(&self, out: &mut impl BufMut, letter: u8, index: &[u8]) {
        let (name, value) = (self.name.text(), self.value.text());
        packet::put(out, letter, &[index, name.as_bytes(), &[0], value.as_bytes(), &[0]]);
    }

    /// The name.
    pub const fn name(&self) -> HeaderName<'a> {
        self.name
    }

    /// The value as it is on the wire: with its leading space if
    /// [`Protocol::LEADING_SPACE`](crate::Protocol::LEADING_SPACE) was agreed.
    pub const fn value(&self) -> HeaderValue<'a> {
        self.value
    }
}

/// An address with the ESMTP arguments that a filter gives it.
///
/// Interop: libmilter sends one string when there are no arguments and both MTAs take that; an empty second string
/// resets the arguments at Sendmail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressAndArguments<'a> {
    address: Address<'a>,
    arguments: Option<ArgumentText<'a>>,
}

impl<'a> AddressAndArguments<'a> {
    /// Always fits: each text is bounded by itself.
    pub const fn new(address: Address<'a>, arguments: Option<ArgumentText<'a>>) -> Self {
        Self { address, arguments }
    }

    fn decode(packet: &'static str, payload: &'a [u8]) -> Result<Self, DecodeError> {
        let wrong = |error| DecodeError::Text { packet, error };
        let mut fields = Fields::of(packet, payload);
        let address = Address::new(fields.string("the address")?.as_bytes()).map_err(wrong)?;
        let arguments = match fields.rest() {
            [] => None,
            _ => {
                let arguments = fields.string("the arguments")?.as_bytes();
                Some(ArgumentText::new(arguments).map_err(wrong)?)
            }
        };
        fields.end()?;
        Ok(Self { address, arguments })
    }

    fn encode(&self, out: &mut impl BufMut, letter: u8) {
        let address = self.address.text().as_bytes();
        match self.arguments {
            Some(arguments) => packet::put(out, letter, &[address, &[0], arguments.text().as_bytes(), &[0]]),
            None => packet::put(out, letter, &[address, &[0]]),
        }
    }

    /// The address.
    pub const fn address(&self) -> Address<'a> {
        self.address
    }

    /// `RET=HDRS ENVID=q`, `NOTIFY=NEVER`, …
    pub const fn arguments(&self) -> Option<ArgumentText<'a>> {
        self.arguments
    }
}

/// A piece of a replaced body: raw octets, up to a full packet.
///
/// Interop: Postfix fails a filter that sends anything between two pieces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReplacementChunk<'a>(&'a [u8]);

impl<'a> ReplacementChunk<'a> {
    /// Cuts a new body into pieces: an empty one is one empty piece, which empties the body.
    pub fn split(body: &'a [u8]) -> impl Iterator<Item = Self> {
        let empty = body.is_empty().then_some(Self(&[]));
        body.chunks(MAX_PAYLOAD).map(Self).chain(empty)
    }

    /// The octets.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{TextError, TextKind};
    use crate::known_answers;
    use crate::response::Response;

    #[test]
    fn two_received_texts_fit_into_a_packet() {
        let payload = [&[b'a'; 32766][..], b"\0", &[b'b'; 32766], b"\0"].concat();
        let Some(Ok(Modification::ChangeSender(received))) = Modification::decode(b'e', &payload) else {
            panic!("expected a sender")
        };
        let mut encoded = alloc::vec::Vec::new();
        Modification::ChangeSender(received).encode(&mut encoded);
        assert_eq!(encoded[5..], payload);

        let longer = [&[b'a'; 32767][..], b"\0"].concat();
        let error = TextError::TooLong { kind: TextKind::Address, length: 32767 };
        assert_eq!(
            Modification::decode(b'-', &longer),
            Some(Err(DecodeError::Text { packet: "SMFIR_DELRCPT", error }))
        );
    }

    #[test]
    fn known_answers() {
        use Modification as M;
        let name = HeaderName::new("X-A").unwrap();
        let field = |value| HeaderField::new(name, HeaderValue::new(value).unwrap()).unwrap();
        let address = Address::new("<n@x>").unwrap();
        let with = |arguments| AddressAndArguments::new(address, Some(ArgumentText::new(arguments).unwrap()));
        let table: [(&[u8], M<'_>); 11] = [
            (b"hX-A\0a\n b\0", M::AddHeader(field("a\n b"))),
            (b"i\0\0\0\x01X-A\0v\0", M::InsertHeader { index: 1, field: field("v") }),
            (b"m\xff\xff\xff\xffX-A\0\0", M::ChangeHeader { occurrence: u32::MAX, field: field("") }),
            (b"e<n@x>\0", M::ChangeSender(AddressAndArguments::new(address, None))),
            (b"e<n@x>\0RET=HDRS\0", M::ChangeSender(with("RET=HDRS"))),
            (b"2<n@x>\0NOTIFY=NEVER\0", M::AddRecipientWithArguments(with("NOTIFY=NEVER"))),
            (b"+<n@x>\0", M::AddRecipient(address)),
            (b"-<n@x>\0", M::DeleteRecipient(address)),
            (b"bhi\0\r\n", M::ReplaceBody(ReplacementChunk(b"hi\0\r\n"))),
            (b"b", M::ReplaceBody(ReplacementChunk(b""))),
            (b"qwhy\0", M::Quarantine(Reason::new("why").unwrap())),
        ];
        known_answers::responses(
            &table.map(|(wire, modification)| (wire, Response::Modification(modification))),
        );
    }
}
