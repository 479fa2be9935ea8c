//! Directories of mail servers and sockets.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

/// A new directory that every user may pass through and only this one may write to.
///
/// It is directly under `/tmp`, wherever `TMPDIR` points to, because unix socket paths are limited to 108 bytes.
#[track_caller]
pub(crate) fn short_directory(prefix: &str) -> TempDir {
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in("/tmp")
        .unwrap_or_else(|error| panic!("cannot make a directory in /tmp: {error}"));
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755))
        .unwrap_or_else(|error| panic!("cannot open {} to everybody: {error}", directory.path().display()));
    directory
}

/// The names of all files in a directory.
#[track_caller]
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", directory.display()));
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
