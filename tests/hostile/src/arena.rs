//! Where attacks take place.

use milter_tests::Adapter;
use std::fmt;
use std::path::PathBuf;

/// What is attacked, and how hard.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "never published; the command and the tests build it")]
pub struct Arena {
    /// The program of this package: it is the filter under attack as well.
    pub program: PathBuf,
    /// What that filter runs on.
    pub adapter: Adapter,
    /// What it listens on.
    pub transport: Transport,
    /// Everything in full, with deadlines as they are by default.
    pub long: bool,
    /// How many messages the soak has.
    pub messages: u64,
}

impl fmt::Display for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.adapter, self.transport)
    }
}

/// A kind of socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
#[allow(clippy::exhaustive_enums, reason = "never published; there are two")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// A unix socket.
    Unix,
}

impl Transport {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Unix];
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Unix => "unix",
        })
    }
}
