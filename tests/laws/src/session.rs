//! Laws of the filter's side of a session, for any MTA and any application.

use crate::frame;
use milter_proto::{
    Actions, Agreement, BodyVerdict, CommandKind, Context, Decoder, Error, Event, FailureVerdict, Options,
    Protocol, Response, Session, SmtpReply, Step, Version, Wish,
};
use proptest::prelude::*;

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

    fn wants(self, stage: CommandKind) -> bool {
        STAGES
            .into_iter()
            .zip(0..)
            .any(|(one, at)| one == stage && (self.answered | self.watched) & 1 << at != 0)
    }
}

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
    /// Each event, with the macros that were seen and the number of the message.
    pub events: Vec<String>,
    /// What was written.
    pub written: Vec<u8>,
    /// How it ended.
    pub end: Result<(), Error>,
}

/// A peer's bytes in pieces of these sizes, then the end of the stream; `look` sees each event and each `Read`.
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
                    self.lived.events.push(format!(
                        "{event:?} {:?} {}",
                        context.macros,
                        context.message_number()
                    ));
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

/// However the bytes are cut: the same events, the same answers, the same end.
pub fn cuts_change_nothing(app: &App, bytes: &[u8], sizes: &[usize]) {
    let whole = live(app, bytes, &[]);
    for sizes in [sizes, &[1]] {
        let cut = live(app, bytes, sizes);
        assert!(whole == cut, "whole {whole:?}\ncut {cut:?}");
    }
}

/// An agreement is a part of the offer, and of what was wanted.
pub fn an_agreement_is_a_part_of_the_offer(wanted: Wanted, offer: Options) {
    let Ok(agreement) = wanted.wish().agree(offer) else { return };
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
    let mut decoder = Decoder::new();
    decoder.receive(written);
    let mut letters = Vec::new();
    while let Some(packet) = decoder.packet().expect("sound packets") {
        letters.push(Response::decode(packet).expect("sound responses").letter());
    }
    letters.into_iter()
}

/// Any bits.
pub fn any_wanted() -> impl Strategy<Value = Wanted> {
    (any::<u16>(), any::<u16>(), any::<u32>(), prop_oneof![9 => Just(0), 1 => 0..0x200u32], any::<u32>())
        .prop_map(|(answered, watched, actions, required, abilities)| Wanted {
            answered,
            watched,
            actions: actions & !0x100,
            required: required & !0x100,
            abilities,
        })
}

/// Offers of old and new MTAs, and of none that there is.
pub fn any_offer() -> impl Strategy<Value = Options> {
    let version = prop_oneof![8 => 2..=6u32, 1 => 0..10u32, 1 => any::<u32>()];
    let word = || prop_oneof![Just(u32::MAX), Just(0), any::<u32>()];
    (version, word(), word()).prop_map(|(version, actions, protocol)| Options {
        version: Version(version),
        actions: Actions::from_bits_retain(actions),
        protocol: Protocol::from_bits_retain(protocol),
    })
}

/// Applications that mostly let the mail go on.
pub fn any_app() -> impl Strategy<Value = App> {
    let act = prop_oneof![
        20 => Just(Act::Answer(0)),
        4 => any::<u8>().prop_map(Act::Answer),
        1 => Just(Act::Nothing),
        1 => Just(Act::Fail),
        3 => Just(Act::AddHeader),
        1 => prop_oneof![30 => 0..9u32, 1 => Just(70_000)].prop_map(Act::ReplaceBody),
    ];
    let act = prop_oneof![100 => act, 1 => Just(Act::Abandon)];
    (any_wanted(), prop::collection::vec(act, 1..12), prop_oneof![4 => Just(0), 1 => 1..3u8])
        .prop_map(|(wanted, acts, failure)| App { wanted, acts, failure })
}

/// An offer and then commands, mostly in a lawful order and mostly sound.
pub fn any_packets() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let command = (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..4));
    (any_offer(), prop::collection::vec(command, 0..24)).prop_map(|(offer, commands)| {
        let mut packets = vec![(b'O', words(offer))];
        let mut rung = 0;
        packets.extend(commands.into_iter().map(|(choice, odd, octets)| {
            let letter =
                if odd < 4 { b"OCHMRTLNBEUADKQZ"[usize::from(choice % 16)] } else { next(&mut rung, choice) };
            (letter, payload(letter, odd, &octets))
        }));
        packets
    })
}

fn words(offer: Options) -> Vec<u8> {
    let words = [offer.version.0, offer.actions.bits(), offer.protocol.bits()];
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// A command that may follow; what is likely in a message stands more than once.
fn next(rung: &mut usize, choice: u8) -> u8 {
    const LADDER: &[u8] = b" MRTLNBE";
    let pick = |letters: &[u8]| letters[usize::from(choice) % letters.len()];
    let letter = match *rung {
        0 => pick(b"MMMMMMMMHHADDUKCMM"),
        1 => pick(b"RRRRRRTLNBEDDUHMAK"),
        2 => pick(b"RRRTTTTLNBEDDUHMAK"),
        3 => pick(b"LLLLLLNNNBEDDDHMA"),
        4 => pick(b"LLLLNNNNBBEDDDHMA"),
        5 => pick(b"BBBBBBBBEEDDDHMA"),
        _ => pick(b"BBBBEEEEEEEDDHMA"),
    };
    match letter {
        b'E' | b'A' | b'H' | b'K' | b'C' => *rung = 0,
        _ => *rung = LADDER.iter().position(|one| *one == letter).unwrap_or(*rung),
    }
    letter
}

fn payload(letter: u8, odd: u8, octets: &[u8]) -> Vec<u8> {
    if odd == 255 {
        return octets.to_vec();
    }
    let text: Vec<u8> = octets.iter().map(|octet| (*octet).max(1)).collect();
    match letter {
        b'C' => [&text[..], b"\0U"].concat(),
        b'H' | b'U' | b'M' | b'R' => [&text[..], b"\0"].concat(),
        b'L' => [b"X", &text[..], b"\0", &text, b"\0"].concat(),
        b'B' => [b"x", octets].concat(),
        b'D' => {
            let stage = b"CHMRTNELBUX"[usize::from(odd) % 11];
            [&[stage], &text[..], b"\0", &text, b"\0"].concat()
        }
        b'E' if odd < 250 => Vec::new(),
        _ => octets.to_vec(),
    }
}

/// The bytes of packets.
pub fn bytes(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    packets.iter().flat_map(|(letter, payload)| frame(*letter, payload)).collect()
}
