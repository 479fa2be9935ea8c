//! The envelope of a message: who sent it, and who is to get it.

use super::headers::MtaRules;
use crate::response::AddressAndArguments;
use crate::text::{Address, Text};
use alloc::vec::Vec;
use bytes::Bytes;

/// The sender or a recipient of a [`Message`](super::Message), with its ESMTP arguments.
///
/// ```
/// # use milter_proto::EnvelopeAddress;
/// let sender = EnvelopeAddress::new("<a@b>").with_arguments("SIZE=1000 BODY=8BITMIME");
/// assert_eq!(sender.address(), b"<a@b>");
/// assert_eq!(sender.without_brackets(), b"a@b");
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct EnvelopeAddress {
    address: Bytes,
    arguments: Option<Bytes>,
}

impl EnvelopeAddress {
    /// An address as it stands at MAIL or RCPT, usually with angle brackets. Any octets are kept.
    pub fn new(address: impl AsRef<[u8]>) -> Self {
        Self { address: Bytes::copy_from_slice(address.as_ref()), arguments: None }
    }

    /// The same with ESMTP arguments: one string, separated by spaces. An empty one is none.
    #[must_use]
    pub fn with_arguments(self, arguments: impl AsRef<[u8]>) -> Self {
        let arguments = arguments.as_ref();
        let arguments = (!arguments.is_empty()).then(|| Bytes::copy_from_slice(arguments));
        Self { arguments, ..self }
    }

    /// The address as it was given.
    pub fn address(&self) -> &[u8] {
        &self.address
    }

    /// The address without its angle brackets, if it has both.
    pub fn without_brackets(&self) -> &[u8] {
        // Invariant: the text goes no further than this line, so NUL does not matter.
        Text::trusted(&self.address).without_brackets().as_bytes()
    }

    /// The ESMTP arguments, if there are any.
    pub fn arguments(&self) -> Option<&[u8]> {
        self.arguments.as_deref()
    }

    /// Arguments that are given replace all that there were; without any, these stay.
    ///
    /// Interop: so does Sendmail. Postfix takes `RET` and `ENVID` only, and keeps the others.
    pub(super) fn change(&mut self, changed: AddressAndArguments<'_>) {
        let changed_to = Self::from(changed);
        self.address = changed_to.address;
        if changed.arguments().is_some() {
            self.arguments = changed_to.arguments;
        }
    }
}

impl From<&str> for EnvelopeAddress {
    fn from(address: &str) -> Self {
        Self::new(address)
    }
}

impl From<&[u8]> for EnvelopeAddress {
    fn from(address: &[u8]) -> Self {
        Self::new(address)
    }
}

impl From<Text<'_>> for EnvelopeAddress {
    fn from(address: Text<'_>) -> Self {
        Self::new(address)
    }
}

impl From<Address<'_>> for EnvelopeAddress {
    fn from(address: Address<'_>) -> Self {
        Self::new(address.text())
    }
}

impl From<AddressAndArguments<'_>> for EnvelopeAddress {
    fn from(both: AddressAndArguments<'_>) -> Self {
        let address = Self::from(both.address());
        match both.arguments() {
            Some(arguments) => address.with_arguments(arguments.text()),
            None => address,
        }
    }
}

/// Whether the MTA takes this one for one of them: both deliver once to a recipient that is added twice in the same way.
///
/// Interop: at Sendmail it is the same whatever its arguments, and keeps those that it came with first.
pub(super) fn has(recipients: &[EnvelopeAddress], wanted: &EnvelopeAddress, rules: MtaRules) -> bool {
    recipients.iter().any(|one| {
        one.without_brackets() == wanted.without_brackets()
            && (rules == MtaRules::Sendmail || one.arguments == wanted.arguments)
    })
}

/// Postfix deletes all that are the same octet for octet, brackets and quoting aside; so do we, quoting included.
/// Interop: Sendmail compares what its rules made of the addresses.
pub(super) fn delete(recipients: &mut Vec<EnvelopeAddress>, deleted: Address<'_>) {
    let deleted = deleted.text().without_brackets();
    recipients.retain(|one| one.without_brackets() != deleted.as_bytes());
}
