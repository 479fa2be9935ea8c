//! Rejects the messages of some senders.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use milter_examples::block_sender::{FileError, Sender, milter, read_senders};
use milter_examples::cli::{AFTER_HELP, Common};
use milter_examples::run::run_reloading;
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
    #[arg(long = "sender", value_name = "ADDRESS|@DOMAIN", required_unless_present = "file")]
    senders: Vec<Sender>,

    /// A file with one sender a line, which is read again at SIGHUP. Empty lines and those that begin with # do not count
    #[arg(long = "sender-file", value_name = "FILE", env = "MILTER_SENDER_FILE")]
    file: Option<PathBuf>,

    /// What to say: a code of 4xx or 5xx, an enhanced code (may be left out), a text
    #[arg(long, value_name = "REPLY", default_value = "550 5.7.1 Sender blocked")]
    reply: SmtpReply,
}

fn main() -> ExitCode {
    let Options { common, senders, file, reply } = Options::parse();
    run_reloading(&common, move || {
        let mut all = senders.clone();
        if let Some(file) = &file {
            all.extend(read_senders(file)?);
        }
        Ok::<_, FileError>(milter(all, reply.clone()))
    })
}
