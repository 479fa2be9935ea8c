//! What was measured, and what it may be.

use std::fmt;
use std::time::Duration;

/// One measured figure of an attack.
#[derive(Clone, Debug)]
pub struct Figure {
    what: String,
    measured: Quantity,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Quantity {
    Time(Duration),
    Octets(i64),
    Count(u64),
    Percent(f64),
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    AtMost(Quantity),
    Between(Duration, Duration),
    Exactly(u64),
}

impl Figure {
    /// Whether it is within its bound. On a machine that does other things as well whatever takes time may take so many
    /// times as long; nothing else may be more.
    pub fn passes(&self, patience: u32) -> bool {
        match (self.measured, self.bound) {
            (Quantity::Time(time), Bound::AtMost(Quantity::Time(most))) => time <= most * patience,
            (Quantity::Time(time), Bound::Between(least, most)) => time >= least && time <= most * patience,
            (Quantity::Percent(share), Bound::AtMost(Quantity::Percent(most))) => share <= most,
            (Quantity::Octets(octets), Bound::AtMost(Quantity::Octets(most))) => octets <= most,
            (Quantity::Count(count), Bound::Exactly(expected)) => count == expected,
            (measured, bound) => panic!("{measured:?} cannot be compared with {bound:?}"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, measured, bound } = self;
        write!(f, "{what}: {measured} ({bound})")
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) if *time < Duration::from_millis(1) => {
                write!(f, "{:.0} us", time.as_secs_f64() * 1e6)
            }
            Self::Time(time) if *time < Duration::from_secs(10) => {
                write!(f, "{:.1} ms", time.as_secs_f64() * 1e3)
            }
            Self::Time(time) => write!(f, "{:.1} s", time.as_secs_f64()),
            Self::Octets(octets) if octets.abs() < 1 << 20 => write!(f, "{:.1} KiB", *octets as f64 / 1024.0),
            Self::Octets(octets) => write!(f, "{:.1} MiB", *octets as f64 / f64::from(1 << 20)),
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(share) => write!(f, "{share:.1} %"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::Between(least, most) => {
                write!(f, "{} to {}", Quantity::Time(*least), Quantity::Time(*most))
            }
            Self::Exactly(count) => write!(f, "exactly {count}"),
        }
    }
}

/// The figures of one attack.
#[derive(Clone, Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// What was measured.
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    pub(crate) fn time(&mut self, what: &str, measured: Duration, most: Duration) {
        self.push(what, Quantity::Time(measured), Bound::AtMost(Quantity::Time(most)));
    }

    /// A time that is too short is wrong as well. It is measured from before the filter can know that its time runs, but
    /// by a clock that is finer than the filter's, which goes by the ticks of the system.
    pub(crate) fn deadline(&mut self, what: &str, measured: Duration, deadline: Duration) {
        let second = Duration::from_secs(1);
        let least = deadline.saturating_sub(Duration::from_millis(10));
        self.push(what, Quantity::Time(measured), Bound::Between(least, deadline + second));
    }

    pub(crate) fn octets(&mut self, what: &str, measured: i64, most: i64) {
        self.push(what, Quantity::Octets(measured), Bound::AtMost(Quantity::Octets(most)));
    }

    pub(crate) fn count(&mut self, what: &str, measured: usize, expected: usize) {
        self.push(what, Quantity::Count(measured as u64), Bound::Exactly(expected as u64));
    }

    pub(crate) fn percent(&mut self, what: &str, measured: f64, most: f64) {
        self.push(what, Quantity::Percent(measured), Bound::AtMost(Quantity::Percent(most)));
    }

    fn push(&mut self, what: &str, measured: Quantity, bound: Bound) {
        self.figures.push(Figure { what: what.to_owned(), measured, bound });
    }
}
