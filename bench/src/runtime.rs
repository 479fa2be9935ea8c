//! What servers run on.

use clap::ValueEnum;

/// A runtime.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[allow(clippy::exhaustive_enums)] // programs of this package match all of them
pub enum Runtime {
    /// tokio, on a thread for each core.
    Tokio,
    /// tokio on one thread: the recipe of one runtime per core.
    Tokio1,
    /// smol.
    Smol,
    /// async-std.
    AsyncStd,
}

impl Runtime {
    /// As it is written on a command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Tokio1 => "tokio1",
            Self::Smol => "smol",
            Self::AsyncStd => "async-std",
        }
    }
}
