//! The installed Postfix and the directories it demands.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Group, User, geteuid};
use tempfile::TempDir;

use super::configuration;
use crate::directory::short_directory;

const INSTALL: &str = "run the tests by the script ./test at the root of the repository, which installs it";

/// Directories of the queue that belong to the mail owner alone.
const QUEUES: [&str; 11] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
    "trace",
];

/// The installed Postfix: its programs and its users.
#[derive(Debug)]
pub(super) struct Installation {
    pub(super) master: PathBuf,
    owner: u32,
    owner_group: u32,
    drop_group: u32,
}

impl Installation {
    /// Finds Postfix, and panics if there is none: skipping would report tests that never ran as good.
    #[track_caller]
    pub(super) fn find() -> Self {
        assert!(
            geteuid().is_root(),
            "the tests with Postfix must run as root: its master process changes to the users of the other \
             processes. Run ./test at the root of the repository as root (in a container), or with sudo at hand"
        );
        let master = Path::new(&default_of("daemon_directory")).join("master");
        assert!(master.is_file(), "Postfix has no {}: {INSTALL}", master.display());
        let owner_name = default_of("mail_owner");
        let drop_name = default_of("setgid_group");
        let owner = User::from_name(&owner_name).ok().flatten();
        let owner = owner.unwrap_or_else(|| panic!("Postfix has no user {owner_name}: {INSTALL}"));
        let group = Group::from_name(&drop_name).ok().flatten();
        let group = group.unwrap_or_else(|| panic!("Postfix has no group {drop_name}: {INSTALL}"));
        Self {
            master,
            owner: owner.uid.as_raw(),
            owner_group: owner.gid.as_raw(),
            drop_group: group.gid.as_raw(),
        }
    }

    /// Makes the directories of one instance, with the owners and modes that Postfix checks.
    pub(super) fn make_directories(&self) -> TempDir {
        let directory = short_directory("pf");
        let base = directory.path();
        make(&configuration::configuration_directory(base), (0, 0), 0o755);
        make(&configuration::data_directory(base), (self.owner, self.owner_group), 0o700);
        let queue = configuration::queue_directory(base);
        make(&queue, (0, 0), 0o755);
        make(&queue.join("pid"), (0, 0), 0o755);
        make(&queue.join("public"), (self.owner, self.drop_group), 0o2710);
        make(&queue.join("maildrop"), (self.owner, self.drop_group), 0o1730);
        for name in QUEUES {
            make(&queue.join(name), (self.owner, self.owner_group), 0o700);
        }
        directory
    }
}

fn make(path: &Path, owner: (u32, u32), mode: u32) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
    set_owner_and_mode(path, owner, mode);
}

fn set_owner_and_mode(path: &Path, (user, group): (u32, u32), mode: u32) {
    chown(path, Some(user), Some(group))
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .unwrap_or_else(|error| panic!("cannot set owner and mode of {}: {error}", path.display()));
}

/// The value a parameter of main.cf has in this build of Postfix (not: in the system's main.cf).
#[track_caller]
fn default_of(parameter: &str) -> String {
    // Not every PATH has /usr/sbin.
    let program =
        ["/usr/sbin/postconf", "/usr/local/sbin/postconf"].into_iter().find(|path| Path::new(path).exists());
    let output = Command::new(program.unwrap_or("postconf"))
        .args(["-dh", parameter])
        .output()
        .unwrap_or_else(|error| panic!("Postfix is not installed (postconf: {error}): {INSTALL}"));
    assert!(
        output.status.success(),
        "postconf -dh {parameter} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
