//! The content of a message: DATA, headers, body.

use crate::error::{DecodeError, TooLong};
use crate::packet::MAX_PAYLOAD;
use crate::parse::Fields;
use crate::text::Text;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// DATA (`T`): the recipients are complete. Postfix sends it for the first BDAT as well.
#[doc(alias = "SMFIC_DATA")]
#[doc(alias = "xxfi_data")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // nothing can be added to a command without payload
pub struct Data;

/// The end of the headers (`N`): comes also when there are none, and when the body is empty.
#[doc(alias = "SMFIC_EOH")]
#[doc(alias = "xxfi_eoh")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // nothing can be added to a command without payload
pub struct EndOfHeaders;

/// The end of the message (`E`): the one place where a message is modified, and always answered.
#[doc(alias = "SMFIC_BODYEOB")]
#[doc(alias = "xxfi_eom")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // nothing can be added to a command without payload
pub struct EndOfMessage;

/// A header field (`L`), in the order of the message, duplicates included.
///
/// The value is what stands on the wire: without the first space after the colon (a tab stays), unless
/// [`Protocol::LEADING_SPACE`](crate::Protocol::LEADING_SPACE) was agreed; folds are LF and white space, never CR LF.
///
/// Interop: the MTA's own `Received` is never shown. Postfix shows the `Message-Id`, `Date` and `From` that it added,
/// Sendmail shows what came with the message only. Postfix cuts a header at 60000 octets.
#[doc(alias = "SMFIC_HEADER")]
#[doc(alias = "xxfi_header")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header<'a> {
    name: Text<'a>,
    value: Text<'a>,
}

impl<'a> Header<'a> {
    /// Fails when it does not fit into a packet: no MTA can show such a header to a filter.
    pub fn new(name: Text<'a>, value: Text<'a>) -> Result<Self, HeaderError> {
        if name.is_empty() {
            return Err(HeaderError::NoName);
        }
        TooLong::check(&[name.len(), value.len(), 2])?;
        Ok(Self { name, value })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        const PACKET: &str = "SMFIC_HEADER";
        let mut fields = Fields::of(PACKET, payload);
        let name = fields.string("the name")?;
        let value = fields.string("the value")?;
        fields.end()?;
        if name.is_empty() {
            return Err(DecodeError::Empty { packet: PACKET, field: "the name" });
        }
        Ok(Self { name, value })
    }

    /// The name as it was written, which may be any octets.
    pub const fn name(&self) -> Text<'a> {
        self.name
    }

    /// The value as it is on the wire, which may be empty.
    pub const fn value(&self) -> Text<'a> {
        self.value
    }

    /// Whether the field has this name: case does not count.
    ///
    /// ```
    /// # use milter_proto::Header;
    /// let header = Header::new("content-TYPE".try_into()?, "text/plain".try_into()?)?;
    /// assert!(header.is("Content-Type"));
    /// assert_eq!(header.canonical_name().to_string(), "Content-Type");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The name as it is usually spelt: each word begins with a capital letter, the rest is small.
    pub const fn canonical_name(&self) -> CanonicalName<'a> {
        CanonicalName(self.name)
    }
}

/// A header name in its usual spelling; see [`Header::canonical_name`].
///
/// Names that the standards spell otherwise keep that spelling (`MIME-Version`, `Message-ID`, `DKIM-Signature`, …).
#[derive(Clone, Copy, Debug)]
pub struct CanonicalName<'a>(Text<'a>);

impl fmt::Display for CanonicalName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SPELT_OTHERWISE: [&str; 10] = [
            "MIME-Version",
            "Message-ID",
            "Content-ID",
            "Resent-Message-ID",
            "DKIM-Signature",
            "ARC-Seal",
            "ARC-Message-Signature",
            "ARC-Authentication-Results",
            "Received-SPF",
            "List-ID",
        ];
        if let Some(name) = SPELT_OTHERWISE.iter().find(|name| self.0.eq_ignore_ascii_case(name.as_bytes())) {
            return f.write_str(name);
        }
        let mut spelt = Vec::with_capacity(self.0.len());
        let mut first = true;
        for octet in self.0.iter() {
            spelt.push(if first { octet.to_ascii_uppercase() } else { octet.to_ascii_lowercase() });
            first = *octet == b'-';
        }
        Text::trusted(&spelt).fmt(f)
    }
}

/// A header field that cannot be shown to a filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is empty.
    #[error("the header has no name")]
    NoName,
    /// Name and value do not fit into a packet.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// A piece of the body (`B`): CR LF line ends, no dot-stuffing, cut without regard to lines.
///
/// Interop: both MTAs cut at 65535 octets; an empty body is no chunk at all. Postfix turns a bare LF into CR LF and a
/// bare CR into a space.
#[doc(alias = "SMFIC_BODY")]
#[doc(alias = "xxfi_body")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct BodyChunk<'a>(&'a [u8]);

impl<'a> BodyChunk<'a> {
    /// Cuts a body into chunks; an empty body has none.
    pub fn split(body: &'a [u8]) -> impl Iterator<Item = Self> {
        body.chunks(MAX_PAYLOAD).map(Self)
    }

    pub(super) const fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Empty { packet: "SMFIC_BODY", field: "the chunk" });
        }
        Ok(Self(payload))
    }

    /// The octets, which may be any; never none.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl Deref for BodyChunk<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl fmt::Debug for BodyChunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = self.0.split_at_checked(64).unwrap_or((self.0, &[]));
        let dots = if more.is_empty() { "" } else { "…" };
        write!(f, "BodyChunk({} octets: \"{}\"{dots})", self.0.len(), shown.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::known_answers;
    use alloc::string::ToString;

    #[test]
    fn known_answers() {
        let header = |name, value| Header::new(Text::new(name).unwrap(), Text::new(value).unwrap()).unwrap();
        known_answers::commands(&[
            (b"T", Command::Data(Data)),
            (b"LX-Fold\0one\n two\xff\0", Command::Header(header(b"X-Fold", b"one\n two\xff"))),
            (b"LX\0\0", Command::Header(header(b"X", b""))),
            (b"N", Command::EndOfHeaders(EndOfHeaders)),
            (b"Ba\0\r\n", Command::Body(BodyChunk(b"a\0\r\n"))),
            (b"E", Command::EndOfMessage(None)),
            (b"Ex\r\n", Command::EndOfMessage(Some(BodyChunk(b"x\r\n")))),
        ]);
    }

    #[test]
    fn names_in_their_usual_spelling() {
        for name in ["Subject", "MIME-Version", "X-Spam-Flag", "List-ID", "-", ""] {
            for spelling in [name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                assert_eq!(CanonicalName(Text::trusted(spelling.as_bytes())).to_string(), name);
            }
        }
    }

    #[test]
    fn of_a_long_chunk_the_beginning_is_shown() {
        let shown = |octets| alloc::format!("{:?}", BodyChunk(octets));
        assert_eq!(shown(b"a\r\n"), r#"BodyChunk(3 octets: "a\r\n")"#);
        let beginning = "b".repeat(64);
        assert_eq!(shown(&[b'b'; 64]), alloc::format!("BodyChunk(64 octets: \"{beginning}\")"));
        assert_eq!(shown(&[b'b'; 65]), alloc::format!("BodyChunk(65 octets: \"{beginning}\"…)"));
    }

    #[test]
    fn errors_say_what_was_expected_and_what_came() {
        let (none, long) = (Text::default(), alloc::vec![b'v'; 65533]);
        assert_eq!(Header::new(none, none).unwrap_err().to_string(), "the header has no name");
        assert_eq!(
            Header::new(Text::trusted(b"X"), Text::trusted(&long)).unwrap_err().to_string(),
            "a payload of 65536 octets: at most 65535 fit into a packet"
        );
    }
}
