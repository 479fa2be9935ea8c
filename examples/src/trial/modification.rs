//! What a filter wants to be changed, kept for the report.

use std::fmt::{self, Display};

use milter_proto::{EnvelopeAddress, HeaderField, Modification};
use serde::Serialize;
use serde::ser::Serializer;

use super::report::with_arguments;
use crate::octets::Octets;

/// A modification. Values are as on the wire: folds are LF and white space.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
#[allow(missing_docs)] // each is documented at `milter_proto::Modification`
pub enum Made {
    AddHeader { name: String, value: Kept },
    InsertHeader { index: u32, name: String, value: Kept },
    ChangeHeader { occurrence: u32, name: String, value: Kept },
    DeleteHeader { occurrence: u32, name: String },
    ChangeSender { sender: Kept },
    AddRecipient { recipient: Kept },
    DeleteRecipient { recipient: Kept },
    ReplaceBody { octets: usize, pieces: usize },
    Quarantine { reason: Kept },
}

/// Octets that the filter sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept(Vec<u8>);

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Octets(&self.0).serialize(serializer)
    }
}

impl Display for Kept {
    /// On one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = Octets(&self.0).to_string();
        f.write_str(&quoted[1..quoted.len() - 1])
    }
}

impl Made {
    /// Keeps a modification, together with those of before: pieces of a body are one.
    pub(super) fn keep(all: &mut Vec<Self>, modification: &Modification<'_>) {
        let made = Self::from(modification);
        if let Self::ReplaceBody { octets: more, .. } = made {
            if let Some(Self::ReplaceBody { octets, pieces }) = all.last_mut() {
                *octets += more;
                *pieces += 1;
                return;
            }
        }
        all.push(made);
    }
}

impl From<&Modification<'_>> for Made {
    fn from(modification: &Modification<'_>) -> Self {
        let name = |field: &HeaderField<'_>| field.name().text().to_string();
        let value = |field: &HeaderField<'_>| Kept(field.value().text().to_vec());
        let address = |address: EnvelopeAddress| Kept(with_arguments(&address));
        match modification {
            Modification::AddHeader(field) => Self::AddHeader { name: name(field), value: value(field) },
            Modification::InsertHeader { index, field } => {
                Self::InsertHeader { index: *index, name: name(field), value: value(field) }
            }
            Modification::ChangeHeader { occurrence, field } if field.value().text().is_empty() => {
                Self::DeleteHeader { occurrence: *occurrence, name: name(field) }
            }
            Modification::ChangeHeader { occurrence, field } => {
                Self::ChangeHeader { occurrence: *occurrence, name: name(field), value: value(field) }
            }
            Modification::ChangeSender(sender) => Self::ChangeSender { sender: address((*sender).into()) },
            Modification::AddRecipient(recipient) => {
                Self::AddRecipient { recipient: address((*recipient).into()) }
            }
            Modification::AddRecipientWithArguments(recipient) => {
                Self::AddRecipient { recipient: address((*recipient).into()) }
            }
            Modification::DeleteRecipient(recipient) => {
                Self::DeleteRecipient { recipient: address((*recipient).into()) }
            }
            Modification::ReplaceBody(piece) => {
                Self::ReplaceBody { octets: piece.as_bytes().len(), pieces: 1 }
            }
            Modification::Quarantine(reason) => Self::Quarantine { reason: Kept(reason.text().to_vec()) },
        }
    }
}

impl Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddHeader { name, value } => write!(f, "add header {name}: {value}"),
            Self::InsertHeader { index, name, value } => {
                write!(f, "insert header at {index} {name}: {value}")
            }
            Self::ChangeHeader { occurrence, name, value } => {
                write!(f, "change header {occurrence} of its name {name}: {value}")
            }
            Self::DeleteHeader { occurrence, name } => {
                write!(f, "delete header {occurrence} of its name {name}")
            }
            Self::ChangeSender { sender } => write!(f, "change sender to {sender}"),
            Self::AddRecipient { recipient } => write!(f, "add recipient {recipient}"),
            Self::DeleteRecipient { recipient } => write!(f, "delete recipient {recipient}"),
            Self::ReplaceBody { octets, pieces: 1 } => {
                write!(f, "replace body by {octets} octet{}", if *octets == 1 { "" } else { "s" })
            }
            Self::ReplaceBody { octets, pieces } => {
                write!(f, "replace body by {octets} octets, in {pieces} pieces")
            }
            Self::Quarantine { reason } => write!(f, "put on hold: {reason}"),
        }
    }
}
