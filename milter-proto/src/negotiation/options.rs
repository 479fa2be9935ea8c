//! The three words of a negotiation: version, actions, protocol.

use crate::error::DecodeError;
use crate::parse::Fields;
use core::fmt;

/// What one side can do, or wants: the 12 octets of `SMFIC_OPTNEG`.
#[doc(alias = "SMFIC_OPTNEG")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // three words since the first version
pub struct Options {
    /// The version of the protocol.
    pub version: Version,
    /// How messages may be modified.
    pub actions: Actions,
    /// Which commands are sent, which are answered, and how.
    pub protocol: Protocol,
}

impl Options {
    /// What Postfix and Sendmail offer today: version 6 with everything in it.
    pub const CURRENT: Self =
        Self { version: Version::CURRENT, actions: Actions::all_known(), protocol: Protocol::all_known() };

    /// Interop: libmilter ignores octets after the twelfth, so some MTA may send them.
    pub(crate) fn decode_offer(payload: &[u8]) -> Result<Self, DecodeError> {
        Self::take(&mut Fields::of("SMFIC_OPTNEG", payload))
    }

    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: Version(fields.u32("the version")?),
            actions: Actions::from_bits_retain(fields.u32("the actions")?),
            protocol: Protocol::from_bits_retain(fields.u32("the protocol word")?),
        })
    }

    pub(crate) fn to_wire(self) -> [u8; 12] {
        let [v0, v1, v2, v3] = self.version.0.to_be_bytes();
        let [a0, a1, a2, a3] = self.actions.bits().to_be_bytes();
        let [p0, p1, p2, p3] = self.protocol.bits().to_be_bytes();
        [v0, v1, v2, v3, a0, a1, a2, a3, p0, p1, p2, p3]
    }
}

/// A version of the protocol, as it is on the wire. Versions 2 to 6 can be spoken.
#[doc(alias = "SMFI_VERSION")]
#[doc(alias = "SMFI_PROT_VERSION")]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_structs)] // any number may come
pub struct Version(pub u32);

impl Version {
    /// The oldest that is supported.
    pub const OLDEST: Self = Self(2);
    /// The newest there is: Sendmail 8.14, Postfix 2.6 and all later ones.
    pub const CURRENT: Self = Self(6);

    pub(crate) const FIRST_WITH_UNKNOWN: Self = Self(3);
    pub(crate) const FIRST_WITH_DATA: Self = Self(4);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

bitflags::bitflags! {
    /// Ways to modify a message (`SMFIF_*`). Unknown bits are kept.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct Actions: u32 {
        /// Add and insert headers.
        #[doc(alias = "SMFIF_ADDHDRS")]
        const ADD_HEADERS = 0x0000_0001;
        /// Replace the body.
        #[doc(alias = "SMFIF_CHGBODY")]
        #[doc(alias = "SMFIF_MODBODY")]
        const CHANGE_BODY = 0x0000_0002;
        /// Add recipients.
        #[doc(alias = "SMFIF_ADDRCPT")]
        const ADD_RECIPIENTS = 0x0000_0004;
        /// Delete recipients.
        #[doc(alias = "SMFIF_DELRCPT")]
        const DELETE_RECIPIENTS = 0x0000_0008;
        /// Change and delete headers. Since version 2.
        #[doc(alias = "SMFIF_CHGHDRS")]
        const CHANGE_HEADERS = 0x0000_0010;
        /// Hold messages. Since version 2 (Sendmail 8.13).
        #[doc(alias = "SMFIF_QUARANTINE")]
        const QUARANTINE = 0x0000_0020;
        /// Replace the envelope sender. Since version 6.
        #[doc(alias = "SMFIF_CHGFROM")]
        const CHANGE_SENDER = 0x0000_0040;
        /// Add recipients with ESMTP arguments. Since version 6.
        #[doc(alias = "SMFIF_ADDRCPT_PAR")]
        const ADD_RECIPIENTS_WITH_ARGUMENTS = 0x0000_0080;
        /// Ask for macros by stage. Since version 6.
        #[doc(alias = "SMFIF_SETSYMLIST")]
        const REQUEST_MACROS = 0x0000_0100;

        const _ = !0;
    }
}

impl Actions {
    /// Every action that has a name.
    #[doc(alias = "SMFI_CURR_ACTS")]
    pub const fn all_known() -> Self {
        Self::from_bits_retain(0x1ff)
    }
}

bitflags::bitflags! {
    /// Protocol steps (`SMFIP_*`): in an offer "I can", in an answer "do so". Unknown bits are kept.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct Protocol: u32 {
        /// Do not send CONNECT.
        #[doc(alias = "SMFIP_NOCONNECT")]
        const NO_CONNECT = 0x0000_0001;
        /// Do not send HELO.
        #[doc(alias = "SMFIP_NOHELO")]
        const NO_HELO = 0x0000_0002;
        /// Do not send MAIL.
        #[doc(alias = "SMFIP_NOMAIL")]
        const NO_MAIL = 0x0000_0004;
        /// Do not send RCPT.
        #[doc(alias = "SMFIP_NORCPT")]
        const NO_RCPT = 0x0000_0008;
        /// Do not send body chunks.
        #[doc(alias = "SMFIP_NOBODY")]
        const NO_BODY = 0x0000_0010;
        /// Do not send headers.
        #[doc(alias = "SMFIP_NOHDRS")]
        const NO_HEADERS = 0x0000_0020;
        /// Do not send the end of the headers. Since version 2.
        #[doc(alias = "SMFIP_NOEOH")]
        const NO_END_OF_HEADERS = 0x0000_0040;
        /// No reply to headers. Since version 6; Postfix also offers it in older ones.
        #[doc(alias = "SMFIP_NR_HDR")]
        #[doc(alias = "SMFIP_NOHREPL")]
        const NO_REPLY_HEADER = 0x0000_0080;
        /// Do not send unknown commands. Since version 3.
        #[doc(alias = "SMFIP_NOUNKNOWN")]
        const NO_UNKNOWN = 0x0000_0100;
        /// Do not send DATA. Since version 4.
        #[doc(alias = "SMFIP_NODATA")]
        const NO_DATA = 0x0000_0200;
        /// The filter may answer SKIP.
        #[doc(alias = "SMFIP_SKIP")]
        const SKIP = 0x0000_0400;
        /// Send recipients that the MTA itself rejected too.
        #[doc(alias = "SMFIP_RCPT_REJ")]
        const REJECTED_RECIPIENTS = 0x0000_0800;
        /// No reply to CONNECT.
        #[doc(alias = "SMFIP_NR_CONN")]
        const NO_REPLY_CONNECT = 0x0000_1000;
        /// No reply to HELO.
        #[doc(alias = "SMFIP_NR_HELO")]
        const NO_REPLY_HELO = 0x0000_2000;
        /// No reply to MAIL.
        #[doc(alias = "SMFIP_NR_MAIL")]
        const NO_REPLY_MAIL = 0x0000_4000;
        /// No reply to RCPT.
        #[doc(alias = "SMFIP_NR_RCPT")]
        const NO_REPLY_RCPT = 0x0000_8000;
        /// No reply to DATA.
        #[doc(alias = "SMFIP_NR_DATA")]
        const NO_REPLY_DATA = 0x0001_0000;
        /// No reply to unknown commands.
        #[doc(alias = "SMFIP_NR_UNKN")]
        const NO_REPLY_UNKNOWN = 0x0002_0000;
        /// No reply to the end of the headers.
        #[doc(alias = "SMFIP_NR_EOH")]
        const NO_REPLY_END_OF_HEADERS = 0x0004_0000;
        /// No reply to body chunks.
        #[doc(alias = "SMFIP_NR_BODY")]
        const NO_REPLY_BODY = 0x0008_0000;
        /// Header values with the space after the colon, in both directions.
        #[doc(alias = "SMFIP_HDR_LEADSPC")]
        const LEADING_SPACE = 0x0010_0000;
        /// Packets of up to 256 KiB. Only in an MTA that was built for it.
        #[doc(alias = "SMFIP_MDS_256K")]
        const DATA_SIZE_256K = 0x1000_0000;
        /// Packets of up to 1 MiB. Only in an MTA that was built for it.
        #[doc(alias = "SMFIP_MDS_1M")]
        const DATA_SIZE_1M = 0x2000_0000;

        const _ = !0;
    }
}

impl Protocol {
    /// Every bit of version 6, without the data sizes that need an MTA of their own.
    #[doc(alias = "SMFI_CURR_PROT")]
    pub const fn all_known() -> Self {
        Self::from_bits_retain(0x001f_ffff)
    }
}
