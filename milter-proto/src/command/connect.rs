//! CONNECT: who speaks to the MTA.

use super::NUL;
use crate::error::{DecodeError, TooLong};
use crate::packet;
use crate::parse::Fields;
use crate::text::Text;
use bytes::BufMut;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// An SMTP client connected (`C`).
#[doc(alias = "SMFIC_CONNECT")]
#[doc(alias = "xxfi_connect")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Connect<'a> {
    hostname: Text<'a>,
    peer: Peer<'a>,
}

/// The SMTP client's end of the connection (`SMFIA_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
pub enum Peer<'a> {
    /// `U`: nothing is known, as for a client on a unix socket of Postfix or on a pipe.
    #[doc(alias = "SMFIA_UNKNOWN")]
    Unknown,
    /// `4`
    #[doc(alias = "SMFIA_INET")]
    Ipv4 {
        /// The client's port; 0 when it is not known.
        port: u16,
        /// The address as it came: not always one that parses (`unknown`).
        address: Text<'a>,
    },
    /// `6`
    #[doc(alias = "SMFIA_INET6")]
    Ipv6 {
        /// The client's port; 0 when it is not known.
        port: u16,
        /// The address as it came: `::1` from Postfix, `IPv6:0:0:0:0:0:0:0:1` from Sendmail.
        address: Text<'a>,
    },
    /// `L`: a unix socket.
    #[doc(alias = "SMFIA_UNIX")]
    Local {
        /// Its path; Sendmail sends an empty one.
        path: Text<'a>,
    },
}

impl<'a> Connect<'a> {
    /// Fails when it does not fit into a packet.
    pub fn new(hostname: Text<'a>, peer: Peer<'a>) -> Result<Self, TooLong> {
        let peer_length = match peer {
            Peer::Unknown => 0,
            Peer::Ipv4 { .. } | Peer::Ipv6 { .. } | Peer::Local { .. } => peer.text().len().saturating_add(3),
        };
        TooLong::check(&[hostname.len(), 2, peer_length])?;
        Ok(Self { hostname, peer })
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::of("SMFIC_CONNECT", payload);
        let hostname = fields.string("the host name")?;
        let family = fields.u8("the address family")?;
        if !matches!(family, b'U' | b'4' | b'6' | b'L') {
            return Err(DecodeError::UnknownFamily(family));
        }
        if family == b'U' {
            // Interop: libmilter ignores what follows, and one library sends a port and an address here.
            return Ok(Self { hostname, peer: Peer::Unknown });
        }
        let port = fields.u16("the port")?;
        let address = fields.string("the address")?;
        fields.end()?;
        let peer = match family {
            b'4' => Peer::Ipv4 { port, address },
            b'6' => Peer::Ipv6 { port, address },
            // Interop: libmilter reads a port here and ignores it.
            _ => Peer::Local { path: address },
        };
        Ok(Self { hostname, peer })
    }

    pub(super) fn encode(&self, out: &mut impl BufMut) {
        let host = self.hostname.as_bytes();
        let (family, port) = match self.peer {
            Peer::Unknown => return packet::put(out, b'C', &[host, NUL, b"U"]),
            Peer::Ipv4 { port, .. } => (b"4", port),
            Peer::Ipv6 { port, .. } => (b"6", port),
            Peer::Local { .. } => (b"L", 0),
        };
        let address = self.peer.text();
        packet::put(out, b'C', &[host, NUL, family, &port.to_be_bytes(), address.as_bytes(), NUL]);
    }

    /// The client's name if the MTA could verify it, else its address in square brackets.
    pub const fn hostname(&self) -> Text<'a> {
        self.hostname
    }

    /// The client's address as the MTA wrote it.
    pub const fn peer(&self) -> Peer<'a> {
        self.peer
    }

    /// The client's IP address, when there is one that parses.
    pub fn ip(&self) -> Option<IpAddr> {
        self.peer.ip()
    }
}

impl<'a> Peer<'a> {
    /// The IP address, when there is one that parses.
    ///
    /// Interop: Sendmail writes `IPv6:` before the address, in front of macros Postfix does so too; some MTA
    /// writes square brackets.
    pub fn ip(&self) -> Option<IpAddr> {
        let text = self.text().to_str().ok()?;
        match self {
            Self::Unknown | Self::Local { .. } => None,
            Self::Ipv4 { .. } => Ipv4Addr::from_str(text).ok().map(IpAddr::V4),
            Self::Ipv6 { .. } => {
                let text = match text.split_at_checked(5) {
                    Some((prefix, rest)) if prefix.eq_ignore_ascii_case("IPv6:") => rest,
                    _ => text,
                };
                let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
                Ipv6Addr::from_str(text).ok().map(IpAddr::V6)
            }
        }
    }

    /// The port, when the family has one; 0 when the MTA does not know it.
    pub const fn port(&self) -> Option<u16> {
        match self {
            Self::Ipv4 { port, .. } | Self::Ipv6 { port, .. } => Some(*port),
            Self::Unknown | Self::Local { .. } => None,
        }
    }

    /// The address or path as it came.
    pub fn text(&self) -> Text<'a> {
        match *self {
            Self::Ipv4 { address, .. } | Self::Ipv6 { address, .. } => address,
            Self::Local { path } => path,
            Self::Unknown => Text::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::known_answers;

    #[test]
    fn all_that_fits_can_be_built() {
        let name = alloc::vec![b'h'; 65534];
        let host = |length| Text::new(&name[..length]).unwrap();
        let port_and_address = Peer::Ipv4 { port: 1, address: host(7) };
        assert!(Connect::new(host(65533), Peer::Unknown).is_ok());
        assert_eq!(Connect::new(host(65534), Peer::Unknown), Err(TooLong { length: 65536 }));
        assert!(Connect::new(host(65523), port_and_address).is_ok());
        assert_eq!(Connect::new(host(65524), port_and_address), Err(TooLong { length: 65536 }));
    }

    #[test]
    fn known_answers() {
        let text = |text| Text::new(text).unwrap();
        let connect = |host, peer| Command::Connect(Connect::new(text(host), peer).unwrap());
        let (v4, v6) = (text(b"192.0.2.1"), text(b"IPv6:::1"));
        known_answers::commands(&[
            (b"Ch\x00409192.0.2.1\0", connect(b"h", Peer::Ipv4 { port: 0x3039, address: v4 })),
            (b"C[::1]\x006\0\0IPv6:::1\0", connect(b"[::1]", Peer::Ipv6 { port: 0, address: v6 })),
            (b"Clocalhost\0L\0\0/run/s\0", connect(b"localhost", Peer::Local { path: text(b"/run/s") })),
            (b"C\0U", connect(b"", Peer::Unknown)),
        ]);
    }

    #[test]
    fn addresses_as_different_mtas_write_them() {
        let v4 = |address| Peer::Ipv4 { port: 0, address: Text::trusted(address) }.ip();
        let v6 = |address| Peer::Ipv6 { port: 0, address: Text::trusted(address) }.ip();
        for written in [&b"2001:db8::1"[..], b"IPv6:2001:db8::1", b"IPV6:2001:db8::1", b"[2001:db8::1]"] {
            assert_eq!(v6(written), "2001:db8::1".parse().ok(), "{}", written.escape_ascii());
        }
        assert_eq!((v6(b"IPv4:::1"), v6(b"192.0.2.1"), v6(b"[::1")), (None, None, None));
        assert_eq!((v4(b"192.0.2.1"), v4(b"::1")), ("192.0.2.1".parse().ok(), None));
        assert_eq!(Peer::Local { path: Text::trusted(b"::1") }.ip(), None);
    }
}
