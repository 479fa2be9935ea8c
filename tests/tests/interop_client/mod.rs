//! An MTA that asks one filter for its opinion of messages, and writes down what it is told.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use milter_tests::Runnable;
use milter_tokio::{
    ArgumentsBuf, BodyChunk, BodyVerdict, Client, ClientAnswer, ClientError, ClientStream, Command,
    CommandKind, Connect, Data, EndOfHeaders, EnvelopeAddress, Header, Heard, Helo, MacroPairsBuf, Mail,
    Message, Modification, Options, Peer, Protocol, Rcpt, Scope, Text, Timeouts,
};

/// How long a foreign program may take for anything, on a machine that does other work too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a filter. What is told stands in a text, command by command: `M c, R r Recipient`, the letters being
/// those of the wire, and the scope being left out where it is the command alone.
pub(crate) struct Asking {
    pub(crate) client: Client<ClientStream>,
    told: String,
    macros: Vec<(&'static str, String)>,
}

impl Asking {
    /// Connects, as soon as the filter listens.
    pub(crate) async fn connect(spec: &str, filter: &mut Runnable) -> Self {
        Self::offering(Options::CURRENT, spec, filter).await
    }

    pub(crate) async fn offering(offer: Options, spec: &str, filter: &mut Runnable) -> Self {
        let endpoint = spec.parse().unwrap();
        let mut timeouts = Timeouts::default();
        (timeouts.connect, timeouts.command) = (PATIENCE, PATIENCE);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Client::connect(&endpoint, offer, timeouts).await {
                Ok(client) => return Self { client, told: String::new(), macros: Vec::new() },
                Err(ClientError::Connect { source, .. }) if Instant::now() < deadline => {
                    assert!(filter.is_running(), "the filter ended, and nobody listens at {spec}: {source}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A macro that is defined at each command, if the filter wants to know it.
    pub(crate) fn define(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.macros.push((name, value.into()));
        self
    }

    pub(crate) fn options(&self) -> Options {
        self.client.mta().agreement().unwrap().options()
    }

    /// CONNECT and HELO of an SMTP client.
    pub(crate) async fn greet(&mut self, hostname: &str, address: &str, helo: &str) {
        let (port, text) = (25000, text(address));
        let peer = match address {
            "" => Peer::Unknown,
            _ if address.contains(':') => Peer::Ipv6 { port, address: text },
            _ => Peer::Ipv4 { port, address: text },
        };
        let hostname = Text::new(hostname.as_bytes()).unwrap();
        self.ask(&Command::Connect(Connect::new(hostname, peer).unwrap())).await;
        self.ask(&Command::Helo(Helo::new(Text::new(helo.as_bytes()).unwrap()).unwrap())).await;
    }

    /// Everything of a message, in the order of SMTP; gives what would be delivered, or `None` if it would not be.
    pub(crate) async fn message(&mut self, mut message: Message) -> Option<Message> {
        self.envelope(&message).await?;
        self.content(&message).await?;
        let leading_space = self.options().protocol.contains(Protocol::LEADING_SPACE);
        message = message.with_leading_space(leading_space);
        let mut changed = message.clone();
        let end = Command::EndOfMessage(None);
        let answer = self.ask_and_hear(&end, |modification| changed.apply(modification)).await;
        match answer.map(|answer| answer.verdict) {
            Some(BodyVerdict::Continue | BodyVerdict::Accept) => Some(changed),
            Some(_) => None,
            // It was accepted before its end.
            None => Some(message),
        }
    }

    /// MAIL and each RCPT; `None` if the message is refused or discarded.
    pub(crate) async fn envelope(&mut self, message: &Message) -> Option<()> {
        let arguments = arguments_of(message.sender());
        let sender = Text::new(message.sender().address()).unwrap();
        self.go_on(&Command::Mail(Mail::new(sender, arguments.view()).unwrap())).await?;
        for recipient in message.recipients() {
            let arguments = arguments_of(recipient);
            let recipient = Text::new(recipient.address()).unwrap();
            self.go_on(&Command::Rcpt(Rcpt::new(recipient, arguments.view()).unwrap())).await?;
        }
        Some(())
    }

    /// DATA, the headers and the body; `None` if the message is refused or discarded.
    pub(crate) async fn content(&mut self, message: &Message) -> Option<()> {
        self.go_on(&Command::Data(Data)).await?;
        let leading_space = self.options().protocol.contains(Protocol::LEADING_SPACE);
        for header in message.headers() {
            let value = header.value(leading_space);
            let (name, value) = (Text::new(header.name()).unwrap(), Text::new(&value).unwrap());
            self.go_on(&Command::Header(Header::new(name, value).unwrap())).await?;
        }
        self.go_on(&Command::EndOfHeaders(EndOfHeaders)).await?;
        for chunk in BodyChunk::split(message.body()) {
            self.go_on(&Command::Body(chunk)).await?;
        }
        Some(())
    }

    pub(crate) async fn ask(&mut self, command: &Command<'_>) -> Option<ClientAnswer> {
        self.ask_and_hear(command, |_| {}).await
    }

    /// What was told since the last call.
    pub(crate) fn told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    async fn go_on(&mut self, command: &Command<'_>) -> Option<()> {
        match self.ask(command).await {
            None => Some(()),
            Some(answer) => {
                let passes =
                    matches!(answer.verdict, BodyVerdict::Continue | BodyVerdict::Skip | BodyVerdict::Accept);
                (passes || answer.scope == Scope::Recipient).then_some(())
            }
        }
    }

    async fn ask_and_hear(
        &mut self,
        command: &Command<'_>,
        mut modify: impl FnMut(&Modification<'_>),
    ) -> Option<ClientAnswer> {
        let mut macros = MacroPairsBuf::new();
        for (name, value) in &self.macros {
            macros.push(name, value).unwrap();
        }
        if !macros.view().is_empty() && !matches!(command.kind(), CommandKind::Quit | CommandKind::Abort) {
            self.client.define(command.kind(), macros.view()).unwrap();
        }
        let mut heard = String::new();
        let answer = self
            .client
            .send_and_hear(command, |one| match one {
                Heard::Progress => heard.push_str(" p"),
                Heard::Modification(modification) => {
                    heard.push(' ');
                    heard.push(char::from(modification.letter()));
                    modify(modification);
                }
                _ => {}
            })
            .await
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        if let Some(answer) = &answer {
            let separator = if self.told.is_empty() { "" } else { ", " };
            let letter = char::from(command.kind().letter());
            write!(self.told, "{separator}{letter}{heard} {}", Shown(answer)).unwrap();
        }
        answer
    }
}

struct Shown<'a>(&'a ClientAnswer);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.verdict {
            BodyVerdict::Continue => f.write_str("c"),
            BodyVerdict::Skip => f.write_str("s"),
            BodyVerdict::Accept => f.write_str("a"),
            BodyVerdict::Discard => f.write_str("d"),
            BodyVerdict::Reject => f.write_str("r"),
            BodyVerdict::TempFail => f.write_str("t"),
            BodyVerdict::Reply(reply) => write!(f, "y {reply}"),
        }?;
        match (self.0.scope, &self.0.verdict) {
            (Scope::Command, _) | (_, BodyVerdict::Continue) => Ok(()),
            (scope, _) => write!(f, " {scope:?}"),
        }
    }
}

fn arguments_of(address: &EnvelopeAddress) -> ArgumentsBuf {
    let mut arguments = ArgumentsBuf::new();
    for argument in address.arguments().unwrap_or_default().split(|octet| *octet == b' ') {
        if !argument.is_empty() {
            arguments.push(argument).unwrap();
        }
    }
    arguments
}

pub(crate) fn text(text: &str) -> Text<'_> {
    Text::new(text.as_bytes()).unwrap()
}

/// A message from one sender to one recipient.
pub(crate) fn letter(sender: &str, content: impl AsRef<[u8]>) -> Message {
    let mut message = Message::parse(content.as_ref());
    message.set_sender(sender);
    message.add_recipient("<rcpt@example.org>");
    message
}
