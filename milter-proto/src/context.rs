//! What a hook may look up and record.

use crate::macros::Macros;
use crate::modifications::Modifications;
use crate::negotiation::Agreement;
use core::ops::{Deref, DerefMut};

/// What a hook may look up and record, beside its command.
///
/// Every method of [`Modifications`] can be called on it: `cx.add_header("X-Checked", "yes")?`. To use a macro's value
/// in a modification, name the two parts, which can be borrowed side by side:
///
/// ```
/// # use milter_proto::{Context, ModificationError};
/// fn tag(cx: &mut Context) -> Result<(), ModificationError> {
///     cx.message.add_header("X-Queue", cx.macros.get("i").unwrap_or_default())
/// }
/// # tag(&mut milter_proto::testing::detached()).unwrap();
/// ```
#[doc(alias = "SMFICTX")]
#[derive(Debug, Default)]
pub struct Context {
    /// What the MTA knows besides the command.
    pub macros: Macros,
    /// What is to be changed in the message.
    pub message: Modifications,
    pub(crate) connection: u64,
    pub(crate) message_number: u64,
}

impl Context {
    pub(crate) fn new(connection: u64) -> Self {
        Self { connection, ..Self::default() }
    }

    /// What was agreed with the MTA.
    pub const fn agreement(&self) -> &Agreement {
        self.message.agreement()
    }

    /// The number that the server gave this connection of the MTA.
    pub const fn connection_id(&self) -> u64 {
        self.connection
    }

    /// Which message of the connection this is, counted from 1; before the first one 0.
    pub const fn message_number(&self) -> u64 {
        self.message_number
    }
}

impl Deref for Context {
    type Target = Modifications;

    fn deref(&self) -> &Modifications {
        &self.message
    }
}

impl DerefMut for Context {
    fn deref_mut(&mut self) -> &mut Modifications {
        &mut self.message
    }
}

#[cfg(test)]
mod tests {
    use crate::negotiation::Wish;
    use crate::session::Session;

    #[test]
    fn a_connection_has_the_number_that_it_was_given() {
        assert_eq!(Session::with_id(Wish::new(), 7).context().connection_id(), 7);
    }
}
