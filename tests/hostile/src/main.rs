//! Attacks a filter and prints what was measured.

use std::process::ExitCode;

fn main() -> ExitCode {
    milter_hostile::main()
}
