//! The options of `milter-probe`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use milter_proto::{Actions, Endpoint, EnvelopeAddress, MtaRules, Protocol, Version};
use milter_tokio::Timeouts;

use crate::cli::{self, Output};
use crate::trial::{Plan, SmtpClient, envelope_address, helo_name};

/// What is asked, where, and how.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Options {
    /// The message (- reads it from standard input)
    #[arg(value_name = "FILE", required_unless_present = "replay")]
    message: Option<PathBuf>,

    /// Where the filter listens: inet:HOST:PORT, inet6:[ADDRESS]:PORT or unix:/PATH
    #[arg(long, value_name = "SPEC")]
    connect: Endpoint,

    /// The envelope sender, with its ESMTP arguments if it has some: "<a@example.org> SIZE=1000" [default: that of From]
    #[arg(long, value_name = "ADDRESS", value_parser = envelope_address)]
    from: Option<EnvelopeAddress>,

    /// An envelope recipient, likewise. May be repeated [default: those of To]
    #[arg(long, value_name = "ADDRESS", value_parser = envelope_address)]
    to: Vec<EnvelopeAddress>,

    /// What the SMTP client calls itself in HELO [default: its name]
    #[arg(long, value_name = "NAME", value_parser = helo_name)]
    helo: Option<String>,

    /// The SMTP client's address, and its name if it has one [default: 192.0.2.1:client.example.org]
    #[arg(long, value_name = "ADDRESS[:NAME]")]
    client: Option<SmtpClient>,

    /// A macro, such as auth_authen=alice: instead of what would be sent. May be repeated
    #[arg(long = "macro", value_name = "NAME=VALUE", value_parser = macro_definition)]
    macros: Vec<(String, String)>,

    /// Whose rules decide what becomes of modifications; those of Sendmail also refuse protocol steps not offered
    #[arg(long, value_name = "MTA", default_value = "postfix")]
    rules: Rules,

    /// How long the filter may take for each answer [default: as Postfix, 30 s, and 300 s for the end of the message]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,

    /// Ask so many times, each time on a new connection, and print how long it took
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// On so many connections at a time
    #[arg(long, value_name = "C", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// Write what passed over the wire into a file, as text
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["repeat", "replay"])]
    record: Option<PathBuf>,

    /// Send what the mail server sent in a recorded session, and compare what the filter answers
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["message", "repeat"])]
    replay: Option<PathBuf>,

    /// Offer this version of the protocol, with the protocol steps that Postfix offers then
    #[arg(long, value_name = "N", default_value = "6", value_parser = clap::value_parser!(u32))]
    offer_version: u32,

    /// Offer these protocol steps, in hex
    #[arg(long, value_name = "HEX", value_parser = hex)]
    offer_protocol: Option<u32>,

    /// Offer these actions, in hex
    #[arg(long, value_name = "HEX", value_parser = hex)]
    offer_actions: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rules {
    Postfix,
    Sendmail,
}

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) offer: milter_proto::Options,
    pub(super) timeouts: Timeouts,
}

impl Options {
    pub(super) fn message(&self) -> &Path {
        self.message.as_deref().unwrap_or_else(|| Path::new("-"))
    }

    /// Whom to ask, and how.
    pub(super) fn target(&self) -> Target {
        Target { endpoint: self.connect.clone(), offer: self.offer(), timeouts: self.timeouts() }
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.connect
    }

    pub(super) const fn output(&self) -> Output {
        self.output
    }

    pub(super) fn record(&self) -> Option<&Path> {
        self.record.as_deref()
    }

    pub(super) fn replay(&self) -> Option<&Path> {
        self.replay.as_deref()
    }

    pub(super) const fn is_load(&self) -> bool {
        self.repeat > 1
    }

    pub(super) const fn repeat(&self) -> u32 {
        self.repeat
    }

    pub(super) fn concurrency(&self) -> u32 {
        u32::from(self.concurrency).min(self.repeat)
    }

    pub(super) fn plan(&self, message: Vec<u8>) -> Plan {
        let Self { from, to, client, helo, macros, .. } = self;
        let rules = match self.rules {
            Rules::Postfix => MtaRules::Postfix,
            Rules::Sendmail => MtaRules::Sendmail,
        };
        cli::plan(message, from.as_ref(), to, client.as_ref(), helo.as_deref())
            .macros(macros.iter().cloned())
            .rules(rules)
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::default();
        if let Some(limit) = self.timeout {
            (timeouts.connect, timeouts.command, timeouts.message) = (limit, limit, limit);
        }
        timeouts
    }

    /// What Postfix offers when it is told to speak that version, unless something else is said.
    fn offer(&self) -> milter_proto::Options {
        let protocol = match self.offer_version {
            0..=2 => 0x7f,
            3 => 0x17f,
            4 | 5 => 0x37f,
            _ => Protocol::all_known().bits(),
        };
        milter_proto::Options {
            version: Version(self.offer_version),
            actions: self.offer_actions.map_or_else(Actions::all_known, Actions::from_bits_retain),
            protocol: Protocol::from_bits_retain(self.offer_protocol.unwrap_or(protocol)),
        }
    }
}

fn macro_definition(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        _ if text.contains(char::is_control) => Err("expected no control characters"),
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected seconds, more than 0 and at most a day"),
    }
}

fn hex(text: &str) -> Result<u32, &'static str> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex = digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    match u32::from_str_radix(digits, 16) {
        Ok(word) if is_hex => Ok(word),
        _ => Err("expected up to eight hex digits"),
    }
}
