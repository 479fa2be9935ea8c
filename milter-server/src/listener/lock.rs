//! Of several instances that want the same path, one wins.

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A lock on a path, held through the file `PATH.lock` beside it. The system releases it when the process ends in
/// whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: Flock<File>,
}

impl Lock {
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let mut name = OsString::from(path);
        name.push(".lock");
        let path = PathBuf::from(name);
        let about = |error: io::Error| {
            io::Error::new(error.kind(), format!("its lock file {}: {error}", path.display()))
        };
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
            let file = options.open(&path).map_err(about)?;
            let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((_, Errno::EWOULDBLOCK)) => {
                    let text = "another process listens on it, or is about to";
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
                }
                Err((_, error)) => return Err(about(error.into())),
            };
            // The last holder removed the file when it ended, perhaps after we had opened it.
            let (ours, there) = (file.metadata()?, fs::symlink_metadata(&path));
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held: whoever opens it from now on makes a new one. What stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}
