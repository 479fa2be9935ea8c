//! The dialogue with a filter: what an MTA sends for a plan, and what it makes of the answers.

use std::time::Instant;

use milter_proto::{
    ArgumentsBuf, BodyChunk, BodyVerdict, Command, CommandKind, Data, EndOfHeaders, EnvelopeAddress, Header,
    Heard, Helo, Mail, Message, Modification, Options, Protocol, Rcpt, Text,
};
use milter_tokio::{Client, ClientAnswer, ClientError};
use tokio::io::{AsyncRead, AsyncWrite};

use super::macros::{self, Place};
use super::modification::Made;
use super::plan::Plan;
use super::report::{Answer, Report, Stage, Verdict, with_arguments};
use super::words;

/// Whether the MTA goes on with its client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    GoesOn,
    IsOver,
}

/// A dialogue in progress.
pub(super) struct Exchange<'a, S> {
    plan: &'a Plan,
    client: Client<S>,
    report: &'a mut Report,
    accepted: Vec<EnvelopeAddress>,
    /// For the error that names it.
    command: CommandKind,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Exchange<'a, S> {
    pub(super) const fn new(plan: &'a Plan, client: Client<S>, report: &'a mut Report) -> Self {
        Self { plan, client, report, accepted: Vec::new(), command: CommandKind::Connect }
    }

    /// The command that was asked about last.
    pub(super) const fn command(&self) -> CommandKind {
        self.command
    }

    /// From CONNECT to the verdict.
    pub(super) async fn run(&mut self, offer: Options) -> Result<(), ClientError> {
        let Some(agreement) = self.client.mta().agreement().copied() else { return Ok(()) };
        self.report.negotiation = Some(words::negotiation(offer, &agreement, self.client.mta()));
        if self.envelope().await? == Flow::IsOver {
            return Ok(());
        }
        let leading_space = agreement.options().protocol.contains(Protocol::LEADING_SPACE);
        self.report.before = self.plan.held(&self.accepted, leading_space);
        self.report.after = self.report.before.clone();
        if self.content(leading_space).await? == Flow::GoesOn {
            self.end_of_message().await?;
        }
        Ok(())
    }

    async fn envelope(&mut self) -> Result<Flow, ClientError> {
        let plan = self.plan;
        let (client, helo) = (&plan.client, plan.helo_name());
        if let Ok(connect) = client.connect() {
            let asked = match client.name() {
                name if name.starts_with('[') => name.to_owned(),
                name => format!("{name} [{}]", client.address()),
            };
            if self.ask(&Command::Connect(connect), asked).await? == Flow::IsOver {
                return Ok(Flow::IsOver);
            }
        }
        if let Some(command) = Text::try_from(helo).ok().and_then(|name| Helo::new(name).ok()) {
            if self.ask(&Command::Helo(command), helo.to_owned()).await? == Flow::IsOver {
                return Ok(Flow::IsOver);
            }
        }
        let arguments = arguments(&plan.sender);
        if let Ok(mail) = Mail::new(text(plan.sender.address()), arguments.view()) {
            if self.ask(&Command::Mail(mail), shown(&plan.sender)).await? == Flow::IsOver {
                return Ok(Flow::IsOver);
            }
        }
        let (mut refused, mut count) = (None, 0);
        for recipient in &plan.recipients {
            let arguments = self::arguments(recipient);
            let Ok(rcpt) = Rcpt::new(text(recipient.address()), arguments.view()) else { continue };
            self.ask_about(&Command::Rcpt(rcpt), shown(recipient), Some(recipient)).await?;
            if self.report.stages.last().is_some_and(|stage| ends_session(stage.reply.as_deref())) {
                return Ok(Flow::IsOver);
            }
            match self.report.verdict {
                // One that is refused for now is tried again.
                verdict @ (Verdict::Rejected | Verdict::TemporaryFailure) => {
                    refused = refused.filter(|was| *was == Verdict::TemporaryFailure).or(Some(verdict));
                    self.report.verdict = Verdict::Accepted;
                    count += 1;
                }
                _ => self.accepted.push(recipient.clone()),
            }
        }
        match refused {
            Some(verdict) if self.accepted.is_empty() => {
                self.report.verdict = verdict;
                self.report.notes.push("no recipient is left".to_owned());
                Ok(Flow::IsOver)
            }
            Some(_) => {
                let all = self.plan.recipients.len();
                self.report.notes.push(format!("{count} of {all} recipients are refused"));
                self.ask(&Command::Data(Data), String::new()).await
            }
            _ => self.ask(&Command::Data(Data), String::new()).await,
        }
    }

    async fn content(&mut self, leading_space: bool) -> Result<Flow, ClientError> {
        let message = self.report.before.clone();
        for header in message.headers() {
            let value = header.value(leading_space);
            let sendable = Text::new(&value)
                .map_err(|error| error.to_string())
                .and_then(|value| Header::new(text(header.name()), value).map_err(|error| error.to_string()));
            let flow = match sendable {
                Ok(header) => self.ask(&Command::Header(header), String::new()).await?,
                Err(error) => {
                    let name = String::from_utf8_lossy(header.name());
                    self.report.notes.push(format!("the filter is not shown the header {name}: {error}"));
                    Flow::GoesOn
                }
            };
            if flow == Flow::IsOver {
                return Ok(flow);
            }
        }
        let flow = self.ask(&Command::EndOfHeaders(EndOfHeaders), String::new()).await?;
        if flow == Flow::IsOver {
            return Ok(flow);
        }
        for chunk in BodyChunk::split(message.body()) {
            if self.ask(&Command::Body(chunk), String::new()).await? == Flow::IsOver {
                return Ok(Flow::IsOver);
            }
        }
        Ok(Flow::GoesOn)
    }

    async fn end_of_message(&mut self) -> Result<(), ClientError> {
        self.ask(&Command::EndOfMessage(None), String::new()).await?;
        match self.report.verdict {
            Verdict::Accepted if self.report.after.is_refused() => {
                let refused = "451 4.7.1 Service unavailable - try again later";
                self.report.notes.push("the pieces of the new body do not follow one another".to_owned());
                self.report.verdict = Verdict::TemporaryFailure;
                if let Some(stage) = self.report.stages.last_mut() {
                    stage.client_hears = Some(refused.to_owned());
                }
            }
            Verdict::Accepted if self.report.after.quarantined().is_some() => {
                self.report.verdict = Verdict::Quarantined;
            }
            Verdict::Accepted => return Ok(()),
            _ => {}
        }
        if self.report.verdict != Verdict::Quarantined {
            self.report.after = self.report.before.clone();
        }
        Ok(())
    }

    async fn ask(&mut self, command: &Command<'_>, asked: String) -> Result<Flow, ClientError> {
        self.ask_about(command, asked, None).await
    }

    /// Sends macros and a command, awaits the answer if one is due, and takes both down.
    async fn ask_about(
        &mut self,
        command: &Command<'_>,
        asked: String,
        recipient: Option<&EnvelopeAddress>,
    ) -> Result<Flow, ClientError> {
        let kind = command.kind();
        self.command = kind;
        let begun = Instant::now();
        let is_left_out = self.client.mta().leaves_out(kind);
        let is_content = matches!(
            kind,
            CommandKind::Header | CommandKind::EndOfHeaders | CommandKind::Body | CommandKind::EndOfMessage
        );
        if !(is_left_out && is_content) {
            let has_sender = !matches!(kind, CommandKind::Connect | CommandKind::Helo);
            let place = Place {
                sender: has_sender.then_some(self.plan.sender.without_brackets()),
                recipient: recipient.map(EnvelopeAddress::without_brackets),
                has_queue_id: !self.accepted.is_empty(),
            };
            let macros = macros::before(kind, self.plan, place, self.client.mta());
            self.client.define(kind, macros.view())?;
        }
        let (mut signs, after, made) = (0usize, &mut self.report.after, &mut self.report.modifications);
        let hear = |heard: &Heard<'_>| match heard {
            Heard::Progress => signs += 1,
            Heard::Modification(modification) => take(modification, after, made),
            _ => {}
        };
        let answer = self.client.send_and_hear(command, hear).await?;
        match signs {
            0 => {}
            1 => self.report.notes.push("the filter said once that it is still at work".to_owned()),
            _ => self.report.notes.push(format!("the filter said {signs} times that it is still at work")),
        }
        let (answer, reply) = match &answer {
            None if is_left_out => (Answer::LeftOut, None),
            None => (Answer::NoReply, None),
            Some(ClientAnswer { verdict, .. }) => in_words(verdict),
        };
        let stage = Stage {
            stage: words::stage_name(kind),
            count: 1,
            asked,
            answer,
            client_hears: words::client_hears(kind, answer, reply.as_deref()),
            reply,
            milliseconds: milliseconds(begun),
            octets: if let Command::Body(chunk) = command { chunk.len() } else { 0 },
        };
        Ok(self.decide(stage))
    }

    /// What the MTA does about an answer.
    fn decide(&mut self, stage: Stage) -> Flow {
        let verdict = match (stage.answer, stage.reply.as_deref()) {
            (Answer::Reject, _) => Verdict::Rejected,
            (Answer::TemporaryFailure, _) => Verdict::TemporaryFailure,
            (Answer::Reply, Some(reply)) if reply.starts_with('5') => Verdict::Rejected,
            (Answer::Reply, _) => Verdict::TemporaryFailure,
            (Answer::Discard, _) => Verdict::Discarded,
            _ => self.report.verdict,
        };
        self.report.verdict = verdict;
        self.report.take_down(stage);
        match verdict {
            Verdict::Rejected | Verdict::TemporaryFailure => Flow::IsOver,
            _ => Flow::GoesOn,
        }
    }

    /// Ends the session.
    pub(super) async fn quit(self) -> Result<(), ClientError> {
        self.client.quit().await
    }
}

/// A reply of 421 says that the connection closes.
fn ends_session(reply: Option<&str>) -> bool {
    reply.is_some_and(|reply| reply.starts_with("421"))
}

/// Applies a modification and keeps it.
fn take(modification: &Modification<'_>, message: &mut Message, made: &mut Vec<Made>) {
    message.apply(modification);
    Made::keep(made, modification);
}

/// What a verdict is called, and its reply.
fn in_words(verdict: &BodyVerdict) -> (Answer, Option<String>) {
    let answer = match verdict {
        BodyVerdict::Continue => Answer::Continue,
        BodyVerdict::Accept => Answer::Accept,
        BodyVerdict::Reject => Answer::Reject,
        BodyVerdict::TempFail => Answer::TemporaryFailure,
        BodyVerdict::Discard => Answer::Discard,
        BodyVerdict::Skip => Answer::Skip,
        BodyVerdict::Reply(reply) => return (Answer::Reply, Some(reply.to_string())),
    };
    (answer, None)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

fn text(octets: &[u8]) -> Text<'_> {
    // Addresses and names of headers have no NUL: they were checked, or split so.
    Text::new(octets).unwrap_or_default()
}

fn shown(address: &EnvelopeAddress) -> String {
    String::from_utf8_lossy(&with_arguments(address)).into_owned()
}

fn arguments(address: &EnvelopeAddress) -> ArgumentsBuf {
    let mut arguments = ArgumentsBuf::new();
    for argument in address.arguments().unwrap_or_default().split(|octet| *octet == b' ') {
        if !argument.is_empty() {
            // An argument that cannot be sent was refused when the options were read.
            let _ = arguments.push(argument);
        }
    }
    arguments
}
