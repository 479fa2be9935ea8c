//! Sockets that a service manager has bound: systemd's socket activation.

use super::{Listener, StdListener};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use socket2::{Domain, Socket};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What the process inherited and has not used yet. Asked for once: each descriptor has one owner.
static INHERITED: OnceLock<Mutex<Vec<(String, OwnedFd)>>> = OnceLock::new();

/// Takes all sockets of this name.
pub(super) fn take(name: &str) -> io::Result<Vec<Listener>> {
    let inherited = INHERITED.get_or_init(|| Mutex::new(inherited()));
    let mut inherited = inherited.lock().unwrap_or_else(PoisonError::into_inner);
    let named = |(_, (found, _)): &(usize, &(String, OwnedFd))| found == name;
    let mut listeners = Vec::new();
    while let Some((index, _)) = inherited.iter().enumerate().find(named) {
        listeners.push(listener(inherited.remove(index).1)?);
    }
    if listeners.is_empty() {
        let names: Vec<&str> = inherited.iter().map(|(name, _)| name.as_str()).collect();
        let text = format!("no such socket was inherited (LISTEN_FDNAMES); there are {names:?}");
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(listeners)
}

fn inherited() -> Vec<(String, OwnedFd)> {
    // Malformed variables are somebody else's: then nothing is inherited, and `take` says so.
    let descriptors = sd_listen_fds::get().unwrap_or_default();
    descriptors
        .into_iter()
        .map(|(name, descriptor)| (name.unwrap_or_default(), descriptor.into_std()))
        .collect()
}

fn listener(descriptor: OwnedFd) -> io::Result<Listener> {
    // It was inherited once; what we start gets its own.
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    let socket = Socket::from(descriptor);
    let domain = socket.local_addr()?.domain();
    if !socket.is_listener()? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the inherited socket does not listen"));
    }
    Listener::bound(match domain {
        Domain::UNIX => StdListener::Unix(socket.into()),
        _ => StdListener::Tcp(socket.into()),
    })
}
