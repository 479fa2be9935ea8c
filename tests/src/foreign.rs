//! Programs that nobody here wrote: installed by `./test` as packages, or privately below the target directory.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::build::target_directory;

/// What `./test` installs into the virtual environment of Python.
const REQUIREMENTS: &str = include_str!("../interop/requirements.txt");

/// What was compiled in this process; held by who compiles.
static COMPILED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The path of a program that `./test` installs.
///
/// # Panics
///
/// If it is not installed.
#[track_caller]
pub fn foreign(name: &str) -> PathBuf {
    let private = ["opendkim", "haproxy"]
        .map(|package| target_directory().join("interop").join(package).join("usr/sbin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).chain(private);
    let mut places = directories.map(|directory| directory.join(name));
    places
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run ./test, which installs it"))
}

/// The Python that has purepythonmilter and dkimpy.
///
/// # Panics
///
/// If `./test` did not install them, or others.
#[track_caller]
pub fn python() -> PathBuf {
    let environment = target_directory().join("interop/venv");
    let installed = std::fs::read_to_string(environment.join("requirements.txt")).unwrap_or_default();
    assert!(
        installed == REQUIREMENTS,
        "no virtual environment with what tests/interop/requirements.txt lists: run ./test, which makes it"
    );
    environment.join("bin/python")
}

/// Compiles `tests/interop/{name}.c` with libmilter, and gives the path of the program.
///
/// # Panics
///
/// If it does not compile, as when libmilter is not installed.
#[track_caller]
pub fn libmilter_program(name: &str) -> PathBuf {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = target_directory().join("interop");
    let program = directory.join(name);
    if compiled.contains(&program) {
        return program;
    }
    std::fs::create_dir_all(&directory)
        .unwrap_or_else(|error| panic!("cannot make {}: {error}", directory.display()));
    // Another test process may do the same: the last one moved into place is as good.
    let unfinished = directory.join(format!("{name}.{}", std::process::id()));
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("interop").join(name).with_extension("c");
    let output = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-o"])
        .args([&unfinished, &source])
        .args(["-lmilter", "-lpthread"])
        .output()
        .unwrap_or_else(|error| panic!("no C compiler (run ./test, which installs it): {error}"));
    assert!(
        output.status.success(),
        "cc cannot compile {} (run ./test, which installs libmilter):\n{}",
        source.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::rename(&unfinished, &program)
        .unwrap_or_else(|error| panic!("cannot move {} into place: {error}", unfinished.display()));
    compiled.push(program.clone());
    program
}
