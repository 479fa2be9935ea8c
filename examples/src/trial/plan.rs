//! What an MTA is given in a trial.

use bytes::Bytes;
use mail_parser::MessageParser;
use milter_proto::{EnvelopeAddress, Message, MtaRules, Text};

use super::client::SmtpClient;
use super::input;
use super::macros::{HOSTNAME, QUEUE_ID};

/// A message with its envelope and its SMTP client.
///
/// Sender and recipients are those of the message's `From` and `To` unless others are given.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) message: Message,
    pub(super) subject: Option<String>,
    pub(super) sender: EnvelopeAddress,
    pub(super) recipients: Vec<EnvelopeAddress>,
    pub(super) client: SmtpClient,
    pub(super) helo: Option<String>,
    /// Names without braces, and values.
    pub(super) macros: Vec<(String, String)>,
    pub(super) rules: MtaRules,
    pub(super) notes: Vec<String>,
}

/// More recipients than these are not taken from a message.
const MAX_RECIPIENTS: usize = 50;
/// Octets of an address with its arguments, or of a name in HELO.
const MAX_ENVELOPE: usize = 2000;
/// Header lines of which a longer piece is not looked at for addresses.
const MAX_HEADER: usize = 64 << 10;

impl Plan {
    /// Takes any octets for a message.
    pub fn new(message: Vec<u8>) -> Self {
        let mut notes = Vec::new();
        if message.is_empty() {
            notes.push("the message is empty".to_owned());
        }
        let message = Message::from(Bytes::from(input::as_sent(message, &mut notes)));
        if message.headers().next().is_none() && !message.body().is_empty() {
            notes.push("the message has no headers: all of it is body".to_owned());
        }
        let Shown { subject, from, mut to } = Shown::of(&message);
        if to.len() > MAX_RECIPIENTS {
            notes.push(format!(
                "only {MAX_RECIPIENTS} of the {} recipients are taken from the message",
                to.len()
            ));
            to.truncate(MAX_RECIPIENTS);
        }
        let or = |address: Option<String>, default: &str| {
            EnvelopeAddress::new(format!("<{}>", address.as_deref().unwrap_or(default)))
        };
        let recipients = match to.len() {
            0 => vec![or(None, "recipient@example.net")],
            _ => to.into_iter().map(|address| or(Some(address), "")).collect(),
        };
        Self {
            message,
            subject,
            sender: or(from, "sender@example.org"),
            recipients,
            client: SmtpClient::default(),
            helo: None,
            macros: Vec::new(),
            rules: MtaRules::Postfix,
            notes,
        }
    }

    /// Another envelope sender.
    #[must_use]
    pub fn from(mut self, sender: EnvelopeAddress) -> Self {
        self.sender = sender;
        self
    }

    /// Other recipients, if there are any.
    #[must_use]
    pub fn to(mut self, recipients: Vec<EnvelopeAddress>) -> Self {
        if !recipients.is_empty() {
            self.recipients = recipients;
        }
        self
    }

    /// Another SMTP client.
    #[must_use]
    pub fn client(mut self, client: SmtpClient) -> Self {
        self.client = client;
        self
    }

    /// Another name in HELO than that of the client.
    #[must_use]
    pub fn helo(mut self, name: String) -> Self {
        self.helo = Some(name);
        self
    }

    /// Macros, which count for more than what would be sent otherwise. Names may have braces.
    #[must_use]
    pub fn macros(mut self, macros: impl IntoIterator<Item = (String, String)>) -> Self {
        self.macros = macros
            .into_iter()
            .map(|(name, value)| (name.trim_start_matches('{').trim_end_matches('}').to_owned(), value))
            .collect();
        self
    }

    /// Whose rules decide what becomes of modifications.
    #[must_use]
    pub fn rules(mut self, rules: MtaRules) -> Self {
        self.rules = rules;
        self
    }

    /// The name in HELO.
    pub(super) fn helo_name(&self) -> &str {
        self.helo.as_deref().unwrap_or_else(|| self.client.name())
    }

    /// The message as the MTA holds it before the filter's modifications, for the recipients that were accepted.
    pub(super) fn held(&self, recipients: &[EnvelopeAddress], leading_space: bool) -> Message {
        let (client, helo) = (&self.client, self.helo_name());
        let received = format!(
            "from {helo} ({} [{}])\n\tby {HOSTNAME} with ESMTP id {QUEUE_ID}",
            client.name(),
            client.address()
        );
        let mut message = self
            .message
            .clone()
            .with_rules(self.rules)
            .with_own_received(received)
            .with_leading_space(leading_space);
        message.set_sender(self.sender.clone());
        for recipient in recipients {
            message.add_recipient(recipient.clone());
        }
        message
    }
}

/// What a mail parser makes of the headers that people look at.
struct Shown {
    subject: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

impl Shown {
    fn of(message: &Message) -> Self {
        let mut head = Vec::new();
        for header in message.headers() {
            let wanted = [&b"From"[..], b"To", b"Subject"];
            if wanted.iter().any(|name| header.name().eq_ignore_ascii_case(name))
                && header.as_bytes().len() <= MAX_HEADER
            {
                head.extend_from_slice(header.as_bytes());
            }
        }
        head.extend_from_slice(b"\r\n");
        let Some(parsed) = MessageParser::default().parse_headers(&head[..]) else {
            return Self { subject: None, from: None, to: Vec::new() };
        };
        let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
            let addresses = list.map(|list| list.iter().filter_map(|one| one.address.as_deref()));
            addresses.into_iter().flatten().filter(|address| is_sound(address)).map(str::to_owned).collect()
        };
        Self {
            subject: parsed.subject().map(str::to_owned),
            from: addresses(parsed.from()).into_iter().next(),
            to: addresses(parsed.to()),
        }
    }
}

/// Whether an address of a header can stand in an envelope.
fn is_sound(address: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>');
    (3..=320).contains(&address.len()) && address.contains('@') && address.chars().all(plain)
}

/// A name for HELO.
pub fn helo_name(text: &str) -> Result<String, &'static str> {
    match text.len() {
        ..=MAX_ENVELOPE if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err("expected at most 2000 octets, without control characters"),
    }
}

/// An address as people write it, with ESMTP arguments behind it: `a@b.example`, `<>`, `<a@b.example> SIZE=100`.
pub fn envelope_address(text: &str) -> Result<EnvelopeAddress, &'static str> {
    if Text::new(text.as_bytes()).is_err() || text.contains(['\r', '\n']) {
        return Err("expected an address without control characters");
    }
    if text.len() > MAX_ENVELOPE {
        return Err("expected at most 2000 octets");
    }
    let text = text.trim();
    let (address, arguments) = match text.strip_prefix('<').and_then(|text| text.split_once('>')) {
        Some((address, arguments)) => (address, arguments),
        None if text.starts_with('"') => (text, ""),
        None => text.split_once(' ').unwrap_or((text, "")),
    };
    Ok(EnvelopeAddress::new(format!("<{address}>")).with_arguments(arguments.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_comes_from_the_message() {
        let plan = Plan::new(
            b"From: =?utf-8?q?Z=C3=B6?= <a@b.example>\r\nTo: C <c@d.example>,\r\n e@f.example\r\n\
              Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"
                .to_vec(),
        );
        assert_eq!(plan.sender.address(), b"<a@b.example>");
        let recipients: Vec<&[u8]> = plan.recipients.iter().map(EnvelopeAddress::address).collect();
        assert_eq!(recipients, [&b"<c@d.example>"[..], b"<e@f.example>"]);
        assert_eq!(plan.subject.as_deref(), Some("Grüße"));
    }

    #[test]
    fn what_has_no_addresses_gets_some() {
        for message in
            [&b""[..], b"no headers\r\n", b"From: nobody\r\nTo: undisclosed-recipients:;\r\n\r\n", b"\0\xff"]
        {
            let plan = Plan::new(message.to_vec());
            assert_eq!(plan.sender.address(), b"<sender@example.org>");
            assert_eq!(plan.recipients[0].address(), b"<recipient@example.net>");
        }
    }

    #[test]
    fn envelope_addresses_may_have_arguments() {
        for (text, address, arguments) in [
            ("a@b", "<a@b>", None),
            ("<a@b>", "<a@b>", None),
            ("<>", "<>", None),
            ("", "<>", None),
            ("a@b SIZE=1 BODY=8BITMIME", "<a@b>", Some("SIZE=1 BODY=8BITMIME")),
            ("<a b@c> SIZE=1", "<a b@c>", Some("SIZE=1")),
            ("\"a b\"@c", "<\"a b\"@c>", None),
        ] {
            let parsed = envelope_address(text).unwrap();
            assert_eq!(parsed.address(), address.as_bytes());
            assert_eq!(parsed.arguments(), arguments.map(str::as_bytes));
        }
        assert!(envelope_address("a@b\r\nRSET").is_err());
    }
}
