//! The options by which a program tries its filter on a message instead of serving it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use milter_proto::EnvelopeAddress;

use crate::trial::{InputError, Plan, SmtpClient, envelope_address, helo_name, read};

/// `--try` and what belongs to it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trial")]
#[non_exhaustive]
pub struct Trial {
    /// Try the filter on this message (- reads it from standard input) instead of serving it: no socket is opened, and
    /// what the mail server would have said and done is printed
    #[arg(long = "try", value_name = "FILE")]
    message: Option<PathBuf>,

    /// The envelope sender, with its ESMTP arguments if it has some: "<a@example.org> SIZE=1000" [default: that of From]
    #[arg(long = "try-from", value_name = "ADDRESS", requires = "message", value_parser = envelope_address)]
    from: Option<EnvelopeAddress>,

    /// An envelope recipient, likewise. May be repeated [default: those of To]
    #[arg(long = "try-to", value_name = "ADDRESS", requires = "message", value_parser = envelope_address)]
    to: Vec<EnvelopeAddress>,

    /// The SMTP client's address, and its name if it has one [default: 192.0.2.1:client.example.org]
    #[arg(long = "try-client", value_name = "ADDRESS[:NAME]", requires = "message")]
    client: Option<SmtpClient>,

    /// What the SMTP client calls itself in HELO [default: its name]
    #[arg(long = "try-helo", value_name = "NAME", requires = "message", value_parser = helo_name)]
    helo: Option<String>,

    /// How to print the result
    #[arg(long = "try-output", value_name = "FORMAT", requires = "message", default_value = "text")]
    output: Output,
}

/// How the result of a trial is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[non_exhaustive]
pub enum Output {
    /// For people
    Text,
    /// One JSON object, on one line
    Json,
}

impl Trial {
    /// What is to be tried, if something is.
    pub fn plan(&self) -> Option<Result<Plan, InputError>> {
        let message = self.message.as_deref()?;
        Some(read(message).map(|message| {
            let Self { from, to, client, helo, .. } = self;
            plan(message, from.as_ref(), to, client.as_ref(), helo.as_deref())
        }))
    }

    /// How the result is printed.
    pub const fn output(&self) -> Output {
        self.output
    }
}

/// A plan with what the options say otherwise.
pub fn plan(
    message: Vec<u8>,
    from: Option<&EnvelopeAddress>,
    to: &[EnvelopeAddress],
    client: Option<&SmtpClient>,
    helo: Option<&str>,
) -> Plan {
    let mut plan = Plan::new(message).to(to.to_vec());
    if let Some(sender) = from {
        plan = plan.from(sender.clone());
    }
    if let Some(client) = client {
        plan = plan.client(client.clone());
    }
    if let Some(helo) = helo {
        plan = plan.helo(helo.to_owned());
    }
    plan
}
