//! Replaces the body of each message.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser};
use milter_examples::change_body::milter;
use milter_examples::cli::{AFTER_HELP, Common};
use milter_examples::run::run_reloading;

/// Replaces the body of every message.
///
/// Headers stay as they are: a message that says it has several parts, or an encoding, still says so. Line ends may be
/// LF or CR LF.
#[derive(Debug, Parser)]
#[command(name = "change-body", version, after_help = AFTER_HELP)]
struct Options {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    replacement: Replacement,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Replacement {
    /// The new body
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,

    /// A file with the new body, which is read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
}

impl Replacement {
    fn read(&self) -> Result<Vec<u8>, String> {
        match &self.body_file {
            Some(file) => fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display())),
            None => Ok(self.body.clone().unwrap_or_default().into_bytes()),
        }
    }
}

fn main() -> ExitCode {
    let Options { common, replacement } = Options::parse();
    run_reloading(&common, move || replacement.read().map(milter))
}
