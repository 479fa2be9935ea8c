//! A negotiation in words, and what an MTA says to its client.

use milter_proto::{Actions, Agreement, CommandKind, MacroStage, Mta, Options, Protocol};

use super::macros::{HOSTNAME, QUEUE_ID};
use super::report::{Answer, Flags, Negotiation};

/// The name of a stage in a report.
pub(super) const fn stage_name(command: CommandKind) -> &'static str {
    match command {
        CommandKind::Negotiate => "negotiation",
        CommandKind::DefineMacros => "macros",
        CommandKind::QuitNewConnection => "quit",
        _ => command.name(),
    }
}

const STAGES: [CommandKind; 10] = [
    CommandKind::Connect,
    CommandKind::Helo,
    CommandKind::Mail,
    CommandKind::Rcpt,
    CommandKind::Data,
    CommandKind::Header,
    CommandKind::EndOfHeaders,
    CommandKind::Body,
    CommandKind::EndOfMessage,
    CommandKind::Unknown,
];

const MACRO_STAGES: [(MacroStage, CommandKind); 7] = [
    (MacroStage::Connect, CommandKind::Connect),
    (MacroStage::Helo, CommandKind::Helo),
    (MacroStage::Mail, CommandKind::Mail),
    (MacroStage::Rcpt, CommandKind::Rcpt),
    (MacroStage::Data, CommandKind::Data),
    (MacroStage::EndOfHeaders, CommandKind::EndOfHeaders),
    (MacroStage::EndOfMessage, CommandKind::EndOfMessage),
];

/// What was negotiated, in words.
pub(super) fn negotiation(offer: Options, agreement: &Agreement, mta: &Mta) -> Negotiation {
    let hears = || STAGES.into_iter().filter(|command| !mta.leaves_out(*command));
    let macros = MACRO_STAGES.into_iter().filter_map(|(stage, command)| {
        let names = mta.macros_asked(stage)?.map(|name| String::from_utf8_lossy(name).into_owned());
        Some((stage_name(command), names.collect()))
    });
    Negotiation {
        offered: flags(offer),
        agreed: flags(agreement.options()),
        hears: hears().map(stage_name).collect(),
        without_reply: hears().filter(|command| !agreement.expects_reply(*command)).map(stage_name).collect(),
        macros: macros.collect(),
    }
}

fn flags(options: Options) -> Flags {
    Flags {
        version: options.version.0,
        actions: named(
            options.actions.iter_names().map(|(name, _)| name),
            options.actions.difference(Actions::all_known()).bits(),
        ),
        protocol: named(
            options.protocol.iter_names().map(|(name, _)| name),
            options.protocol.difference(NAMED).bits(),
        ),
    }
}

const NAMED: Protocol = Protocol::all_known().union(Protocol::DATA_SIZE_256K).union(Protocol::DATA_SIZE_1M);

/// The names, and the rest as a number.
fn named(names: impl Iterator<Item = &'static str>, unknown: u32) -> Vec<String> {
    let rest = (unknown != 0).then(|| format!("{unknown:#x}"));
    names.map(str::to_owned).chain(rest).collect()
}

/// What Postfix says to its client when a filter answered so, if it says something at that stage.
pub(super) fn client_hears(command: CommandKind, answer: Answer, reply: Option<&str>) -> Option<String> {
    match answer {
        Answer::Reply => return reply.map(str::to_owned),
        Answer::Reject => return Some("550 5.7.1 Command rejected".to_owned()),
        Answer::TemporaryFailure => {
            return Some("451 4.7.1 Service unavailable - try again later".to_owned());
        }
        _ => {}
    }
    Some(match command {
        CommandKind::Connect => format!("220 {HOSTNAME} ESMTP"),
        CommandKind::Helo => format!("250 {HOSTNAME}"),
        CommandKind::Mail => "250 2.1.0 Ok".to_owned(),
        CommandKind::Rcpt => "250 2.1.5 Ok".to_owned(),
        CommandKind::Data => "354 End data with <CR><LF>.<CR><LF>".to_owned(),
        CommandKind::EndOfMessage => format!("250 2.0.0 Ok: queued as {QUEUE_ID}"),
        _ => return None,
    })
}
