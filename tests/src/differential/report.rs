//! What came of differential runs, counted.

use std::collections::BTreeMap;
use std::fmt;

use super::beside;
use super::difference::{Both, Difference};
use super::listed::REASONS;
use super::reason::{Demand, Reason};

/// What came of differential runs, counted.
#[derive(Debug, Default)]
pub struct Report {
    sessions: u64,
    told: usize,
    said: usize,
    refused_by_both: u64,
    same: u64,
    crashes: u64,
    listed: BTreeMap<&'static str, Count>,
    beside: BTreeMap<&'static str, Count>,
    unlisted: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    sessions: u64,
    /// The number of the first one.
    example: u64,
}

impl Report {
    /// How many sessions were lived.
    pub const fn sessions(&self) -> u64 {
        self.sessions
    }

    /// In how many both were told and answered the same, and refused at the same place or not at all.
    pub const fn same(&self) -> u64 {
        self.same
    }

    /// How many of the listed differences were found.
    pub fn reasons_found(&self) -> usize {
        self.listed.len()
    }

    /// The differences that are not listed: which session it was, and what differs.
    pub fn unlisted(&self) -> &[String] {
        &self.unlisted
    }

    pub(super) fn enter(&mut self, number: u64, both: &Both<'_>, difference: Option<&Difference<'_>>) {
        self.sessions += 1;
        self.told += both.ours.asked().count();
        self.said += both.ours.said.len();
        self.crashes += u64::from(both.theirs.crashed);
        match difference.map(Reason::of) {
            None => {
                self.same += 1;
                self.refused_by_both += u64::from(both.ours.refused.is_some());
            }
            Some(Some(reason)) => {
                count(&mut self.listed, reason.name, Count { sessions: 1, example: number });
            }
            Some(None) => self.unlisted.extend(difference.map(|difference| shown(number, difference))),
        }
        for beside in beside::differences(both, difference) {
            match beside {
                Ok(name) => count(&mut self.beside, name, Count { sessions: 1, example: number }),
                Err(what) => self.unlisted.push(format!("session {number}: {what}")),
            }
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.told += other.told;
        self.said += other.said;
        self.refused_by_both += other.refused_by_both;
        self.same += other.same;
        self.crashes += other.crashes;
        self.unlisted.extend(other.unlisted);
        for (counts, others) in [(&mut self.listed, other.listed), (&mut self.beside, other.beside)] {
            for (name, found) in others {
                count(counts, name, found);
            }
        }
    }
}

fn count(counts: &mut BTreeMap<&'static str, Count>, name: &'static str, found: Count) {
    let Count { sessions, example } = counts.entry(name).or_insert(Count { sessions: 0, ..found });
    *sessions += found.sessions;
    *example = found.example.min(*example);
}

/// An unlisted difference, for who has to find its reason.
fn shown(number: u64, d: &Difference<'_>) -> String {
    let packets =
        d.both.packets.iter().zip(d.both.passed).enumerate().take(d.at + 1).map(|(at, (packet, passed))| {
            let verdict = d.both.ours.verdict(at).map_or('-', char::from);
            let taken = if passed.taken { "takes" } else { "drops" };
            format!(
                "{} we say {verdict}, libmilter in {} {taken}",
                packet.escape_ascii(),
                char::from(passed.state)
            )
        });
    format!(
        "session {number}, packet {} ({:?}): refused {:?}, {}closed early; told {:?}, they {:?}; said {:?}, they {:?}\n{}",
        d.at,
        d.both.kind,
        d.both.ours.refused,
        if d.both.theirs.closed_early { "they " } else { "not " },
        d.we_told,
        d.they_told,
        d.we_said.map(<[u8]>::escape_ascii).map(|said| said.to_string()),
        d.they_said.map(<[u8]>::escape_ascii).map(|said| said.to_string()),
        packets.collect::<Vec<_>>().join("\n"),
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, told, said, same, refused_by_both, crashes, .. } = self;
        writeln!(f, "{sessions} sessions, {told} events, {said} answers")?;
        writeln!(f, "{same:9} the same, of which both refuse {refused_by_both}")?;
        for reasons in REASONS.chunk_by(|one, next| one.claim.heading() == next.claim.heading()) {
            let found = reasons.iter().filter_map(|reason| self.listed.get(reason.name));
            let sum: u64 = found.map(|count| count.sessions).sum();
            writeln!(f, "{sum:9} {}", reasons[0].claim.heading())?;
            for reason in reasons {
                row(f, reason.name, self.listed.get(reason.name))?;
                if let Some(Demand { by, harmless }) = reason.claim.demand() {
                    writeln!(f, "              demanded by {by}")?;
                    writeln!(f, "              harmless: {harmless}")?;
                }
            }
        }
        writeln!(f, "          sessions in which besides differ")?;
        self.beside.iter().try_for_each(|(name, count)| row(f, name, Some(count)))?;
        writeln!(f, "{crashes:9} sessions of which libmilter's process died")?;
        writeln!(f, "{:9} unlisted", self.unlisted.len())?;
        self.unlisted.iter().try_for_each(|unlisted| writeln!(f, "{unlisted}"))
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, count: Option<&Count>) -> fmt::Result {
    match count {
        Some(Count { sessions, example }) => writeln!(f, "{sessions:9}   {name} (session {example})"),
        None => writeln!(f, "        -   {name}"),
    }
}
