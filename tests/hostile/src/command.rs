//! The command: which attacks, on what, and what it prints.

use crate::arena::{Arena, Transport};
use crate::attacks::{ATTACKS, Attack};
use crate::filter;
use clap::Parser;
use milter_proto::BoxError;
use milter_tests::Adapter;
use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Attacks a filter on each adapter and kind of socket, and prints one line for each figure: its number, where, what,
/// what was measured (and its bound), PASS or FAIL. The exit status is 1 if one failed.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Which attacks, by the numbers of their figures; all unless given
    attacks: Vec<String>,
    /// What the filter runs on; each in turn unless given
    #[arg(long, value_parser = adapter)]
    runtime: Vec<Adapter>,
    /// What it listens on; each in turn unless given
    #[arg(long)]
    socket: Vec<Transport>,
    /// In full: 10 000 connections, deadlines as they are by default
    #[arg(long)]
    long: bool,
    /// How many messages the soak has
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// How many times as long anything may take, on a machine that does other things as well
    #[arg(long, default_value_t = 1)]
    patience: u32,
    /// A file to which the lines are added, too. What has passed according to it, with this program and patience, is not
    /// repeated
    #[arg(long)]
    results: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// Is the filter under attack
    Filter(filter::Options),
}

/// An adapter by its name.
pub(crate) fn adapter(name: &str) -> Result<Adapter, String> {
    let found = Adapter::ALL.into_iter().find(|adapter| adapter.name() == name);
    found.ok_or_else(|| format!("none of {}", Adapter::ALL.map(Adapter::name).join(", ")))
}

/// What the program does.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.role {
        Some(Role::Filter(options)) => filter::run(options).map(|()| true),
        None => attack(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn attack(arguments: &Arguments) -> Result<bool, BoxError> {
    let attacks: Vec<&Attack> = match arguments.attacks.as_slice() {
        [] => ATTACKS.iter().collect(),
        named => named.iter().map(|name| find(name)).collect::<Result<_, _>>()?,
    };
    let program = std::env::current_exe()?;
    let mut output = Output::open(arguments.results.as_deref(), &program, arguments.patience)?;
    let mut passed = true;
    for &adapter in chosen(&arguments.runtime, &Adapter::ALL) {
        for &transport in chosen(&arguments.socket, &Transport::ALL) {
            let arena = Arena {
                program: program.clone(),
                adapter,
                transport,
                long: arguments.long,
                messages: arguments.messages,
            };
            for attack in &attacks {
                passed &= output.has_passed(attack, &arena) || run(attack, &arena, &mut output)?;
            }
        }
    }
    Ok(passed)
}

fn find(number: &str) -> Result<&'static Attack, String> {
    let found = ATTACKS.iter().find(|attack| attack.number.eq_ignore_ascii_case(number));
    found.ok_or_else(|| {
        let all: Vec<_> =
            ATTACKS.iter().map(|attack| format!("{} ({})", attack.number, attack.name)).collect();
        format!("there is no attack {number}; there are {}", all.join(", "))
    })
}

const fn chosen<'a, T>(chosen: &'a [T], all: &'a [T]) -> &'a [T] {
    if chosen.is_empty() { all } else { chosen }
}

/// Whether all of its figures are within their bounds.
fn run(attack: &Attack, arena: &Arena, output: &mut Output) -> Result<bool, BoxError> {
    let place = place(attack, arena);
    let Ok(report) = catch_unwind(|| (attack.run)(arena)) else {
        output.line(&format!("{place} {}: panicked FAIL", attack.name))?;
        return Ok(false);
    };
    let mut passed = true;
    for figure in report.figures() {
        let passes = figure.passes(output.patience);
        output.line(&format!("{place} {figure} {}", if passes { "PASS" } else { "FAIL" }))?;
        passed &= passes;
    }
    if passed {
        output.line(&output.passed_line(attack, arena))?;
    }
    Ok(passed)
}

fn place(attack: &Attack, arena: &Arena) -> String {
    let form = if arena.long { " long" } else { "" };
    format!("{} {arena}{form}:", attack.number)
}

/// Where lines go: to stdout, and to a file of results.
struct Output {
    /// Tells this program from one that was built of something else.
    program: u64,
    patience: u32,
    before: String,
    file: Option<fs::File>,
}

impl Output {
    fn open(path: Option<&Path>, program: &Path, patience: u32) -> io::Result<Self> {
        let mut hasher = DefaultHasher::new();
        fs::read(program)?.hash(&mut hasher);
        let mut output = Self { program: hasher.finish(), patience, before: String::new(), file: None };
        if let Some(path) = path {
            output.before = if path.exists() { fs::read_to_string(path)? } else { String::new() };
            output.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        }
        Ok(output)
    }

    fn has_passed(&self, attack: &Attack, arena: &Arena) -> bool {
        let line = self.passed_line(attack, arena);
        self.before.lines().any(|before| before == line)
    }

    /// What a file of results says of an attack that need not be repeated.
    fn passed_line(&self, attack: &Attack, arena: &Arena) -> String {
        let soak =
            if attack.number == "R20" { format!(", {} messages", arena.messages) } else { String::new() };
        let Self { program, patience, .. } = self;
        let place = place(attack, arena);
        format!("{place} {}{soak}, program {program:016x}, patience {patience}: all of it PASS", attack.name)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        println!("{line}");
        self.file.as_mut().map_or(Ok(()), |file| writeln!(file, "{line}"))
    }
}
