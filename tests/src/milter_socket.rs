//! A unix socket path that a milter of the test and a mail server can both use.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::directory::short_directory;
use crate::poll::poll;

/// A path for a milter's unix socket, in a directory of its own.
///
/// Who connects to the socket is Postfix's `smtpd`, which runs as user `postfix`, whereas the tests run as root.
/// For `connect()` that user needs search permission on every directory above (given here: the directory has mode
/// 0755 and `/tmp` lets everybody pass) *and write permission on the socket itself*. A socket bound under the usual
/// umask 022 has mode 0755, so Postfix gets "Permission denied": the milter has to set the mode itself, or the test
/// calls [`allow_everybody`](Self::allow_everybody) once the milter listens. Sendmail connects as root, so it needs none of
/// that.
#[derive(Debug)]
pub struct MilterSocket {
    directory: TempDir,
}

impl MilterSocket {
    /// Makes the directory; the socket itself is left to the milter.
    pub fn new() -> Self {
        Self { directory: short_directory("ms") }
    }

    /// The path to bind.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("milter")
    }

    /// The socket as Postfix writes it: `unix:/path`.
    pub fn spec(&self) -> String {
        format!("unix:{}", self.path().display())
    }

    /// Waits until a milter has bound the path, then lets every user connect.
    ///
    /// # Panics
    ///
    /// If there is no socket after `timeout`.
    #[track_caller]
    pub fn allow_everybody(&self, timeout: Duration) {
        let path = self.path();
        let found = poll(timeout, || is_socket(&path).then_some(()));
        assert!(found.is_some(), "no milter has bound {} within {timeout:?}", path.display());
        fs::set_permissions(&path, Permissions::from_mode(0o666))
            .unwrap_or_else(|error| panic!("cannot change the mode of {}: {error}", path.display()));
    }
}

impl Default for MilterSocket {
    fn default() -> Self {
        Self::new()
    }
}

fn is_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}
