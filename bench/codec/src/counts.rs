//! Counts, which do not depend on what else the machine does: instructions by valgrind, and heap allocations.

use crate::case::Case;
use crate::seen::Seen;
use std::fmt;
use std::hint::black_box;
use std::io;
use std::process::Command;

/// What one run of a case takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Instructions.
    pub instructions: u64,
    /// Heap allocations.
    pub allocations: u64,
}

/// Counts the heap allocations of a run. That takes an allocator that counts, which is the program's own: whoever else uses
/// this library, such as to be measured, has none.
pub type CountAllocations = fn(run: &mut dyn FnMut()) -> u64;

impl Counts {
    /// Counts a case. This program runs itself, and has to hand the arguments to [`run_for_valgrind`].
    pub fn of(case: Case, count_allocations: CountAllocations) -> Result<Self, CountError> {
        Ok(Self { instructions: instructions(case)?, allocations: allocations(case, count_allocations) })
    }
}

/// The first argument of a program that is run to be counted; the second one is the case.
pub const COUNTED: &str = "--counted";

/// Runs a case in the way that [`Counts::of`] counts it.
pub fn run_for_valgrind(case: Case) {
    let recording = case.recording();
    let mut run = case.prepare(&recording);
    warm_up(&mut run);
    black_box(the_run_that_is_counted(&mut run));
}

fn instructions(case: Case) -> Result<u64, CountError> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*the_run_that_is_counted*")
        .arg(std::env::current_exe()?)
        .args([COUNTED, &case.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(instructions @ 1..) if output.status.success() => Ok(instructions),
        _ => Err(CountError::Nothing { case, said: said.into_owned() }),
    }
}

fn allocations(case: Case, count: CountAllocations) -> u64 {
    let recording = case.recording();
    let mut run = case.prepare(&recording);
    warm_up(&mut run);
    count(&mut || {
        black_box(run());
    })
}

/// Buffers grow and the processor's features are looked up in the first runs.
fn warm_up(run: &mut impl FnMut() -> Seen) {
    for _ in 0..2 {
        black_box(run());
    }
}

/// Found by its name.
#[inline(never)]
fn the_run_that_is_counted(run: &mut impl FnMut() -> Seen) -> Seen {
    run()
}

/// Instructions that could not be counted.
#[derive(Debug)]
#[non_exhaustive]
pub enum CountError {
    /// valgrind could not be started.
    Valgrind(io::Error),
    /// valgrind counted nothing.
    Nothing {
        /// In which case.
        case: Case,
        /// What it said instead.
        said: String,
    },
}

impl From<io::Error> for CountError {
    fn from(error: io::Error) -> Self {
        Self::Valgrind(error)
    }
}

impl fmt::Display for CountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valgrind(error) => write!(f, "valgrind cannot be run, it is a package of its own: {error}"),
            Self::Nothing { case, said } => write!(f, "valgrind counted nothing in {case}:\n{said}"),
        }
    }
}

impl std::error::Error for CountError {}
