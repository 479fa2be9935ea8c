//! An MTA and a filter on one line, and maybe someone in between.

use super::player::answer;
use super::{Mischief, Talk};
use milter_proto::{BodyVerdict, CommandKind, Error, Event, Heard, Mta, PROGRESS, Scope, Session, Step};

pub(super) struct Line<'t> {
    talk: &'t Talk,
    pub(super) mta: Mta,
    pub(super) filter: Session,
    /// How the filter ended, once it did.
    pub(super) filter_end: Option<Result<(), Error>>,
    /// What the filter was asked last, and what it thought of it.
    pub(super) asked: Option<(CommandKind, u8)>,
    /// What the MTA heard.
    pub(super) heard: Vec<Told>,
    /// On its way to the MTA.
    coming: Vec<u8>,
    turn: usize,
    piece: usize,
    is_honest: bool,
    to_filter: Middle<'t>,
    to_mta: Middle<'t>,
}

#[derive(Debug)]
pub(super) enum Told {
    Negotiated,
    Progress,
    Modification,
    Decided(BodyVerdict, Scope),
}

impl<'t> Line<'t> {
    pub(super) fn honest(talk: &'t Talk) -> Self {
        Self { is_honest: true, ..Self::with_someone_in_between(talk, &[], &[]) }
    }

    pub(super) fn with_someone_in_between(
        talk: &'t Talk,
        to_filter: &'t [(u16, Mischief)],
        to_mta: &'t [(u16, Mischief)],
    ) -> Self {
        let mut wish = talk.wanted.wish();
        for (stage, names) in &talk.macros {
            wish.request_macros(*stage, names);
        }
        let mta = Mta::new(talk.offer);
        Self {
            talk,
            mta: if talk.strict { mta.strict() } else { mta },
            filter: Session::new(wish),
            filter_end: None,
            asked: None,
            heard: Vec::new(),
            coming: Vec::new(),
            turn: 0,
            piece: 0,
            is_honest: false,
            to_filter: Middle { at: 0, mischiefs: to_filter, cut: false },
            to_mta: Middle { at: 0, mischiefs: to_mta, cut: false },
        }
    }

    /// Passes octets to and fro until the MTA waits for nothing, or has closed, which is said.
    pub(super) fn settle(&mut self) -> Result<bool, Error> {
        for _ in 0..100_000 {
            let is_waiting = self.mta.waits_for().is_some();
            match self.mta.step()? {
                Step::Write(octets) => {
                    let octets = octets.to_vec();
                    self.pass(&octets);
                }
                Step::Event(heard) => self.heard.push(match heard {
                    Heard::Negotiated(_) => Told::Negotiated,
                    Heard::Progress => Told::Progress,
                    Heard::Modification(_) => Told::Modification,
                    Heard::Decided(decision) => Told::Decided(decision.outcome.to_verdict(), decision.scope),
                    other => panic!("{other:?}"),
                }),
                Step::Read if !self.coming.is_empty() => {
                    let size = self.size(self.coming.len());
                    let piece: Vec<u8> = self.coming.drain(..size).collect();
                    self.mta.receive(&piece);
                }
                Step::Read if !is_waiting => return Ok(false),
                Step::Read => {
                    // The filter is done, or waits for octets that got lost: the MTA loses its patience.
                    assert!(!self.is_honest || self.filter_end.is_some(), "both sides wait");
                    self.mta.receive(b"");
                }
                Step::Close => return Ok(true),
            }
        }
        panic!("it never ends");
    }

    /// The filter hears the end of the stream.
    pub(super) fn hang_up(&mut self) {
        self.filter.receive(b"");
        self.filter_runs();
    }

    fn pass(&mut self, octets: &[u8]) {
        let passed = self.to_filter.pass(octets);
        let mut rest = &passed[..];
        while !rest.is_empty() && self.filter_end.is_none() {
            let (piece, later) = rest.split_at(self.size(rest.len()));
            self.filter.receive(piece);
            self.filter_runs();
            rest = later;
        }
        if self.to_filter.cut {
            self.hang_up();
        }
    }

    fn filter_runs(&mut self) {
        while self.filter_end.is_none() {
            let verdict = match self.filter.step() {
                Ok(Step::Read) => return,
                Ok(Step::Write(octets)) => {
                    self.coming.extend(self.to_mta.pass(octets));
                    continue;
                }
                Ok(Step::Close) => {
                    self.filter_end = Some(Ok(()));
                    return;
                }
                Err(error) => {
                    self.filter_end = Some(Err(error));
                    return;
                }
                Ok(Step::Event(happened)) => {
                    if matches!(happened.event, Event::EndOfMessage(_)) {
                        self.coming.extend(self.to_mta.pass(&PROGRESS.repeat(self.talk.progress)));
                    }
                    let turns = &self.talk.turns;
                    let turn = turns.get(self.turn % turns.len().max(1)).copied().unwrap_or_default();
                    self.turn += 1;
                    let (verdict, chosen) = answer(self.talk.wanted, turn, &happened.event, happened.context);
                    self.asked = Some((happened.event.kind(), chosen));
                    verdict
                }
            };
            if let Some(verdict) = verdict {
                self.filter.answer(verdict).expect("an answer that the stage takes");
            }
        }
    }

    /// How many of so many octets come next.
    fn size(&mut self, length: usize) -> usize {
        let sizes = &self.talk.sizes;
        let size = sizes.get(self.piece % sizes.len().max(1)).copied().unwrap_or(length);
        self.piece += 1;
        size.clamp(1, length)
    }
}

/// One direction with someone in it.
struct Middle<'t> {
    at: usize,
    mischiefs: &'t [(u16, Mischief)],
    cut: bool,
}

impl Middle<'_> {
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
