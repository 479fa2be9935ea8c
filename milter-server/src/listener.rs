//! Sockets to listen on.

mod inherited;
mod lock;
mod tcp;
mod unix;

pub use unix::SocketAccess;

use milter_proto::{Endpoint, EndpointError};
use socket2::SockRef;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use unix::OwnPath;

/// A listening socket of the standard library.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // a runtime must take both
pub enum StdListener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
}

impl From<TcpListener> for StdListener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for StdListener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// A socket that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The text names no socket.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket cannot be bound.
    #[error("cannot listen on {endpoint}: {source}")]
    Bind {
        /// Which socket.
        endpoint: Endpoint,
        /// Why.
        source: io::Error,
    },
}

/// A bound socket that is not served yet. The path of a unix socket of ours is removed with it.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: StdListener,
    pub(crate) path: Option<OwnPath>,
}

impl Listener {
    /// Binds every address that the endpoint means.
    pub(crate) fn bind(endpoint: &Endpoint, access: &SocketAccess) -> Result<Vec<Self>, ListenError> {
        let bound = match endpoint {
            Endpoint::Inet { host, port } => tcp::bind(host, *port, false),
            Endpoint::Inet6 { host, port } => tcp::bind(host, *port, true),
            Endpoint::Unix { path } => unix::bind(path.as_ref(), access).map(|listener| vec![listener]),
            Endpoint::Inherited { name } => inherited::take(name),
            other => Err(io::Error::other(format!("{other} is not supported"))),
        };
        bound.map_err(|source| ListenError::Bind { endpoint: endpoint.clone(), source })
    }

    /// A socket that somebody else has bound.
    pub(crate) fn bound(socket: StdListener) -> io::Result<Self> {
        match &socket {
            StdListener::Tcp(tcp) => tcp::configure(tcp)?,
            StdListener::Unix(unix) => unix.set_nonblocking(true)?,
        }
        Ok(Self { socket, path: None })
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(match &self.socket {
            StdListener::Tcp(tcp) => {
                let address = tcp.local_addr()?;
                let (host, port) = (address.ip().to_string(), address.port());
                let only_v6 =
                    address.ip().is_unspecified() && address.is_ipv6() && SockRef::from(tcp).only_v6()?;
                if only_v6 { Endpoint::Inet6 { host, port } } else { Endpoint::Inet { host, port } }
            }
            StdListener::Unix(unix) => {
                let path = unix.local_addr()?.as_pathname().map(|path| path.display().to_string());
                Endpoint::Unix { path: path.unwrap_or_default() }
            }
        })
    }
}
