//! Unix sockets: who may connect, what stood at the path before, and who removes it.

use super::lock::Lock;
use super::{Listener, StdListener};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Group, Uid, User};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Connections that may wait to be accepted: more than MTAs open at once, and few enough that an MTA behind as many others
/// is served soon.
const BACKLOG: i32 = 512;

/// Who may connect to a unix socket: whoever may write to its file, by default its owner and group.
///
/// Postfix connects as user `postfix`: give the socket that group, or a group that `postfix` is in. Sendmail connects as
/// root, and refuses a socket that others can write to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SocketAccess {
    /// The permission bits: `0o660`, whatever the umask.
    pub mode: u32,
    /// The owner, by name or number; the user of the process unless set. Only root may give a socket away.
    pub owner: Option<String>,
    /// The group, by name or number; that of the process unless set. A user may choose among its own groups.
    pub group: Option<String>,
}

impl Default for SocketAccess {
    fn default() -> Self {
        Self { mode: 0o660, owner: None, group: None }
    }
}

/// Binds a unix socket. One that nobody listens on any more is replaced; a live one, or a file that is no socket, never.
pub(super) fn bind(path: &Path, access: &SocketAccess) -> io::Result<Listener> {
    let owner = access.owner.as_deref().map(named_user).transpose()?;
    let group = access.group.as_deref().map(named_group).transpose()?;
    let lock = Lock::take(path)?;
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Linux gives the file the mode of the socket, less the umask: there is no moment in which others may connect.
    // Elsewhere that is an error, or does nothing.
    let _ = fchmod(&socket, mode_bits(access.mode));
    socket.bind(&SockAddr::unix(path)?)?;
    let own = OwnPath { path: path.to_owned(), inode: fs::symlink_metadata(path)?.ino(), _lock: lock };
    if owner.is_some() || group.is_some() {
        lchown(path, owner.map(Uid::as_raw), group.map(Gid::as_raw))?;
    }
    let found = fs::symlink_metadata(path)?;
    if found.file_type().is_socket() && found.mode() & 0o7777 != access.mode {
        fs::set_permissions(path, Permissions::from_mode(access.mode))?;
    }
    socket.listen(BACKLOG)?;
    let listener = Listener::bound(StdListener::Unix(UnixListener::from(socket)))?;
    Ok(Listener { path: Some(own), ..listener })
}

fn mode_bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as nix::libc::mode_t)
}

/// Removes a socket that nobody listens on.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file exists, and is no socket"))
        }
        Ok(_) if is_stale(path)? => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on it")),
    }
}

fn is_stale(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A live one whose queue is full would have us wait.
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(matches!(connected, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused))
}

fn named_user(text: &str) -> io::Result<Uid> {
    let named = || User::from_name(text).map(|found| found.map(|user| user.uid));
    let number = text.parse().ok().map(Uid::from_raw);
    number.map_or_else(named, |number| Ok(Some(number)))?.ok_or_else(|| unknown("user", text))
}

fn named_group(text: &str) -> io::Result<Gid> {
    let named = || Group::from_name(text).map(|found| found.map(|group| group.gid));
    let number = text.parse().ok().map(Gid::from_raw);
    number.map_or_else(named, |number| Ok(Some(number)))?.ok_or_else(|| unknown("group", text))
}

fn unknown(what: &str, name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no {what} {name:?}"))
}

/// A socket's path, which is removed at the end if it is still ours.
#[derive(Debug)]
pub(crate) struct OwnPath {
    path: PathBuf,
    inode: u64,
    /// Released after the path is gone.
    _lock: Lock,
}

impl Drop for OwnPath {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // The server ends in any case; what stays is replaced as stale at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
