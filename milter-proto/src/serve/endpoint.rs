//! Where a filter listens, as operators write it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

/// Where a filter listens: the syntax of libmilter, and those of Postfix beside it.
///
/// | text | means |
/// | --- | --- |
/// | `inet:HOST:PORT`, `inet:PORT@HOST`, `HOST:PORT` | TCP |
/// | `inet6:[ADDRESS]:PORT`, `inet6:PORT@ADDRESS` | TCP over IPv6 |
/// | `unix:/path`, `local:/path`, `/path` | a unix socket |
/// | `fd:NAME` | a listening socket inherited under this name (systemd's `FileDescriptorName=`) |
///
/// Port 0 has the system choose one. `inet:[::]:PORT` takes IPv4 as well, `inet6:` never does.
///
/// ```
/// # use milter_proto::Endpoint;
/// let endpoint: Endpoint = "inet:9000@localhost".parse()?;
/// assert_eq!(endpoint, Endpoint::Inet { host: "localhost".to_owned(), port: 9000 });
/// assert_eq!(endpoint.to_string(), "inet:localhost:9000");
/// assert!("inet:9000".parse::<Endpoint>().is_err());
/// # Ok::<(), milter_proto::EndpointError>(())
/// ```
#[doc(alias = "smfi_setconn")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// TCP, at a host name or an address of either family.
    Inet {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// TCP over IPv6 only.
    Inet6 {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket.
    Unix {
        /// Its path.
        path: String,
    },
    /// A listening socket that the process inherited: systemd's socket activation.
    Inherited {
        /// Its name: `FileDescriptorName=` of the socket unit, by default the unit's own name.
        name: String,
    },
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError { text: text.to_owned() };
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme @ ("inet" | "inet6" | "unix" | "local" | "fd"), rest)) => (scheme, rest),
            _ if text.starts_with('/') => ("unix", text),
            _ => ("inet", text),
        };
        match scheme {
            "unix" | "local" | "fd" if rest.is_empty() || rest.contains('\0') => Err(wrong()),
            "fd" => Ok(Self::Inherited { name: rest.to_owned() }),
            "unix" | "local" => Ok(Self::Unix { path: rest.to_owned() }),
            _ => {
                let (host, port) = host_and_port(rest).ok_or_else(wrong)?;
                Ok(if scheme == "inet6" { Self::Inet6 { host, port } } else { Self::Inet { host, port } })
            }
        }
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = match text.split_once('@') {
        Some((port, host)) => (host, port),
        None => text.rsplit_once(':')?,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // `::1:9000` could be an address as well: IPv6 before a port wants brackets.
    let ambiguous = bare.is_none() && host.contains(':') && !text.contains('@');
    let host = bare.unwrap_or(host);
    let sound = !host.is_empty()
        && !host.contains(['@', '[', ']'])
        && (!host.contains(':') || Ipv6Addr::from_str(host).is_ok());
    let digits = !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    if ambiguous || !sound || !digits {
        return None;
    }
    Some((host.to_owned(), port.parse().ok()?))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::Inet { host, port } => ("inet", host, port),
            Self::Inet6 { host, port } => ("inet6", host, port),
            Self::Unix { path } => return write!(f, "unix:{path}"),
            Self::Inherited { name } => return write!(f, "fd:{name}"),
        };
        if host.contains(':') {
            write!(f, "{scheme}:[{host}]:{port}")
        } else {
            write!(f, "{scheme}:{host}:{port}")
        }
    }
}

/// A text that is no [`Endpoint`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{text:?} is no socket address: expected inet:HOST:PORT, inet:PORT@HOST, inet6:[ADDRESS]:PORT, unix:/PATH or fd:NAME"
)]
#[non_exhaustive]
pub struct EndpointError {
    /// What came.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_spelling_is_read_and_printed_in_one() {
        for (text, printed) in [
            ("inet:127.0.0.1:9000", "inet:127.0.0.1:9000"),
            ("inet:9000@127.0.0.1", "inet:127.0.0.1:9000"),
            ("localhost:0", "inet:localhost:0"),
            ("inet:[::1]:9000", "inet:[::1]:9000"),
            ("inet6:9000@::1", "inet6:[::1]:9000"),
            ("inet6:[::]:9000", "inet6:[::]:9000"),
            ("unix:/run/m.sock", "unix:/run/m.sock"),
            ("local:run/m.sock", "unix:run/m.sock"),
            ("/run/m.sock", "unix:/run/m.sock"),
            ("fd:filter.socket", "fd:filter.socket"),
        ] {
            assert_eq!(
                text.parse::<Endpoint>().map(|endpoint| endpoint.to_string()),
                Ok(printed.into()),
                "{text}"
            );
        }
    }

    /// Found by fuzzing: it was read, and what was printed for it was not.
    #[test]
    fn endpoint_with_two_at_signs_is_refused() {
        assert!("1@a@b".parse::<Endpoint>().is_err());
        assert!("inet:9000@mx@host".parse::<Endpoint>().is_err());
    }

    #[test]
    fn what_is_ambiguous_or_cut_is_refused() {
        for text in [
            "",
            "inet:",
            "inet:9000",
            "inet:host:",
            "inet::1:9000",
            "inet:host:65536",
            "inet:+1@h",
            "unix:",
            "fd:",
            "inet:9000@",
            "inet:[host:9000",
            "inet:[[::1]]:9000",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
