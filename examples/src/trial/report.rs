//! What came out of a trial.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use milter_proto::{EnvelopeAddress, Message};
use serde::Serialize;
use serde::ser::Serializer;

use super::diff::Diff;
use super::modification::Made;
use crate::octets::Octets;

/// What a filter was asked, what it answered, and what becomes of the message.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What becomes of the message.
    pub verdict: Verdict,
    /// The message that the MTA was given.
    pub message: MessageBefore,
    /// What MTA and filter agreed on, if they did.
    pub negotiation: Option<Negotiation>,
    /// What the filter was asked and what it answered, in order.
    pub stages: Vec<Stage>,
    /// What the filter wants to be changed.
    pub modifications: Vec<Made>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Why the trial could not be ended, if it could not.
    pub failure: Option<Failure>,
    /// From the offer to the last answer.
    pub milliseconds: f64,
    /// The message as it came, for the recipients that were accepted.
    #[serde(skip)]
    pub before: Message,
    /// The message as it would be delivered: the same as before where it would not.
    #[serde(skip)]
    pub after: Message,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It is delivered, modified or not.
    Accepted,
    /// It is taken from the client, and held for an operator.
    Quarantined,
    /// It is taken from the client, and dropped.
    Discarded,
    /// It is refused for good.
    Rejected,
    /// It is refused for now.
    TemporaryFailure,
    /// The filter broke the protocol, is none, or did not answer.
    Failed,
}

impl Verdict {
    /// The exit status of a program that tried a filter.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Accepted | Self::Quarantined | Self::Discarded => 0,
            Self::Rejected => 3,
            Self::TemporaryFailure => 4,
            Self::Failed => 5,
        })
    }

    /// What people call it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Quarantined => "accepted, and put on hold",
            Self::Discarded => "accepted, and discarded",
            Self::Rejected => "rejected",
            Self::TemporaryFailure => "temporary failure",
            Self::Failed => "failed",
        }
    }
}

/// A message before a filter saw it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MessageBefore {
    /// As a mail parser reads it.
    pub subject: Option<String>,
    /// Without the blank line.
    pub headers: usize,
    /// Octets of the body.
    pub body_octets: usize,
}

/// What an MTA offered, and what the filter made of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Negotiation {
    /// What the MTA could do.
    pub offered: Flags,
    /// What both go by.
    pub agreed: Flags,
    /// The commands that the filter hears, by their stages' names.
    pub hears: Vec<&'static str>,
    /// Those of them that it does not answer.
    pub without_reply: Vec<&'static str>,
    /// The macros that it asked for, by stage, without braces.
    pub macros: BTreeMap<&'static str, Vec<String>>,
}

/// The words of a negotiation, flags by their names.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Flags {
    /// The version of the protocol.
    pub version: u32,
    /// How messages may be modified.
    pub actions: Vec<String>,
    /// Which commands are sent, which are answered, and how.
    pub protocol: Vec<String>,
}

/// One command, or several of the same kind with the same answer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Stage {
    /// Its name: `connect`, `helo`, `mail`, `rcpt`, `data`, `header`, `end_of_headers`, `body`, `end_of_message`.
    pub stage: &'static str,
    /// How many commands.
    pub count: usize,
    /// What they were about.
    pub asked: String,
    /// What the filter said.
    pub answer: Answer,
    /// Its reply for the SMTP client, if it gave one.
    pub reply: Option<String>,
    /// What the SMTP client hears, if it hears something then.
    pub client_hears: Option<String>,
    /// How long it took.
    pub milliseconds: f64,
    #[serde(skip)]
    pub(super) octets: usize,
}

/// What a filter said to a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums)] // protocol 6 is complete
#[allow(missing_docs)] // each is documented at `milter_proto::Response`
pub enum Answer {
    /// The command was not sent: the filter did not want it, or had decided.
    LeftOut,
    /// No reply was negotiated.
    NoReply,
    Continue,
    Skip,
    Accept,
    Discard,
    Reject,
    TemporaryFailure,
    Reply,
}

impl Answer {
    /// What people call it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::LeftOut => "(not asked)",
            Self::NoReply => "(no reply)",
            Self::Continue => "continue",
            Self::Skip => "skip the rest",
            Self::Accept => "accept",
            Self::Discard => "discard",
            Self::Reject => "reject",
            Self::TemporaryFailure => "temporary failure",
            Self::Reply => "reply",
        }
    }
}

/// Why a trial ended before its time.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// The stage, or `connection` or `negotiation`.
    pub stage: &'static str,
    /// What happened.
    pub error: String,
}

/// A message after a filter saw it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct MessageAfter<'a> {
    /// The envelope sender, with its arguments.
    #[serde(serialize_with = "address")]
    pub sender: &'a EnvelopeAddress,
    /// The envelope recipients, with their arguments.
    #[serde(serialize_with = "addresses")]
    pub recipients: &'a [EnvelopeAddress],
    /// Why it is on hold, if it is.
    pub quarantined: Option<Octets<'a>>,
    /// The message, octet by octet.
    #[serde(serialize_with = "octets")]
    pub message: Vec<u8>,
}

impl<'a> From<&'a Message> for MessageAfter<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            sender: message.sender(),
            recipients: message.recipients(),
            quarantined: message.quarantined().map(Octets),
            message: message.to_bytes(),
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Only of a message that is delivered or held.
    result: Option<MessageAfter<'a>>,
    diff: String,
}

impl Report {
    /// How the message changes.
    pub fn diff(&self) -> Diff {
        Diff::between(&self.before, &self.after)
    }

    /// One JSON object, on one line.
    pub fn to_json(&self) -> Result<String, io::Error> {
        let is_kept = matches!(self.verdict, Verdict::Accepted | Verdict::Quarantined);
        let result = is_kept.then(|| MessageAfter::from(&self.after));
        Ok(serde_json::to_string(&Whole { report: self, result, diff: self.diff().to_string() })?)
    }
}

impl Report {
    /// Appends a stage; headers and chunks of a body with the same answer are one.
    pub(super) fn take_down(&mut self, stage: Stage) {
        if let Some(last) = self.stages.last_mut() {
            let repeats = matches!(stage.stage, "header" | "body") && stage.reply.is_none();
            if repeats && (last.stage, last.answer) == (stage.stage, stage.answer) {
                last.count += stage.count;
                last.octets += stage.octets;
                last.milliseconds += stage.milliseconds;
                return;
            }
        }
        self.stages.push(stage);
    }

    /// Says of headers and chunks how many there were.
    pub(super) fn count(&mut self) {
        let number = |count, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        for stage in &mut self.stages {
            match stage.stage {
                "header" => stage.asked = number(stage.count, "header"),
                "body" => {
                    stage.asked =
                        format!("{}, {}", number(stage.octets, "octet"), number(stage.count, "chunk"));
                }
                _ => {}
            }
        }
    }
}

/// An envelope address with its arguments behind it.
pub(super) fn with_arguments(address: &EnvelopeAddress) -> Vec<u8> {
    match address.arguments() {
        Some(arguments) => [address.address(), b" ", arguments].concat(),
        None => address.address().to_vec(),
    }
}

fn address<S: Serializer>(address: &EnvelopeAddress, serializer: S) -> Result<S::Ok, S::Error> {
    Octets(&with_arguments(address)).serialize(serializer)
}

fn addresses<S: Serializer>(addresses: &[EnvelopeAddress], serializer: S) -> Result<S::Ok, S::Error> {
    let addresses: Vec<Vec<u8>> = addresses.iter().map(with_arguments).collect();
    serializer.collect_seq(addresses.iter().map(|address| Octets(address)))
}

fn octets<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    Octets(octets).serialize(serializer)
}
