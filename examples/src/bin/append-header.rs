//! Adds a header with the address of the SMTP client.

use std::process::ExitCode;

use clap::Parser;
use milter_examples::append_header::{Name, milter};
use milter_examples::cli::{AFTER_HELP, Common};
use milter_examples::run::run;

/// Adds a header with the address of the SMTP client to every message.
///
/// The value is the IP address, `local` for a client on a unix socket, or `unknown` if the mail server does not know it.
#[derive(Debug, Parser)]
#[command(name = "append-header", version, after_help = AFTER_HELP)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// The name of the header
    #[arg(long, value_name = "NAME", env = "MILTER_HEADER_NAME", default_value = "X-Milter-Client-IP")]
    header_name: Name,
}

fn main() -> ExitCode {
    let options = Options::parse();
    run(&options.common, milter(options.header_name))
}
