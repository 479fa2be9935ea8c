//! What does not fit must not compile, and rustc must say why at the line that is wrong.
//!
//! Each file in `cases` is a small program on milter-proto. Its first lines say what is expected:
//!
//! ```text
//! //@ points at: .on_rcpt(F::mail)     a line that the error is shown at
//! //@ says: is no hook for the stage   what the error says somewhere
//! //@ compiles                         no error at all
//! ```
//!
//! Only these phrases are compared, since the rest of a message changes with the compiler. All cases are checked by
//! one run of cargo, as the programs of a package that is made for it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[derive(Debug, Default)]
struct Expected {
    compiles: bool,
    points_at: Vec<String>,
    says: Vec<String>,
}

impl Expected {
    fn of(case: &Path) -> Self {
        let mut expected = Self::default();
        let source = fs::read_to_string(case).unwrap();
        for line in source.lines().map_while(|line| line.strip_prefix("//@ ")) {
            match line.split_once(": ") {
                Some(("points at", phrase)) => expected.points_at.push(phrase.to_owned()),
                Some(("says", phrase)) => expected.says.push(phrase.to_owned()),
                None if line == "compiles" => expected.compiles = true,
                _ => panic!("{}: what does this expect? {line}", case.display()),
            }
        }
        let fails = !expected.points_at.is_empty() && !expected.says.is_empty();
        assert_ne!(fails, expected.compiles, "{}: expects nothing, or too much", case.display());
        expected
    }
}

/// What rustc said of a case.
#[derive(Default)]
struct Said {
    rendered: String,
    /// The source lines that errors are shown at.
    lines: String,
}

#[test]
fn errors_say_what_is_wrong() {
    let cases = cases();
    assert!(cases.len() >= 30, "the cases were not found");
    let said = check(&cases);
    let mut wrong = String::new();
    for (name, case) in &cases {
        let expected = Expected::of(case);
        let nothing = Said::default();
        let said = said.get(name).unwrap_or(&nothing);
        let missing: Vec<_> = (expected.points_at.iter().filter(|line| !said.lines.contains(*line)))
            .chain(expected.says.iter().filter(|phrase| !said.rendered.contains(*phrase)))
            .collect();
        if expected.compiles != said.rendered.is_empty() || !missing.is_empty() {
            let _ = writeln!(wrong, "=== {name}: missing {missing:?} in:\n{}", said.rendered);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn cases() -> BTreeMap<String, PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_errors/cases");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), file)).collect()
}

/// Checks all cases, and gives the errors of those that have some.
fn check(cases: &BTreeMap<String, PathBuf>) -> BTreeMap<String, Said> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_errors");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::create_dir_all(package.join("src")).unwrap();
    fs::write(package.join("src/lib.rs"), include_str!("support.rs")).unwrap();
    fs::write(package.join("Cargo.toml"), manifest(cases, workspace)).unwrap();
    // The same dependencies as the workspace has: nothing is downloaded.
    fs::copy(workspace.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .unwrap();
    let mut said = BTreeMap::<String, Said>::new();
    let mut checked = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let is_case = line["target"]["kind"][0] == "bin";
        checked += usize::from(is_case && line["reason"] == "compiler-artifact");
        if is_case && line["reason"] == "compiler-message" && line["message"]["level"] == "error" {
            let said = said.entry(line["target"]["name"].as_str().unwrap().to_owned()).or_default();
            said.rendered += line["message"]["rendered"].as_str().unwrap();
            for span in line["message"]["spans"].as_array().unwrap() {
                for text in span["text"].as_array().unwrap() {
                    said.lines += text["text"].as_str().unwrap();
                    said.lines.push('\n');
                }
            }
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(checked + said.len(), cases.len(), "not every case was checked:\n{stderr}");
    said
}

fn manifest(cases: &BTreeMap<String, PathBuf>, workspace: &Path) -> String {
    let mut manifest = String::from(
        "[package]\nname = \"compile-errors\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n",
    );
    let _ = writeln!(manifest, "milter-proto.path = {:?}", workspace.join("milter-proto"));
    for (name, case) in cases {
        let _ = writeln!(manifest, "\n[[bin]]\nname = {name:?}\npath = {case:?}");
    }
    manifest
}
