//! Laws of both sides: whatever is wanted, offered, sent and answered, they never disagree; and whatever someone between
//! them does to the octets, both end in good order or with an error that says why.

mod inputs;
mod line;
mod player;

pub use inputs::{any_mischiefs, any_talk};

use crate::session::Wanted;
use line::{Line, Told};
use milter_proto::{
    Command, CommandKind, Error, MacroStage, Options, Packet, ResponseViolation, Scope, SendError, Sent,
};
use player::{fits, letter};

/// Two sides, before anything is sent.
#[derive(Clone, Debug)]
pub struct Talk {
    /// What the filter wants.
    pub wanted: Wanted,
    /// The macros that it asks for.
    pub macros: Vec<(MacroStage, String)>,
    /// What the MTA offers.
    pub offer: Options,
    /// Whether it takes only what it offered.
    pub strict: bool,
    /// How the filter answers, by turns.
    pub turns: Vec<u8>,
    /// In which pieces octets come, over and over.
    pub sizes: Vec<usize>,
    /// How often the filter says that it is at work, before each end of a message.
    pub progress: usize,
}

/// What someone does to the octets of one direction.
#[derive(Clone, Copy, Debug)]
pub enum Mischief {
    /// Turns bits of an octet.
    Flip(u8),
    /// Loses it.
    Drop,
    /// Puts one before it.
    Insert(u8),
    /// Ends the stream there.
    Cut,
}

/// Law: what the MTA hears is what the filter decided; who is not asked decides nothing; what is left out reaches nobody.
pub fn they_never_disagree(talk: &Talk, commands: &[(u8, Vec<u8>)]) {
    let mut line = Line::honest(talk);
    if let Err(error) = line.settle() {
        assert!(matches!(error, Error::Response(ResponseViolation::Gone { .. })), "{error}");
        assert!(matches!(line.filter_end, Some(Err(Error::Negotiation(_)))), "{:?}", line.filter_end);
        return;
    }
    for (letter, payload) in commands {
        let Ok(command) = Command::decode(Packet::new(*letter, payload)) else { continue };
        if command == Command::Quit {
            break;
        }
        (line.asked, line.heard) = (None, Vec::new());
        let sent = match line.mta.send(&command) {
            Err(SendError::Order(_) | SendError::BodyInEndOfMessage | SendError::TooLong(_)) => continue,
            sent => sent.unwrap_or_else(|error| panic!("{command:?}: {error}")),
        };
        line.settle().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        is_as_decided(&line, command.kind(), sent);
    }
    line.mta.send(&Command::Quit).expect("a QUIT");
    assert_eq!(line.settle(), Ok(true));
    line.hang_up();
    assert_eq!(line.filter_end, Some(Ok(())));
}

fn is_as_decided(line: &Line<'_>, command: CommandKind, sent: Sent) {
    let heard = line.heard.iter().filter_map(|told| match told {
        Told::Decided(verdict, scope) => Some((verdict, *scope)),
        Told::Negotiated | Told::Progress | Told::Modification => None,
    });
    let decided: Vec<_> = heard.collect();
    assert_eq!(decided.len(), usize::from(sent == Sent::Awaited), "{command}");
    assert!(decided.len() == line.heard.len() || command == CommandKind::EndOfMessage, "{:?}", line.heard);
    let asked = line.asked;
    assert!(sent != Sent::LeftOut || asked.is_none_or(|(kind, _)| kind == CommandKind::Abort), "{command}");
    let Some((verdict, scope)) = decided.first() else { return };
    let heard = letter(verdict);
    match asked {
        Some((kind, chosen)) if kind == command => {
            assert!(fits(command, chosen, heard), "{command}: {chosen} {heard}");
        }
        _ => assert!(matches!(heard, b'c' | b'a'), "{command}: {heard}, and nobody was asked"),
    }
    match scope {
        Scope::Message => assert!(!line.filter.in_message()),
        Scope::Recipient => assert!(line.filter.in_message()),
        _ => {}
    }
}

/// Law: someone in between breaks nothing but the connection.
pub fn someone_in_between_breaks_nothing_else(
    talk: &Talk,
    commands: &[(u8, Vec<u8>)],
    to_filter: &[(u16, Mischief)],
    to_mta: &[(u16, Mischief)],
) {
    let mut line = Line::with_someone_in_between(talk, to_filter, to_mta);
    let mut end = line.settle();
    let mut commands = commands.iter();
    while end == Ok(false) {
        let next = commands.next().map(|(letter, payload)| Packet::new(*letter, payload));
        match line.mta.send(&next.map_or(Ok(Command::Quit), Command::decode).unwrap_or(Command::Abort)) {
            Ok(_) | Err(SendError::Order(_) | SendError::BodyInEndOfMessage | SendError::TooLong(_)) => {}
            Err(error) => panic!("{error}"),
        }
        end = line.settle();
    }
    if let Err(error) = end {
        assert!(!error.to_string().is_empty());
        assert_eq!(line.mta.step().err(), Some(error), "errors are final");
        assert_eq!(line.mta.send(&Command::Quit), Err(SendError::Closed));
    }
    line.hang_up();
    assert!(line.filter_end.is_some(), "the filter waits for more than the end of the stream");
}
