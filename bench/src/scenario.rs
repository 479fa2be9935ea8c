//! What is asked of a server.

use crate::bare::Stages;
use std::fmt;
use std::str::FromStr;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scenario {
    Reuse,
    Small,
    Headers,
    Large,
    Silent,
    /// Connections that wait, this many.
    Idle(usize),
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Reuse, Self::Small, Self::Headers, Self::Large, Self::Silent, Self::Idle(1000)];

    /// Headers of a message, and octets of its body.
    pub(crate) const fn message(self) -> (usize, usize) {
        match self {
            Self::Headers => (200, 4 << 10),
            Self::Large => (12, 10 << 20),
            _ => (12, 4 << 10),
        }
    }

    pub(crate) const fn stages(self) -> Stages {
        match self {
            Self::Silent => Stages::Silent,
            _ => Stages::Replied,
        }
    }

    /// How many connections send messages at the same time.
    pub(crate) const fn connections(self) -> usize {
        match self {
            Self::Large => 2,
            _ => 4,
        }
    }

    /// Whether each message has a connection of its own.
    pub(crate) const fn reconnects(self) -> bool {
        matches!(self, Self::Small)
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let idle = |count: &str| match count.parse() {
            Ok(connections) if connections > 0 => Some(Self::Idle(connections)),
            _ => None,
        };
        let named = Self::ALL.into_iter().find(|scenario| scenario.to_string() == text);
        named
            .or_else(|| idle(text.strip_prefix("idle:")?))
            .ok_or_else(|| "none of reuse, small, headers, large, no-reply and idle:CONNECTIONS".to_owned())
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reuse => f.write_str("reuse"),
            Self::Small => f.write_str("small"),
            Self::Headers => f.write_str("headers"),
            Self::Large => f.write_str("large"),
            Self::Silent => f.write_str("no-reply"),
            Self::Idle(connections) => write!(f, "idle:{connections}"),
        }
    }
}
