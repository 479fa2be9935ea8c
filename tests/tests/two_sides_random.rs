//! Laws: whatever is wanted, offered, sent and answered, the two sides never disagree; and whatever someone between
//! them does to the octets, both end in good order or with an error that says why.

use milter_proto::{
    Actions, BodyVerdict, CommandKind as C, Context, Error, Event, MacroStage, Mta, Options, Protocol, Scope,
    SendError, Sent, SmtpReply, Step, Version, Wish,
};
use milter_tests::{COMMANDS, Filter, Pair, PairError, Played, Told, sample};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::Cell;

/// A wish, and the stages that it answers.
fn wishes() -> impl Strategy<Value = (Wish, Vec<C>)> {
    let all = || COMMANDS.into_iter().filter(|command| *command != C::QuitNewConnection);
    let stages = vec(0..3u8, all().count());
    (stages, any::<u32>(), 0..0x200u32, vec((0..7u32, "[a-z{},_ ]{0,12}"), 0..3)).prop_map(
        move |(stages, requests, actions, macros)| {
            let (mut wish, mut answered) = (Wish::new(), Vec::new());
            for (stage, wanted) in all().zip(stages) {
                match wanted {
                    0 => &mut wish,
                    1 => {
                        answered.push(stage);
                        wish.answers(stage)
                    }
                    _ => wish.watches(stage),
                };
            }
            wish.request(Protocol::from_bits_retain(requests)).prefer(Actions::from_bits_retain(actions));
            for (stage, names) in macros {
                if let Some(stage) = MacroStage::from_number(stage) {
                    wish.request_macros(stage, &names);
                }
            }
            (wish, answered)
        },
    )
}

fn offers() -> impl Strategy<Value = Options> {
    let any = (2..8u32, any::<u32>(), any::<u32>()).prop_map(|(version, actions, protocol)| Options {
        version: Version(version),
        actions: Actions::from_bits_retain(actions),
        protocol: Protocol::from_bits_retain(protocol),
    });
    prop_oneof![Just(Options::CURRENT), any]
}

/// Commands as they come from SMTP, mixed with any others.
fn commands() -> impl Strategy<Value = Vec<(C, bool)>> {
    let odd = COMMANDS.into_iter().filter(|command| *command != C::Quit).collect::<Vec<_>>();
    let odd = proptest::sample::select(odd);
    let message = (1..3usize, 0..3usize, 0..3usize).prop_map(|(recipients, headers, chunks)| {
        let mut message = vec![C::Mail];
        message.extend(vec![C::Rcpt; recipients]);
        message.push(C::Data);
        message.extend(vec![C::Header; headers]);
        message.push(C::EndOfHeaders);
        message.extend(vec![C::Body; chunks]);
        message.push(C::EndOfMessage);
        message
    });
    let part = prop_oneof![
        2 => vec(odd, 0..4),
        2 => message,
        1 => Just(vec![C::Connect, C::Helo]),
    ];
    (vec(part, 0..6), any::<u64>()).prop_map(|(parts, macros)| {
        let commands = parts.into_iter().flatten();
        commands.zip(0u32..).map(|(command, at)| (command, macros >> (at % 64) & 1 == 1)).collect()
    })
}

/// Answers events by turns, always by something that the stage takes; records modifications now and then.
struct Player<'a> {
    answered: &'a [C],
    turns: &'a [u8],
    turn: usize,
    last: &'a Cell<Option<(C, u8)>>,
}

impl Player<'_> {
    fn answer(&mut self, event: &Event<'_>, context: &mut Context) -> Option<BodyVerdict> {
        let turn = self.turns.get(self.turn % self.turns.len().max(1)).copied().unwrap_or_default();
        self.turn += 1;
        if turn & 0x40 != 0 {
            // Each is refused where its action was not agreed.
            let _ = context.add_header("X-Added", "yes");
            let _ = context.change_header("Subject", 1, "new");
            let _ = context.add_recipient("<new@d>");
            let _ = context.quarantine("odd");
            let _ = context.replace_body("new\r\n");
        }
        let kind = event.kind();
        let in_message = !matches!(kind, C::Connect | C::Helo | C::Unknown);
        let (verdict, chosen) = match turn & 0x0f {
            0 => (BodyVerdict::Accept, b'a'),
            1 => (BodyVerdict::Reject, b'r'),
            2 => (BodyVerdict::TempFail, b't'),
            3 => (SmtpReply::reject("no, 100%").into(), b'y'),
            4 if in_message => (BodyVerdict::Discard, b'd'),
            5 | 6 if kind == C::Body => (BodyVerdict::Skip, b's'),
            _ => (BodyVerdict::Continue, b'c'),
        };
        // What is only watched is not answered: the session does that, where an MTA must have an answer.
        let watched = kind != C::EndOfMessage && !self.answered.contains(&kind);
        let (verdict, chosen) = if watched { (None, b'c') } else { (Some(verdict), chosen) };
        self.last.set(Some((kind, chosen)));
        verdict.filter(|_| !matches!(kind, C::Abort | C::Quit))
    }
}

fn letter(verdict: &BodyVerdict) -> u8 {
    match verdict {
        BodyVerdict::Continue => b'c',
        BodyVerdict::Accept => b'a',
        BodyVerdict::Reject => b'r',
        BodyVerdict::TempFail => b't',
        BodyVerdict::Reply(_) => b'y',
        BodyVerdict::Discard => b'd',
        BodyVerdict::Skip => b's',
    }
}

/// Whether a filter that answered `chosen` may be heard as `heard`.
fn fits(command: C, chosen: u8, heard: u8) -> bool {
    match (chosen, heard) {
        _ if chosen == heard => true,
        // Nothing to accept there, or modifications that are still to be sent.
        (b'a', b'c') => command != C::EndOfMessage,
        // And that is where they are sent.
        (b'c', b'a') => command == C::EndOfMessage,
        // An MTA that cannot skip.
        (b's', b'c') => command == C::Body,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn they_never_disagree(
        (wish, answered) in wishes(),
        offer in offers(),
        commands in commands(),
        turns in vec(any::<u8>(), 0..20),
        seed in any::<u64>(),
        progress in 0..3usize,
    ) {
        let last = Cell::new(None);
        let mut player = Player { answered: &answered, turns: &turns, turn: 0, last: &last };
        let filter = Played::new(wish, |event, context: &mut Context| player.answer(&event, context));
        let mut pair = Pair::between(Mta::new(offer), filter).progress(progress);
        if seed % 2 == 0 {
            pair = pair.split(seed);
        }
        if let Err(error) = pair.negotiate() {
            prop_assert!(matches!(error, PairError::Mta(Error::Response(_))), "{error}");
            prop_assert!(matches!(pair.filter_error(), Some(Error::Negotiation(_))));
            return Ok(());
        }
        for (command, macros) in commands {
            if macros {
                let defined = pair.define(command, &[("i", "Q1"), ("{auth_type}", "PLAIN")]);
                prop_assert!(matches!(defined, Ok(()) | Err(SendError::Order(_))), "{defined:?}");
            }
            last.set(None);
            let heard = pair.heard().len();
            let told = pair.send(&sample(command));
            prop_assert_eq!(pair.filter_error(), None);
            let (sent, decided) = match told {
                Err(PairError::Send(SendError::Order(_))) => continue,
                told => told.map_err(|error| TestCaseError::fail(format!("{command}: {error}")))?,
            };
            prop_assert_eq!(sent == Sent::Awaited, decided.is_some());
            prop_assert_eq!(sent == Sent::LeftOut && last.get().is_some_and(|(kind, _)| kind != C::Abort), false);
            for told in &pair.heard()[heard..] {
                prop_assert!(command == C::EndOfMessage || matches!(told, Told::Decided(..)), "{told:?}");
            }
            if let (Some((verdict, scope)), chosen) = (decided, last.get()) {
                let heard = letter(&verdict);
                match chosen {
                    Some((kind, chosen)) if kind == command => {
                        prop_assert!(fits(command, chosen, heard), "{command}: {chosen} {heard}");
                    }
                    _ => prop_assert!(matches!(heard, b'c' | b'a'), "{command}: {heard}, and nobody was asked"),
                }
                let session = pair.filter().session();
                match scope {
                    Scope::Message => prop_assert!(!session.in_message()),
                    Scope::Recipient => prop_assert!(session.in_message()),
                    _ => {}
                }
            }
        }
        pair.quit();
        prop_assert_eq!(pair.filter_error(), None);
    }
}

/// What someone does to the octets of one direction.
#[derive(Clone, Copy, Debug)]
enum Mischief {
    Flip(u8),
    Drop,
    Insert(u8),
    Cut,
}

fn mischiefs() -> impl Strategy<Value = Vec<(u16, Mischief)>> {
    let mischief = prop_oneof![
        3 => any::<u8>().prop_map(Mischief::Flip),
        2 => Just(Mischief::Drop),
        3 => any::<u8>().prop_map(Mischief::Insert),
        1 => Just(Mischief::Cut),
    ];
    vec((0..400u16, mischief), 0..4)
}

/// One direction with someone in it.
struct Middle {
    at: usize,
    mischiefs: Vec<(u16, Mischief)>,
    cut: bool,
}

impl Middle {
    const fn new(mischiefs: Vec<(u16, Mischief)>) -> Self {
        Self { at: 0, mischiefs, cut: false }
    }

    fn pass(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut passed = Vec::new();
        for octet in octets {
            let mut now = Some(*octet);
            for (_, mischief) in self.mischiefs.iter().filter(|(at, _)| usize::from(*at) == self.at) {
                match mischief {
                    Mischief::Flip(mask) => now = now.map(|octet| octet ^ mask),
                    Mischief::Drop => now = None,
                    Mischief::Insert(more) => passed.push(*more),
                    Mischief::Cut => self.cut = true,
                }
            }
            self.at += 1;
            if self.cut {
                break;
            }
            passed.extend(now);
        }
        passed
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn someone_in_between_breaks_nothing_but_the_connection(
        (wish, answered) in wishes(),
        offer in offers(),
        commands in commands(),
        turns in vec(any::<u8>(), 0..20),
        to_filter in mischiefs(),
        to_mta in mischiefs(),
    ) {
        let last = Cell::new(None);
        let mut player = Player { answered: &answered, turns: &turns, turn: 0, last: &last };
        let mut filter = Played::new(wish, |event, context: &mut Context| player.answer(&event, context));
        let mut mta = Mta::new(offer);
        let (mut to_filter, mut to_mta) = (Middle::new(to_filter), Middle::new(to_mta));
        let mut commands = commands.into_iter().map(|(command, _)| command).chain([C::Quit]);
        let mut coming = Vec::new();
        let mut filter_is_done = false;
        let mut ended = None;
        for _ in 0..10_000 {
            let waiting = mta.waits_for();
            match mta.step() {
                Ok(Step::Write(octets)) => {
                    let passed = to_filter.pass(octets);
                    if filter_is_done {
                        continue;
                    }
                    if !passed.is_empty() {
                        filter.receive(&passed);
                    }
                    if to_filter.cut {
                        filter.receive(b"");
                    }
                    let mut out = Vec::new();
                    filter_is_done = filter.run(&mut out, 0).unwrap_or(true);
                    coming.extend(to_mta.pass(&out));
                }
                Ok(Step::Read) if !coming.is_empty() => mta.receive(&std::mem::take(&mut coming)),
                Ok(Step::Read) if waiting.is_none() => match commands.next() {
                    Some(command) => match mta.send(&sample(command)) {
                        Ok(_) | Err(SendError::Order(_)) => {}
                        Err(error) => prop_assert!(false, "{error}"),
                    },
                    None => prop_assert!(false, "a QUIT was sent: nothing is to be read"),
                },
                // The filter is done, or waits for octets that got lost: the MTA loses its patience.
                Ok(Step::Read) => mta.receive(b""),
                Ok(Step::Event(_)) => {}
                Ok(Step::Close) => {
                    ended = Some(None);
                    break;
                }
                Err(error) => {
                    prop_assert!(!error.to_string().is_empty());
                    prop_assert_eq!(mta.step().err(), Some(error), "errors are final");
                    prop_assert_eq!(mta.send(&sample(C::Quit)), Err(SendError::Closed));
                    ended = Some(Some(error));
                    break;
                }
            }
        }
        prop_assert!(ended.is_some(), "it never ends");
        // The filter, too, comes to its end.
        filter.receive(b"");
        let end = filter.run(&mut Vec::new(), 0);
        prop_assert!(!matches!(end, Ok(false)), "the filter waits for more than the end of the stream");
    }
}
