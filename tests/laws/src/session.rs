//! Laws of the filter's side of a session, for any MTA and any application.

mod inputs;

pub use inputs::{any_app, any_offer, any_packets, any_wanted, bytes, words};

use crate::{frame, packets_of};
use milter_proto::{
    Actions, Agreement, BodyVerdict, CommandKind, Context, Error, Event, FailureVerdict, NegotiationError,
    Options, Packet, Protocol, Response, Session, SmtpReply, Step, Version, Wish,
};

/// What an application wants of an MTA, as bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Which of [`STAGES`] are answered.
    pub answered: u16,
    /// Which of them are watched, where they are not answered.
    pub watched: u16,
    /// Actions that are used if they are offered.
    pub actions: u32,
    /// Actions without which it cannot work.
    pub required: u32,
    /// Abilities.
    pub abilities: u32,
}

/// The commands that an application may want.
pub const STAGES: [CommandKind; 12] = [
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
    CommandKind::Abort,
    CommandKind::Quit,
];

impl Wanted {
    /// As the library takes it.
    pub fn wish(self) -> Wish {
        let mut wish = Wish::new();
        for (at, stage) in STAGES.into_iter().enumerate() {
            if self.watched & 1 << at != 0 {
                wish.watches(stage);
            }
            if self.answered & 1 << at != 0 {
                wish.answers(stage);
            }
        }
        wish.prefer(Actions::from_bits_retain(self.actions));
        wish.require(Actions::from_bits_retain(self.required));
        wish.request(Protocol::from_bits_retain(self.abilities));
        wish
    }

    /// Whether it answers this command.
    pub fn answers(self, stage: CommandKind) -> bool {
        STAGES.into_iter().zip(0..).any(|(one, at)| one == stage && self.answered & 1 << at != 0)
    }

    fn wants(self, stage: CommandKind) -> bool {
        STAGES
            .into_iter()
            .zip(0..)
            .any(|(one, at)| one == stage && (self.answered | self.watched) & 1 << at != 0)
    }
}

/// What an MTA offers.
#[derive(Clone, Copy, Debug)]
pub struct Offer(pub Options);

/// What an application does about an event.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Gives the verdict of this number; one that the stage does not take is not given.
    Answer(u8),
    /// Says nothing.
    Nothing,
    /// Fails.
    Fail,
    /// Does not finish.
    Abandon,
    /// Adds a header, and continues.
    AddHeader,
    /// Replaces the body by one of this many octets, and continues.
    ReplaceBody(u32),
}

/// An application: the events go through its acts in turn.
#[derive(Clone, Debug)]
pub struct App {
    /// What it wants.
    pub wanted: Wanted,
    /// What it does; never empty.
    pub acts: Vec<Act>,
    /// 0: temporary failure, 1: reject, else close.
    pub failure: u8,
}

/// What came of it.
#[derive(Debug, Eq, PartialEq)]
pub struct Lived {
    /// Each event, with the macros that were seen, the number of the message, and how much was written before.
    pub events: Vec<String>,
    /// What was written.
    pub written: Vec<u8>,
    /// How it ended.
    pub end: Result<(), Error>,
}

/// A session whose events go through an application's acts.
struct Driver<'a> {
    app: &'a App,
    session: Session,
    lived: Lived,
    quits: u64,
}

/// Where a driver is.
enum At {
    Event(CommandKind),
    Read,
    End,
}

impl<'a> Driver<'a> {
    fn new(app: &'a App) -> Self {
        let mut session = Session::new(app.wanted.wish());
        session.set_failure_verdict(match app.failure {
            0 => FailureVerdict::TempFail,
            1 => FailureVerdict::Reject,
            _ => FailureVerdict::Close,
        });
        Self { app, session, lived: Lived { events: Vec::new(), written: Vec::new(), end: Ok(()) }, quits: 0 }
    }

    /// Takes steps up to the next event, `Read` or the end.
    fn run(&mut self) -> At {
        loop {
            match self.session.step() {
                Ok(Step::Read) => return At::Read,
                Ok(Step::Write(bytes)) => {
                    assert!(!bytes.is_empty(), "an empty write");
                    self.lived.written.extend_from_slice(bytes);
                }
                Ok(Step::Event(happened)) => {
                    let kind = happened.event.kind();
                    self.quits += u64::from(kind == CommandKind::Quit);
                    let act = self.app.acts[self.lived.events.len() % self.app.acts.len()];
                    let (event, context) = (happened.event, happened.context);
                    let (macros, number) = (&context.macros, context.message_number());
                    let written = self.lived.written.len();
                    self.lived.events.push(format!("{event:?} {macros:?} {number} {written}"));
                    let act = prepare(act, &event, context);
                    self.act(act);
                    return At::Event(kind);
                }
                Ok(Step::Close) => return At::End,
                Err(error) => {
                    self.lived.end = Err(error);
                    return At::End;
                }
            }
        }
    }

    fn act(&mut self, act: Option<Act>) {
        let verdict = match act {
            Some(Act::Nothing) => return,
            Some(Act::Fail) => return self.session.fail(),
            Some(Act::Abandon) => return self.session.abandon(),
            Some(Act::Answer(number)) => number,
            Some(Act::AddHeader | Act::ReplaceBody(_)) | None => 0,
        };
        let reply = || SmtpReply::temp_fail("later");
        // One that the stage does not take leaves the event unanswered.
        let _ = self.session.answer(match verdict % 7 {
            0 => BodyVerdict::Continue,
            1 => BodyVerdict::Accept,
            2 => BodyVerdict::Reject,
            3 => BodyVerdict::TempFail,
            4 => BodyVerdict::Discard,
            5 => BodyVerdict::Skip,
            _ => BodyVerdict::Reply(reply()),
        });
    }
}

/// Records what an act records. What was not negotiated is refused, which is lawful.
fn prepare(act: Act, event: &Event<'_>, context: &mut Context) -> Option<Act> {
    match act {
        Act::AddHeader => context.add_header("X", format!("{:?}", event.kind())).ok()?,
        Act::ReplaceBody(length) => context.replace_body(vec![b'x'; length as usize]).ok()?,
        _ => {}
    }
    Some(act)
}

/// Lives a session whose bytes come in pieces of these sizes, over and over, and then end.
pub fn live(app: &App, bytes: &[u8], sizes: &[usize]) -> Lived {
    let mut driver = Driver::new(app);
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    loop {
        match driver.run() {
            At::Event(_) => {}
            At::End => return driver.lived,
            At::Read => {
                let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len().max(1));
                let (piece, later) = rest.split_at(size.min(rest.len()));
                driver.session.receive(piece);
                rest = later;
            }
        }
    }
}

/// However the bytes are cut: the same events, the same answers before each of them, the same end.
pub fn cuts_change_nothing(app: &App, bytes: &[u8], sizes: &[usize]) {
    let whole = live(app, bytes, &[]);
    for sizes in [sizes, &[1]] {
        let cut = live(app, bytes, sizes);
        assert!(whole == cut, "whole {whole:?}\ncut {cut:?}");
    }
}

/// An agreement is a part of the offer, and of what was wanted.
pub fn an_agreement_is_a_part_of_the_offer(wanted: Wanted, offer: Options) {
    let lacks_actions = wanted.required & !offer.actions.bits() != 0;
    let lacks_data = wanted.wants(CommandKind::Data) && offer.version < Version(4);
    let agreement = match wanted.wish().agree(offer) {
        Ok(agreement) => agreement,
        Err(NegotiationError::Version { offered }) => {
            return assert!(offered == offer.version && offered < Version::OLDEST);
        }
        Err(NegotiationError::Actions { missing, .. }) => {
            return assert!(lacks_actions && missing.bits() == wanted.required & !offer.actions.bits());
        }
        Err(NegotiationError::Data { version }) => return assert!(lacks_data && version == offer.version),
        Err(other) => panic!("{other}"),
    };
    assert!(!lacks_actions && !lacks_data);
    let Options { version, actions, protocol } = agreement.options();
    assert!(version <= offer.version && (Version::OLDEST..=Version::CURRENT).contains(&version));
    assert!(offer.actions.contains(actions) && actions.bits() & !(wanted.actions | wanted.required) == 0);
    assert!(actions.bits() & wanted.required == wanted.required);
    assert!(offer.protocol.contains(protocol));
    let sizes = Protocol::DATA_SIZE_256K | Protocol::DATA_SIZE_1M;
    assert!((protocol & sizes).bits().count_ones() <= 1);
    for stage in STAGES {
        assert!(!(agreement.is_switched_off(stage) && wanted.wants(stage)), "{stage} is wanted");
    }
}

/// One final reply for each command that is due one, none otherwise, in order and in time; modifications only before the
/// reply to the end of a message; one quit for each SMTP session, and aborts only of open messages.
pub fn each_reply_is_given_once_and_in_time(app: &App, packets: &[(u8, Vec<u8>)]) {
    let mut driver = Driver::new(app);
    let mut due = 0; // final replies to the packets before the newest
    let ends = [(0, Vec::new())];
    for (letter, payload) in packets.iter().chain(&ends) {
        let bytes = if *letter == 0 { Vec::new() } else { frame(*letter, payload) };
        let written = driver.lived.written.len();
        driver.session.receive(&bytes);
        let mut open = driver.session.in_message();
        let at_end = loop {
            let at = driver.run();
            let replies = finals(&driver.lived.written);
            match at {
                // An abort or a quit may be that of an event which was given up, and answered before.
                At::Event(CommandKind::Abort) => {
                    assert!(open, "an abort outside of a message");
                    assert!(replies == due || replies == due + 1);
                    open = false;
                }
                At::Event(CommandKind::Quit) => assert!(replies == due || replies == due + 1),
                At::Event(_) => {
                    assert_eq!(replies, due, "something is owed at an event");
                    open = true;
                }
                At::Read | At::End => break matches!(at, At::End),
            }
        };
        let now = &driver.lived.written[written..];
        modifications_stand_before_the_end(*letter, now);
        let expects = driver.session.agreement().is_some_and(|agreement| is_due(agreement, *letter));
        let replies = finals(&driver.lived.written);
        if at_end {
            assert!(replies == due || (replies == due + 1 && expects));
            if driver.lived.end.is_err() {
                assert_eq!(replies, due, "an answer to what was refused");
            }
            break;
        }
        due += usize::from(expects);
        assert_eq!(replies, due, "after {}", char::from(*letter));
    }
    let sessions = driver.session.agreement().map_or(0, |_| driver.session.smtp_session() + 1);
    assert_eq!(driver.quits, if app.wanted.wants(CommandKind::Quit) { sessions } else { 0 });
}

fn is_due(agreement: &Agreement, letter: u8) -> bool {
    CommandKind::from_letter(letter).is_ok_and(|kind| agreement.expects_reply(kind))
}

/// How many replies end the wait of an MTA.
fn finals(written: &[u8]) -> usize {
    letters(written).filter(|letter| b"Ocardtys".contains(letter)).count()
}

fn modifications_stand_before_the_end(command: u8, written: &[u8]) {
    let letters: Vec<u8> = letters(written).collect();
    let changes = letters.iter().filter(|letter| b"himb+2-eq".contains(letter)).count();
    if changes > 0 {
        assert_eq!((command, letters.len()), (b'E', changes + 1));
        assert!(matches!(letters.last(), Some(b'c' | b'a')));
        let bodies = letters.iter().position(|letter| *letter == b'b').unwrap_or(changes);
        let run = letters.get(bodies..changes).unwrap_or_default();
        assert!(run.iter().all(|letter| *letter == b'b'), "something between the pieces of a body");
    }
}

/// The letters of responses, each of which must be sound.
fn letters(written: &[u8]) -> impl Iterator<Item = u8> {
    packets_of(written).into_iter().map(|(letter, payload)| {
        Response::decode(Packet::new(letter, &payload)).expect("sound responses").letter()
    })
}
