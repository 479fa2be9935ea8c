//! Where two libraries that lived the same session part.

use super::filter::{Kind, Told};
use super::libmilter::Theirs;
use super::ours::Ours;
use super::packets::letter_of;
use super::table::Passed;

/// A session that both lived.
#[derive(Debug)]
pub(super) struct Both<'a> {
    pub(super) kind: &'a Kind,
    pub(super) packets: &'a [Vec<u8>],
    pub(super) ours: &'a Ours,
    pub(super) theirs: &'a Theirs,
    /// What libmilter's table does about each packet.
    pub(super) passed: &'a [Passed],
}

/// The first place where they differ: what one is told or answers and the other does not, or that one closes the
/// connection.
#[derive(Debug)]
pub(super) struct Difference<'a> {
    pub(super) both: &'a Both<'a>,
    /// The packet about which they differ; the number of packets is the end of the stream.
    pub(super) at: usize,
    pub(super) we_told: Option<&'a Told>,
    pub(super) they_told: Option<&'a Told>,
    pub(super) we_said: Option<&'a [u8]>,
    pub(super) they_said: Option<&'a [u8]>,
}

impl<'a> Difference<'a> {
    pub(super) fn find(both: &'a Both<'a>) -> Option<Self> {
        let Both { ours, theirs, .. } = both;
        let we_told: Vec<_> = ours.asked().collect();
        let they_told: Vec<_> = theirs.asked().collect();
        let told = we_told.iter().zip(&they_told).take_while(|((_, we), they)| we.is_same(they)).count();
        let said = ours.said.iter().zip(&theirs.said).take_while(|((_, we), they)| we == *they).count();
        let told_differs = told < we_told.len().max(they_told.len());
        let said_differs = said < ours.said.len().max(theirs.said.len());
        if !told_differs && !said_differs && !both.ends_differ() {
            return None;
        }
        // What only libmilter has comes after all of ours.
        let told_at = we_told.get(told).map_or(ours.ended_at, |(at, _)| *at);
        let said_at = ours.said.get(said).map_or(ours.ended_at, |(at, _)| *at);
        Some(Self {
            both,
            at: match (told_differs, said_differs) {
                (true, true) => told_at.min(said_at),
                (true, false) => told_at,
                (false, true) => said_at,
                (false, false) => ours.ended_at,
            },
            we_told: we_told.get(told).map(|(_, told)| *told),
            they_told: they_told.get(told).copied(),
            we_said: ours.said.get(said).map(|(_, said)| &said[..]),
            they_said: theirs.said.get(said).map(|said| &said[..]),
        })
    }

    /// The packet; empty at the end of the stream.
    pub(super) fn packet(&self) -> &'a [u8] {
        self.both.packets.get(self.at).map_or(&[], |packet| packet)
    }

    /// Its letter.
    pub(super) fn letter(&self) -> u8 {
        letter_of(self.packet())
    }

    /// The state in which it comes to libmilter.
    pub(super) fn state(&self) -> Option<u8> {
        self.both.passed.get(self.at).map(|passed| passed.state)
    }

    /// Whether we refuse it.
    pub(super) fn we_refuse(&self) -> bool {
        self.both.ours.refused.is_some() && self.both.ours.ended_at == self.at
    }

    /// The packet that libmilter drops although we act on it, and the state in which it comes.
    ///
    /// Where commands are unwanted, that one is dropped shows only when something else is told or answered.
    pub(super) fn dropped(&self) -> Option<(usize, u8)> {
        let Both { kind, packets, ours, passed, .. } = self.both;
        let (mut told, mut first) = (ours.asked().map(|(at, _)| at).peekable(), None);
        for (at, passed) in passed.iter().enumerate().take(self.at + 1) {
            let is_unwanted = kind.unwanted.as_bytes().contains(&letter_of(&packets[at]));
            let mut acted = is_unwanted || ours.verdict(at).is_some() || (self.we_refuse() && at == self.at);
            while told.next_if_eq(&at).is_some() {
                acted = true;
            }
            if acted && !passed.taken {
                first = first.or(Some((at, passed.state)));
            }
        }
        first.filter(|(at, _)| *at == self.at || !kind.unwanted.is_empty())
    }
}

impl Both<'_> {
    /// Whether only one closed the connection before the end of the stream.
    fn ends_differ(&self) -> bool {
        let Self { packets, ours, theirs, .. } = self;
        match ours.refused {
            _ if theirs.crashed => true,
            Some(_) => ours.ended_at + 1 < packets.len() && !theirs.closed_early,
            None => ours.ended_at == packets.len() && theirs.closed_early,
        }
    }
}
