//! Laws of the MTA's side of a connection, for any filter.

use crate::octets::octets;
use crate::script::{Said, Script};
use crate::session::any_packets;
use crate::{packets_of, responses};
use milter_proto::{
    Agreement, Arguments, Command, CommandKind, Error, Heard, MacroPairsBuf, Mta, Options, Outcome, Packet,
    Protocol, Rcpt, SendError, Sent, Step, Text,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What came of it.
#[derive(Debug, Eq, PartialEq)]
struct Lived {
    /// What was heard, and what became of each command.
    story: Vec<String>,
    written: Vec<u8>,
    /// How it ended, once it did.
    end: Option<Result<(), Error>>,
}

/// Law: whatever the filter says, the MTA hears only answers to what it asked, only modifications that were agreed and
/// only where they may come; it sends nothing that was switched off; it comes to an end; its errors are final; and however
/// what the filter says is cut, all of this is the same.
pub fn a_filter_may_say_anything(offer: Options, strict: bool, script: &Script, sizes: &[usize]) {
    let whole = live(offer, strict, script, &[]);
    what_is_sent_was_wanted(offer, &whole.written);
    for sizes in [sizes, &[1]] {
        let cut = live(offer, strict, script, sizes);
        assert!(whole == cut, "whole {whole:?}\ncut {cut:?}");
    }
}

fn live(offer: Options, strict: bool, script: &Script, sizes: &[usize]) -> Lived {
    let mta = if strict { Mta::new(offer).strict() } else { Mta::new(offer) };
    let lived = Lived { story: Vec::new(), written: Vec::new(), end: None };
    let mut run = Run { mta, offer, has_quit: false, lived };
    run.settle();
    for said in &script.0 {
        match said {
            Said::Mta(letter, payload) => {
                if let Ok(command) = Command::decode(Packet::new(*letter, payload)) {
                    run.send(command.kind(), |mta| mta.send(&command));
                }
            }
            Said::Rejected(recipient) => {
                let mut macros = MacroPairsBuf::new();
                macros.push("{rcpt_host}", "5.1.1").expect("no NUL");
                if let Some(rcpt) =
                    Text::new(recipient).ok().and_then(|text| Rcpt::new(text, Arguments::default()).ok())
                {
                    run.send(CommandKind::Rcpt, |mta| mta.send_rejected(rcpt, macros.view()));
                }
            }
            filter => run.receive(&filter.from_filter().unwrap_or_default(), sizes),
        }
    }
    if run.mta.waits_for().is_none() {
        run.send(CommandKind::Quit, |mta| mta.send(&Command::Quit));
    }
    run.receive(b"", &[]);
    assert!(run.lived.end.is_some(), "it waits for more than the end of the stream");
    run.lived
}

struct Run {
    mta: Mta,
    offer: Options,
    has_quit: bool,
    lived: Lived,
}

impl Run {
    /// The filter says something, in pieces of these sizes.
    fn receive(&mut self, mut octets: &[u8], sizes: &[usize]) {
        let mut sizes = sizes.iter().cycle();
        loop {
            if self.lived.end.is_some() {
                return;
            }
            let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, octets.len().max(1));
            let (piece, rest) = octets.split_at(size.min(octets.len()));
            self.mta.receive(piece);
            self.settle();
            octets = rest;
            if octets.is_empty() {
                return;
            }
        }
    }

    fn send(&mut self, kind: CommandKind, send: impl FnOnce(&mut Mta) -> Result<Sent, SendError>) {
        // One that went after a verdict over the whole session: its connection is to be closed, and is here.
        if self.lived.end == Some(Ok(())) && !self.has_quit {
            return;
        }
        let waiting = self.mta.waits_for();
        let sent = send(&mut self.mta);
        match sent {
            _ if self.lived.end.is_some() => assert_eq!(sent, Err(SendError::Closed)),
            Ok(Sent::Awaited) => assert_eq!((waiting, self.mta.waits_for()), (None, Some(kind))),
            Ok(_) => assert_eq!((waiting, self.mta.waits_for()), (None, None)),
            Err(SendError::Waiting { command: _, waiting: awaited }) => assert_eq!(waiting, Some(awaited)),
            Err(SendError::Closed) => panic!("it is not over"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        self.has_quit |= kind == CommandKind::Quit && sent.is_ok();
        self.lived.story.push(format!("{kind} {sent:?}"));
        self.settle();
    }

    /// Takes steps up to the next `Read` or the end.
    fn settle(&mut self) {
        while self.lived.end.is_none() {
            let waiting = self.mta.waits_for();
            let before = self.mta.agreement().copied();
            match self.mta.step() {
                Ok(Step::Read) => return,
                Ok(Step::Write(octets)) => {
                    assert!(!octets.is_empty(), "an empty write");
                    self.lived.written.extend_from_slice(octets);
                }
                Ok(Step::Event(heard)) => {
                    self.lived.story.push(format!("{heard:?}"));
                    is_an_answer(&heard, waiting.expect("a command that waits"), before.as_ref());
                    let is_decided = matches!(heard, Heard::Decided(_) | Heard::Negotiated(_));
                    assert_eq!(self.mta.waits_for().is_none(), is_decided);
                    self.has_agreed_to_a_part_of_the_offer();
                }
                Ok(Step::Close) => self.lived.end = Some(Ok(())),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    assert_eq!(self.mta.step().err(), Some(error), "errors are final");
                    self.lived.end = Some(Err(error));
                }
            }
        }
    }

    fn has_agreed_to_a_part_of_the_offer(&self) {
        let agreed = self.mta.agreement().expect("an agreement").options();
        assert!(agreed.version <= self.offer.version && self.offer.actions.contains(agreed.actions));
        assert!(self.offer.protocol.contains(agreed.protocol));
    }
}

fn is_an_answer(heard: &Heard<'_>, to: CommandKind, agreement: Option<&Agreement>) {
    use CommandKind::{Body, EndOfMessage, Header, Negotiate, Rcpt};
    let agreed = agreement.map(Agreement::options);
    match heard {
        Heard::Negotiated(_) => assert_eq!((to, agreed), (Negotiate, None)),
        Heard::Progress => assert!(agreed.is_some()),
        Heard::Modification(modification) => {
            assert_eq!(to, EndOfMessage);
            assert!(agreed.is_some_and(|agreed| agreed.actions.contains(modification.action())));
        }
        Heard::Decided(decision) => {
            assert_eq!(decision.command, to);
            if decision.outcome == Outcome::Skip {
                assert!(matches!(to, Body | Header | Rcpt));
                assert!(agreed.is_some_and(|agreed| agreed.protocol.contains(Protocol::SKIP)));
            }
        }
        other => panic!("{other:?}"),
    }
}

/// Sound commands, the offer first, none after QUIT, and each body chunk or header has a message around it.
fn what_is_sent_was_wanted(offer: Options, written: &[u8]) {
    let packets = packets_of(written);
    for (at, (letter, payload)) in packets.iter().enumerate() {
        let command = Command::decode(Packet::new(*letter, payload)).expect("a sound command");
        assert_eq!(at == 0, command == Command::Negotiate(offer), "the offer comes first, and once");
        assert!(*letter != b'Q' || at + 1 == packets.len(), "something after QUIT");
    }
}

/// Commands, mostly in a lawful order, and what a filter says to them: mostly what an MTA may hear.
pub fn any_script() -> impl Strategy<Value = Script> {
    let answer = prop_oneof![
        20 => Just(vec![Said::Filter(b'c', Vec::new())]),
        4 => select(&b"cardtsp"[..]).prop_map(|letter| vec![Said::Filter(letter, Vec::new())]),
        3 => Just(Vec::new()),
        2 => (responses::modification(), Just(b'a')).prop_map(|((letter, payload), verdict)| {
            vec![Said::Filter(letter, payload), Said::Filter(verdict, Vec::new())]
        }),
        1 => responses::letter_and_payload().prop_map(|(letter, payload)| vec![Said::Filter(letter, payload)]),
        1 => octets(300).prop_map(|octets| vec![Said::Octets(octets)]),
    ];
    let agreed = select(&[[0, 0], [u32::MAX, 0x1f_fc00], [0x1ff, 0x1f_ffff], [0x1ff, 0x0010_0480]][..]);
    let agreed =
        (2..7u32, agreed, responses::requests()).prop_map(|(version, [actions, protocol], requests)| {
            let mut answer = [version, actions, protocol].map(u32::to_be_bytes).concat();
            for (stage, names) in requests.into_iter().take(2) {
                answer.extend((stage as u32).to_be_bytes());
                answer.extend(names.bytes().filter(|octet| *octet != 0).chain([0]));
            }
            Said::Filter(b'O', answer)
        });
    (agreed, any_packets(), vec(answer, 24)).prop_map(|(agreed, packets, answers)| {
        let said = packets.into_iter().skip(1).zip(answers).flat_map(|((letter, payload), answers)| {
            let is_rejected = letter == b'R' && payload.len() > 3;
            let command = if is_rejected { Said::Rejected(payload) } else { Said::Mta(letter, payload) };
            [command].into_iter().chain(answers)
        });
        Script([agreed].into_iter().chain(said).collect())
    })
}
