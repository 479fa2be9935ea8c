//! What a known difference is, and what demands it.

use super::difference::Difference;
use super::listed::REASONS;

/// What a difference is. Where we are not the stricter one, what demands it is a part of that.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    /// We refuse, and all before is the same: we are stricter.
    WeRefuse,
    /// We answer what libmilter's table drops without an answer, so that its MTA waits for ever.
    TheyAreSilent,
    /// libmilter closes the connection where we go on.
    TheyRefuse(Demand),
    /// Both answer, and not the same.
    BothDiffer(Demand),
}

/// Why we do what libmilter does not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// The statements that demand it, and what they say.
    pub(super) by: &'static str,
    /// Why nothing gets through that a filter on libmilter would have stopped.
    pub(super) harmless: &'static str,
}

/// A known difference.
#[derive(Debug)]
pub(super) struct Reason {
    pub(super) claim: Claim,
    pub(super) name: &'static str,
    applies: fn(&Difference<'_>) -> bool,
}

impl Reason {
    /// The reason of a difference; none, if it is not listed.
    pub(super) fn of(difference: &Difference<'_>) -> Option<&'static Self> {
        REASONS.iter().find(|reason| reason.claim.holds(difference) && (reason.applies)(difference))
    }
}

impl Claim {
    /// What it is, in words.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::WeRefuse => "we refuse, and all before is the same: we are stricter",
            Self::TheyAreSilent => "we answer what libmilter drops without an answer",
            Self::TheyRefuse(_) => "libmilter closes the connection, and we go on as demanded",
            Self::BothDiffer(_) => "both answer, and not the same: we as demanded",
        }
    }

    /// What demands it; nothing, where we are stricter or libmilter is silent.
    pub(super) const fn demand(self) -> Option<Demand> {
        match self {
            Self::WeRefuse | Self::TheyAreSilent => None,
            Self::TheyRefuse(demand) | Self::BothDiffer(demand) => Some(demand),
        }
    }

    /// Whether it is so.
    fn holds(self, d: &Difference<'_>) -> bool {
        match self {
            Self::WeRefuse => d.we_refuse() && d.we_told.is_none() && d.we_said.is_none(),
            Self::TheyAreSilent => !d.we_refuse() && d.dropped().is_some(),
            Self::TheyRefuse(_) => !d.we_refuse() && d.they_told.is_none() && d.they_said.is_none(),
            Self::BothDiffer(_) => true,
        }
    }
}

pub(super) const fn reason(claim: Claim, name: &'static str, applies: fn(&Difference<'_>) -> bool) -> Reason {
    Reason { claim, name, applies }
}
