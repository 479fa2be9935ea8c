//! Macros as Postfix defines them.
//!
//! Each stage has the ones that Postfix sends by default; a filter that asks for others at a stage gets those it asked
//! for, of all that are known.

use milter_proto::{CommandKind, MacroPairsBuf, MacroStage, Mta};

use super::plan::Plan;

/// The queue id of every message.
pub(super) const QUEUE_ID: &str = "4TRIAL0000";
/// The MTA's name.
pub(super) const HOSTNAME: &str = "mail.example.net";

const SESSION: &[&str] = &["j", "{daemon_name}", "{daemon_addr}", "v", "_"];
const TLS: &[&str] = &["{tls_version}", "{cipher}", "{cipher_bits}", "{cert_subject}", "{cert_issuer}"];
const MAIL: &[&str] =
    &["{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}", "{mail_mailer}"];
const RCPT: &[&str] = &["i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"];
const CONTENT: &[&str] = &["i"];

/// Where an SMTP session is, as far as macros tell of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    /// Of MAIL, from then on.
    pub(super) sender: Option<&'a [u8]>,
    /// Of RCPT, for that command.
    pub(super) recipient: Option<&'a [u8]>,
    /// Postfix opens the queue file at the first recipient that was accepted.
    pub(super) has_queue_id: bool,
}

/// The macros that go before a command.
pub(super) fn before(command: CommandKind, plan: &Plan, place: Place<'_>, mta: &Mta) -> MacroPairsBuf {
    let mut macros = MacroPairsBuf::new();
    let (stage, defaults) = match command {
        CommandKind::Connect => (MacroStage::Connect, SESSION),
        CommandKind::Helo => (MacroStage::Helo, TLS),
        CommandKind::Mail => (MacroStage::Mail, MAIL),
        CommandKind::Rcpt => (MacroStage::Rcpt, RCPT),
        CommandKind::Data => (MacroStage::Data, CONTENT),
        CommandKind::Header | CommandKind::EndOfHeaders => (MacroStage::EndOfHeaders, CONTENT),
        CommandKind::Body | CommandKind::EndOfMessage => (MacroStage::EndOfMessage, CONTENT),
        _ => return macros,
    };
    let mut add = |name: &[u8]| {
        if let Some(value) = value(name, plan, place) {
            let braced = if name.len() > 1 { [b"{", name, b"}"].concat() } else { name.to_vec() };
            // Neither has NUL: options are checked, and what comes from the message is no macro.
            let _ = macros.push(braced, value);
        }
    };
    match mta.macros_asked(stage) {
        Some(names) => names.for_each(&mut add),
        None => {
            defaults.iter().for_each(|name| add(bare(name).as_bytes()));
            if stage == MacroStage::Connect {
                plan.macros
                    .iter()
                    .filter(|(name, _)| !is_default(name))
                    .for_each(|(name, _)| add(name.as_bytes()));
            }
        }
    }
    macros
}

/// The value of a macro without braces, where it has one.
fn value(name: &[u8], plan: &Plan, place: Place<'_>) -> Option<Vec<u8>> {
    if let Some((_, value)) = plan.macros.iter().rev().find(|(given, _)| given.as_bytes() == name) {
        return Some(value.as_bytes().to_vec());
    }
    let client = &plan.client;
    let own = |text: &str| Some(text.as_bytes().to_vec());
    match name {
        b"j" | b"daemon_name" => own(HOSTNAME),
        b"v" => own("Postfix 3.7.11"),
        b"daemon_addr" => own("127.0.0.1"),
        b"daemon_port" => own("25"),
        b"_" => own(&format!("{} [{}]", client.name(), client.address())),
        b"client_addr" => own(client.address()),
        b"client_name" | b"client_ptr" => {
            own(if client.name().starts_with('[') { "unknown" } else { client.name() })
        }
        b"client_port" => own(&client.port().to_string()),
        b"client_connections" => own("1"),
        b"mail_addr" => Some(place.sender?.to_vec()),
        b"mail_host" => Some(domain(place.sender?).to_vec()),
        b"mail_mailer" => place.sender.and_then(|_| own("smtp")),
        b"rcpt_addr" => Some(place.recipient?.to_vec()),
        b"rcpt_host" => Some(domain(place.recipient?).to_vec()),
        b"rcpt_mailer" => place.recipient.and_then(|_| own("smtp")),
        b"i" if place.has_queue_id => own(QUEUE_ID),
        _ => None,
    }
}

fn domain(address: &[u8]) -> &[u8] {
    address.iter().rposition(|octet| *octet == b'@').map_or(&[], |at| &address[at + 1..])
}

fn is_default(name: &str) -> bool {
    [SESSION, TLS, MAIL, RCPT].iter().any(|names| names.iter().any(|one| bare(one) == name))
}

fn bare(name: &str) -> &str {
    name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name)
}
