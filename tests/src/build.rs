//! Finds the programs of this workspace that a test starts.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

static BUILT: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// The path of the program `name` of the package `milter-examples`, built from the present sources.
///
/// Cargo builds the programs of another package only when that package is tested too, and a program left from an
/// earlier build would be tested in place of the present one. So cargo is asked once per program and test process;
/// when nothing changed this takes a moment. The program comes from the target directory and profile of the running
/// test.
///
/// # Panics
///
/// If the program does not build.
#[track_caller]
pub fn runnable(name: &str) -> PathBuf {
    let place = Place::of_this_test();
    let path = place.profile_directory.join(name);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.get_or_insert_default().insert(name.to_owned()) {
        place.build(name);
    }
    assert!(path.is_file(), "cargo built {name}, but {} is not there", path.display());
    path
}

/// The target directory that the running test was built into.
pub(crate) fn target_directory() -> PathBuf {
    Place::of_this_test().target_directory
}

/// Where cargo put the running test.
#[derive(Debug)]
struct Place {
    profile_directory: PathBuf,
    target_directory: PathBuf,
    /// Set if the tests were built by `cargo test --target`.
    triple: Option<String>,
}

impl Place {
    fn of_this_test() -> Self {
        let test =
            env::current_exe().unwrap_or_else(|error| panic!("the test cannot tell its own path: {error}"));
        // <target>[/<triple>]/<profile>/deps/<test>
        let profile_directory = ancestor(&test, 2);
        let above = ancestor(&profile_directory, 1);
        // Only the root of a target directory has this file.
        if above.join(".rustc_info.json").is_file() {
            return Self { profile_directory, target_directory: above, triple: None };
        }
        let triple = above.file_name().map(|name| name.to_string_lossy().into_owned());
        Self { profile_directory, target_directory: ancestor(&above, 1), triple }
    }

    fn profile(&self) -> String {
        match self.profile_directory.file_name().map(|name| name.to_string_lossy()) {
            Some(name) if name == "debug" => "dev".to_owned(),
            Some(name) => name.into_owned(),
            None => panic!("no profile in {}", self.profile_directory.display()),
        }
    }

    #[track_caller]
    fn build(&self, name: &str) {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo.args(["build", "--quiet", "--package", "milter-examples", "--bin", name]);
        cargo.args(["--profile", &self.profile(), "--target-dir"]).arg(&self.target_directory);
        if let Some(triple) = &self.triple {
            cargo.args(["--target", triple]);
        }
        let output = cargo.output().unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
        assert!(output.status.success(), "{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn ancestor(path: &Path, levels: usize) -> PathBuf {
    path.ancestors()
        .nth(levels)
        .unwrap_or_else(|| panic!("{} is not in a target directory", path.display()))
        .to_path_buf()
}
