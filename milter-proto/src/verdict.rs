//! What a stage can answer, as types: the narrower a verdict, the more stages take it.

use crate::response::SmtpReply;

macro_rules! verdict {
    ($(#[$meta:meta])* $Verdict:ident { $($(#[$variant_meta:meta])* $Variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        #[allow(clippy::exhaustive_enums)] // protocol 6 is complete
        pub enum $Verdict {
            /// Go on. At the end of the message: accept it.
            #[doc(alias = "SMFIS_CONTINUE")]
            Continue,
            /// Accept the message and see no more of it; at CONNECT and HELO the whole SMTP session.
            #[doc(alias = "SMFIS_ACCEPT")]
            Accept,
            /// Fail for good with the MTA's text: the SMTP session (CONNECT, HELO), the recipient (RCPT), the
            /// message.
            #[doc(alias = "SMFIS_REJECT")]
            Reject,
            /// Fail temporarily with the MTA's text: what [`Reject`](Self::Reject) would.
            #[doc(alias = "SMFIS_TEMPFAIL")]
            TempFail,
            $($(#[$variant_meta])* $Variant,)*
            /// Fail with this reply: what [`Reject`](Self::Reject) would.
            #[doc(alias = "SMFIR_REPLYCODE")]
            Reply(SmtpReply),
        }

        impl From<SmtpReply> for $Verdict {
            fn from(reply: SmtpReply) -> Self {
                Self::Reply(reply)
            }
        }
    };
}

verdict! {
    /// Valid at every stage that is answered.
    Verdict {}
}

verdict! {
    /// Valid from MAIL to the end of the message: also discards.
    MessageVerdict {
        /// Take the message from the client, and drop it.
        #[doc(alias = "SMFIS_DISCARD")]
        Discard,
    }
}

verdict! {
    /// Valid for body chunks: also skips the rest of the body.
    BodyVerdict {
        /// Take the message from the client, and drop it.
        #[doc(alias = "SMFIS_DISCARD")]
        Discard,
        /// See no more of this body. The hook is not called for it again, whether or not the MTA can skip.
        #[doc(alias = "SMFIS_SKIP")]
        Skip,
    }
}

impl From<Verdict> for MessageVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Continue => Self::Continue,
            Verdict::Accept => Self::Accept,
            Verdict::Reject => Self::Reject,
            Verdict::TempFail => Self::TempFail,
            Verdict::Reply(reply) => Self::Reply(reply),
        }
    }
}

impl From<MessageVerdict> for BodyVerdict {
    fn from(verdict: MessageVerdict) -> Self {
        match verdict {
            MessageVerdict::Continue => Self::Continue,
            MessageVerdict::Accept => Self::Accept,
            MessageVerdict::Reject => Self::Reject,
            MessageVerdict::TempFail => Self::TempFail,
            MessageVerdict::Discard => Self::Discard,
            MessageVerdict::Reply(reply) => Self::Reply(reply),
        }
    }
}

impl From<Verdict> for BodyVerdict {
    fn from(verdict: Verdict) -> Self {
        MessageVerdict::from(verdict).into()
    }
}

/// What a filter says when it cannot say what it thinks: a hook failed, panicked, or was dropped unfinished.
///
/// Never continue or accept: a failing filter must not let mail pass unseen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum FailureVerdict {
    /// Fail temporarily: the client tries again.
    #[default]
    TempFail,
    /// Fail for good.
    Reject,
    /// Close the connection, so that the MTA does what it is configured to do (`milter_default_action`).
    Close,
}
