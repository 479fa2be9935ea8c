//! Responses: what a filter tells an MTA (`SMFIR_*`), decoded as borrowed views and encoded again.

mod modification;
mod reply;

pub use modification::{AddressAndArguments, HeaderField, Modification, ReplacementChunk};
pub use reply::{ReplyError, SmtpReply, SmtpReplyView};

use crate::error::{DecodeError, UnsupportedResponse};
use crate::negotiation::OptionsAnswer;
use crate::packet::{self, Packet};
use bytes::BufMut;

/// A response as a filter sends it.
///
/// ```
/// # use milter_proto::{Response, SmtpReply};
/// let reply = SmtpReply::new(550, "5.7.1", "no")?;
/// let mut bytes = Vec::new();
/// Response::Reply(reply.view()).encode(&mut bytes);
/// assert_eq!(bytes, b"\0\0\0\x0ey550 5.7.1 no\0");
/// # Ok::<(), milter_proto::ReplyError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete, and an MTA must handle every response
pub enum Response<'a> {
    /// `O`: what the filter wants of what was offered. Only to `O`.
    #[doc(alias = "SMFIC_OPTNEG")]
    Negotiate(OptionsAnswer<'a>),
    /// `c`: go on. After the end of the message: accepted.
    #[doc(alias = "SMFIR_CONTINUE")]
    Continue,
    /// `a`: the filter wants to see no more of this message; at CONNECT and HELO of this SMTP session.
    #[doc(alias = "SMFIR_ACCEPT")]
    Accept,
    /// `d`: take the message from the client and drop it. From MAIL on.
    #[doc(alias = "SMFIR_DISCARD")]
    Discard,
    /// `r`: fail for good, with the MTA's text.
    #[doc(alias = "SMFIR_REJECT")]
    Reject,
    /// `t`: fail temporarily, with the MTA's text.
    #[doc(alias = "SMFIR_TEMPFAIL")]
    TempFail,
    /// `s`: no more commands of this kind. Interop: safe for body chunks only.
    #[doc(alias = "SMFIR_SKIP")]
    Skip,
    /// `p`: still at work. Interop: Sendmail takes it only after the end of the message, and does not extend its time.
    #[doc(alias = "SMFIR_PROGRESS")]
    Progress,
    /// `y`: fail with this reply.
    #[doc(alias = "SMFIR_REPLYCODE")]
    Reply(SmtpReplyView<'a>),
    /// A modification; not a verdict.
    Modification(Modification<'a>),
}

impl<'a> Response<'a> {
    /// Reads a packet from a filter.
    pub fn decode(packet: Packet<'a>) -> Result<Self, DecodeError> {
        let Packet { letter, payload } = packet;
        if let Some(modification) = Modification::decode(letter, payload) {
            return modification.map(Self::Modification);
        }
        let (name, response) = match letter {
            b'O' => return OptionsAnswer::decode(payload).map(Self::Negotiate),
            b'y' => return decode_reply(payload).map(Self::Reply),
            b'f' => return Err(DecodeError::Unsupported(UnsupportedResponse::ConnectionFail)),
            b'4' => return Err(DecodeError::Unsupported(UnsupportedResponse::Shutdown)),
            b'c' => ("SMFIR_CONTINUE", Self::Continue),
            b'a' => ("SMFIR_ACCEPT", Self::Accept),
            b'd' => ("SMFIR_DISCARD", Self::Discard),
            b'r' => ("SMFIR_REJECT", Self::Reject),
            b't' => ("SMFIR_TEMPFAIL", Self::TempFail),
            b's' => ("SMFIR_SKIP", Self::Skip),
            b'p' => ("SMFIR_PROGRESS", Self::Progress),
            _ => return Err(DecodeError::UnknownResponse(letter)),
        };
        match payload.len() {
            0 => Ok(response),
            count => Err(DecodeError::Excess { packet: name, count }),
        }
    }

    /// Appends the packet. Cannot fail: a value that does not fit cannot be built.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Negotiate(answer) => answer.encode(out),
            Self::Reply(reply) => packet::put(out, b'y', &[reply.as_wire(), &[0]]),
            Self::Modification(modification) => modification.encode(out),
            Self::Continue
            | Self::Accept
            | Self::Discard
            | Self::Reject
            | Self::TempFail
            | Self::Skip
            | Self::Progress => packet::put(out, self.letter(), &[]),
        }
    }

    /// The letter on the wire.
    pub const fn letter(&self) -> u8 {
        match self {
            Self::Negotiate(_) => b'O',
            Self::Continue => b'c',
            Self::Accept => b'a',
            Self::Discard => b'd',
            Self::Reject => b'r',
            Self::TempFail => b't',
            Self::Skip => b's',
            Self::Progress => b'p',
            Self::Reply(_) => b'y',
            Self::Modification(modification) => modification.letter(),
        }
    }
}

fn decode_reply(payload: &[u8]) -> Result<SmtpReplyView<'_>, DecodeError> {
    match payload.split_last() {
        Some((0, wire)) => Ok(SmtpReplyView::decode(wire)?),
        _ => Err(DecodeError::Unterminated { packet: "SMFIR_REPLYCODE", field: "the reply" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_answers;
    use crate::negotiation::{MacroRequestsBuf, MacroStage, Options};

    #[test]
    fn known_answers() {
        let mut lists = MacroRequestsBuf::new();
        lists.request(MacroStage::Connect, "j,client_addr");
        let answer = |lists| Response::Negotiate(OptionsAnswer::new(Options::CURRENT, lists).unwrap());
        let reply = SmtpReply::lines(550, "5.7.1", ["100%", "sure"]).unwrap();
        known_answers::responses(&[
            (b"O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", answer(Default::default())),
            (b"O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff\0\0\0\0j {client_addr}\0", answer(lists.view())),
            (b"c", Response::Continue),
            (b"a", Response::Accept),
            (b"d", Response::Discard),
            (b"r", Response::Reject),
            (b"t", Response::TempFail),
            (b"s", Response::Skip),
            (b"p", Response::Progress),
            (b"y550-5.7.1 100%%\r\n550 5.7.1 sure\0", Response::Reply(reply.view())),
        ]);
    }
}
