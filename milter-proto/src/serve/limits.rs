//! How many connections a server has, and how far its end has come.

use core::time::Duration;

/// How long a server that cannot accept a connection waits before it tries again, unless one of its connections ends
/// before: long enough not to spin, short enough for whoever waits.
pub const ACCEPT_BACK_OFF: Duration = Duration::from_millis(20);

/// How many connections a process may hold that may have this many open descriptors: some are left to the program.
///
/// ```
/// # use milter_proto::connections_for;
/// assert_eq!(connections_for(1024), 960);
/// assert_eq!(connections_for(20), 10);
/// assert_eq!(connections_for(1), 1);
/// ```
pub fn connections_for(descriptors: usize) -> usize {
    descriptors.saturating_sub(64).max(descriptors / 2).max(1)
}

/// How far a server's end has come. It never goes back.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // there is nothing after the end
pub enum Phase {
    /// Connections are accepted and served.
    #[default]
    Serving,
    /// None are accepted, and those without an open message end.
    Draining,
    /// All end at once.
    Closing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_descriptors_but_64_serve_connections_or_half_of_a_few() {
        assert_eq!([0, 3, 100, 128, 1024].map(connections_for), [1, 1, 50, 64, 960]);
    }
}
