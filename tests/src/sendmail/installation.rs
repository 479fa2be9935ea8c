//! The unpacked Sendmail.

use std::path::{Path, PathBuf};

use crate::build::target_directory;

const INSTALL: &str = "run the tests by the script ./test at the root of the repository, which puts it there (and m4 on the system)";

/// The programs that `./test` has put into the build directory. They are not installed: the package of Sendmail conflicts
/// with that of Postfix.
#[derive(Debug)]
pub(super) struct Installation {
    pub(super) program: PathBuf,
    /// The directory of the m4 files that make up a configuration.
    pub(super) templates: PathBuf,
    /// A library that stands in for name services: host name and hosts file.
    pub(super) nss_wrapper: PathBuf,
}

impl Installation {
    /// Finds Sendmail, and panics if there is none: skipping would report tests that never ran as good.
    #[track_caller]
    pub(super) fn find() -> Self {
        let root = target_directory().join("sendmail-root");
        Self {
            program: existing(&root, "sendmail"),
            templates: existing(&root, "cf"),
            nss_wrapper: existing(&root, "libnss_wrapper.so"),
        }
    }
}

#[track_caller]
fn existing(root: &Path, name: &str) -> PathBuf {
    let path = root.join(name);
    assert!(path.exists(), "the tests with Sendmail need {}: {INSTALL}", path.display());
    path
}

/// Why m4 does not run.
#[track_caller]
pub(super) fn no_m4(error: &std::io::Error) -> ! {
    panic!("the tests with Sendmail need m4 ({error}): {INSTALL}");
}
