//! Sockets to listen on: TCP and unix.

use milter_proto::{Endpoint, EndpointError};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

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

/// A bound socket that is not served yet.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, OwnPath),
}

impl Listener {
    pub(crate) fn bind(text: &str) -> Result<Self, ListenError> {
        let endpoint: Endpoint = text.parse()?;
        Self::bind_to(&endpoint).map_err(|source| ListenError::Bind { endpoint, source })
    }

    fn bind_to(endpoint: &Endpoint) -> io::Result<Self> {
        let listener = match endpoint {
            Endpoint::Inet { host, port } => Self::Tcp(bind_tcp(host, *port, |_| true)?),
            Endpoint::Inet6 { host, port } => Self::Tcp(bind_tcp(host, *port, SocketAddr::is_ipv6)?),
            Endpoint::Unix { path } => {
                let (listener, path) = bind_unix(Path::new(path))?;
                Self::Unix(listener, path)
            }
            other => return Err(io::Error::other(format!("{other} is not supported"))),
        };
        match &listener {
            Self::Tcp(tcp) => tcp.set_nonblocking(true)?,
            Self::Unix(unix, _) => unix.set_nonblocking(true)?,
        }
        Ok(listener)
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(match self {
            Self::Tcp(tcp) => {
                let address = tcp.local_addr()?;
                Endpoint::Inet { host: address.ip().to_string(), port: address.port() }
            }
            Self::Unix(_, path) => Endpoint::Unix { path: path.path.display().to_string() },
        })
    }
}

fn bind_tcp(host: &str, port: u16, fits: impl Fn(&SocketAddr) -> bool) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.filter(fits).collect();
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "the host has no address of this family",
        ));
    }
    TcpListener::bind(&*addresses)
}

/// Binds a unix socket. One that nobody listens on any more is replaced; a live one, or a file that is no socket, never.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, OwnPath)> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path)? => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    let own = OwnPath { path: path.to_owned(), inode: std::fs::symlink_metadata(path)?.ino() };
    Ok((listener, own))
}

fn is_stale(path: &Path) -> io::Result<bool> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    Ok(matches!(UnixStream::connect(path), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused))
}

/// A socket's path, which is removed at the end if it is still ours.
#[derive(Debug)]
pub(crate) struct OwnPath {
    path: PathBuf,
    inode: u64,
}

impl Drop for OwnPath {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // The server ends in any case; what stays is replaced as stale at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
