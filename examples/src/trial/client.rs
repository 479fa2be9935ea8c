//! The SMTP client of a trial.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use milter_proto::{Connect, Peer, Text, TooLong};

/// The SMTP client that the message comes from: `192.0.2.1`, or with its name `192.0.2.1:client.example.org`; IPv6 with
/// or without square brackets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SmtpClient {
    address: String,
    is_v6: bool,
    name: String,
}

/// As an SMTP client has one of its own.
const PORT: u16 = 50000;

impl SmtpClient {
    /// Its address, without brackets.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its name, or its address in square brackets if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        PORT
    }

    /// CONNECT for it.
    pub(super) fn connect(&self) -> Result<Connect<'_>, TooLong> {
        // A name or an address has no NUL: it was checked when it was read.
        let address = Text::new(self.address.as_bytes()).unwrap_or_default();
        let name = Text::new(self.name.as_bytes()).unwrap_or_default();
        let peer =
            if self.is_v6 { Peer::Ipv6 { port: PORT, address } } else { Peer::Ipv4 { port: PORT, address } };
        Connect::new(name, peer)
    }

    fn new(address: IpAddr, name: Option<&str>) -> Self {
        let name = name.map_or_else(|| format!("[{address}]"), str::to_owned);
        Self { address: address.to_string(), is_v6: address.is_ipv6(), name }
    }
}

impl Default for SmtpClient {
    /// A client of the networks and names that are kept for documentation.
    fn default() -> Self {
        Self::new(Ipv4Addr::new(192, 0, 2, 1).into(), Some("client.example.org"))
    }
}

impl FromStr for SmtpClient {
    type Err = ParseClientError;

    fn from_str(text: &str) -> Result<Self, ParseClientError> {
        if let Some(address) = address(text) {
            return Ok(Self::new(address, None));
        }
        let (before, name) = text.rsplit_once(':').ok_or(ParseClientError)?;
        let sound = !name.is_empty() && name.len() < 256 && name.chars().all(|c| c.is_ascii_graphic());
        match address(before) {
            Some(address) if sound => Ok(Self::new(address, Some(name))),
            _ => Err(ParseClientError),
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

/// A text that is no [`SmtpClient`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ParseClientError;

impl std::fmt::Display for ParseClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected an IP address, or one with a name: 192.0.2.1:client.example.org")
    }
}

impl std::error::Error for ParseClientError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        for (text, address, name) in [
            ("192.0.2.7", "192.0.2.7", "[192.0.2.7]"),
            ("192.0.2.7:a.example", "192.0.2.7", "a.example"),
            ("2001:db8::1", "2001:db8::1", "[2001:db8::1]"),
            ("[2001:db8::1]", "2001:db8::1", "[2001:db8::1]"),
            ("[2001:db8::1]:a.example", "2001:db8::1", "a.example"),
            ("2001:db8::1:a.example", "2001:db8::1", "a.example"),
        ] {
            let client: SmtpClient = text.parse().unwrap();
            assert_eq!((client.address(), client.name()), (address, name), "{text}");
        }
        for wrong in ["", "a.example", "192.0.2.7:", "192.0.2.7:a b", "192.0.2.300", ":a.example"] {
            assert!(wrong.parse::<SmtpClient>().is_err(), "{wrong}");
        }
    }
}
