//! Servers over sockets, on each runtime: see ../README.md.

use clap::Parser;
use milter_bench::Servers;
use std::io::stdout;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Servers::parse().run(Path::new(env!("CARGO_BIN_EXE_bench-filter")), &mut stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}
