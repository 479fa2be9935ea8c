//! The counts that are committed, and whether a change makes them grow.

use crate::case::{Case, Group};
use crate::counts::{CountAllocations, CountError, Counts};
use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::str::FromStr;

/// The counts of every case, and what they were made with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Baseline {
    /// Compiler, valgrind, C library and processor: counts of others cannot be compared.
    tools: String,
    counts: BTreeMap<String, Counts>,
}

/// A case whose counts are not those of the baseline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    case: String,
    before: Option<Counts>,
    after: Option<Counts>,
}

/// By how many hundredths a count may grow.
const TOLERATED: u64 = 3;

impl Baseline {
    /// Counts every case here and now.
    pub fn of_this_build(count_allocations: CountAllocations) -> Result<Self, CountError> {
        let case = |case: Case| Ok((case.to_string(), Counts::of(case, count_allocations)?));
        Ok(Self {
            tools: tools()?,
            counts: Group::all().flat_map(Group::cases).map(case).collect::<Result<_, CountError>>()?,
        })
    }

    /// What the counts were made with.
    pub fn tools(&self) -> &str {
        &self.tools
    }

    /// Every case whose counts are others after it.
    pub fn changes(&self, after: &Self) -> Vec<Change> {
        let mut cases: Vec<&String> = self.counts.keys().chain(after.counts.keys()).collect();
        cases.sort_unstable();
        cases.dedup();
        cases
            .into_iter()
            .map(|case| Change {
                case: case.clone(),
                before: self.counts.get(case).copied(),
                after: after.counts.get(case).copied(),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}

impl Change {
    /// Whether the change has to be accepted: a count grows by more than is tolerated, a case is new or gone.
    pub fn is_refused(&self) -> bool {
        let (Some(before), Some(after)) = (self.before, self.after) else { return true };
        let grows = |before: u64, after: u64| after * 100 > before * (100 + TOLERATED);
        grows(before.instructions, after.instructions) || grows(before.allocations, after.allocations)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = &self.case;
        match (self.before, self.after) {
            (Some(before), Some(after)) => {
                let percent = (after.instructions as f64 / before.instructions as f64 - 1.0) * 100.0;
                write!(
                    f,
                    "{case}: {} -> {} instructions ({percent:+.1} %), {} -> {} allocations",
                    before.instructions, after.instructions, before.allocations, after.allocations
                )
            }
            (None, _) => write!(f, "{case}: new"),
            (_, None) => write!(f, "{case}: gone"),
        }
    }
}

const HEAD: &str = "# Made by `bench/check-counts --accept`, compared by `bench/check-counts`. Made with:";
const COLUMNS: &str = "# case; instructions and heap allocations of one run";

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n{}\n{COLUMNS}", self.tools)?;
        for (case, Counts { instructions, allocations }) in &self.counts {
            writeln!(f, "{case:30} {instructions:>10} {allocations:>4}")?;
        }
        Ok(())
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let (Some(HEAD), Some(tools), Some(COLUMNS)) = (lines.next(), lines.next(), lines.next()) else {
            return Err("the baseline does not begin as one".into());
        };
        let mut counts = BTreeMap::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [input, reads, subject, instructions, allocations] = words.as_slice() else {
                return Err(format!("no line of a baseline: {line}"));
            };
            let number = |word: &str| word.parse().map_err(|_| format!("no number in the baseline: {line}"));
            let counted = Counts { instructions: number(instructions)?, allocations: number(allocations)? };
            counts.insert([*input, *reads, *subject].join(" "), counted);
        }
        Ok(Self { tools: tools.into(), counts })
    }
}

/// Everything that the number of instructions depends on beside the sources, as it is here.
pub fn tools() -> Result<String, CountError> {
    let said = |program: &str, argument: &str| -> Result<String, CountError> {
        let output = Command::new(program).arg(argument).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().into())
    };
    let vectors = if has_wide_vectors() { "avx2" } else { "no avx2" };
    Ok([
        said("rustc", "--version")?,
        said("valgrind", "--version")?,
        said("getconf", "GNU_LIBC_VERSION")?,
        format!("{} {vectors}", std::env::consts::ARCH),
    ]
    .join(", "))
}

/// What valgrind shows of the processor: the C library and memchr choose by it.
#[cfg(target_arch = "x86_64")]
fn has_wide_vectors() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_wide_vectors() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(counts: &[(&str, u64, u64)]) -> Baseline {
        let counts = counts.iter().map(|&(case, instructions, allocations)| {
            (case.to_owned(), Counts { instructions, allocations })
        });
        Baseline { tools: "rustc 1.95.0, valgrind".into(), counts: counts.collect() }
    }

    #[test]
    fn reads_what_it_writes() {
        let written = baseline(&[("large 1460 decode", 10_000_000, 0), ("message whole silent", 20_000, 12)]);
        assert_eq!(written.to_string().parse(), Ok(written));
        for broken in ["", "message whole decode 1 0", &format!("{HEAD}\ntools\n{COLUMNS}\nmessage 1 0")] {
            assert!(broken.parse::<Baseline>().is_err(), "{broken}");
        }
    }

    #[test]
    fn more_than_three_hundredths_are_refused() {
        let before = baseline(&[("a b c", 1000, 100), ("d e f", 7, 0)]);
        for (instructions, allocations, refused) in
            [(1030, 103, false), (1031, 100, true), (1000, 104, true), (1, 1, false)]
        {
            let after = baseline(&[("a b c", instructions, allocations), ("d e f", 7, 0)]);
            let changes = before.changes(&after);
            assert_eq!(changes.iter().map(Change::is_refused).collect::<Vec<_>>(), [refused], "{changes:?}");
        }
        assert_eq!(before.changes(&before), []);
        let one_more = baseline(&[("a b c", 1000, 100), ("d e f", 7, 1)]);
        assert!(before.changes(&one_more)[0].is_refused(), "none is not one");
    }

    #[test]
    fn cases_that_are_new_or_gone_are_refused() {
        let (before, after) = (baseline(&[("a b c", 1, 0)]), baseline(&[("a b d", 1, 0)]));
        let changes: Vec<String> = before
            .changes(&after)
            .iter()
            .map(|change| {
                assert!(change.is_refused());
                change.to_string()
            })
            .collect();
        assert_eq!(changes, ["a b c: gone", "a b d: new"]);
    }
}
