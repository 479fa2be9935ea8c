//! Rejects the messages of some senders.

use std::process::ExitCode;

use clap::Parser;
use milter_examples::block_sender::{Sender, milter};
use milter_examples::cli::{AFTER_HELP, Common};
use milter_examples::run::run;
use milter_proto::SmtpReply;

/// Rejects messages by their envelope sender, at MAIL.
///
/// Addresses are compared without regard to case, before the @ as well. The null sender, that of bounces, is never
/// rejected.
#[derive(Debug, Parser)]
#[command(name = "block-sender", version, after_help = AFTER_HELP)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// Whom to reject: user@example.org, or @example.org for that domain without those below it. May be repeated
    #[arg(long = "sender", value_name = "ADDRESS|@DOMAIN", required = true)]
    senders: Vec<Sender>,

    /// What to say: a code of 4xx or 5xx, an enhanced code (may be left out), a text
    #[arg(long, value_name = "REPLY", default_value = "550 5.7.1 Sender blocked")]
    reply: SmtpReply,
}

fn main() -> ExitCode {
    let Options { common, senders, reply } = Options::parse();
    run(&common, milter(senders, reply))
}
