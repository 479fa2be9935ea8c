//! The command: which cases, in how many rounds.

use crate::Runtime;
use crate::case::Case;
use crate::mta::Script;
use crate::report;
use crate::scenario::Scenario;
use crate::served::Socket;
use clap::Parser;
use milter_tokio::BoxError;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Measures what our servers cost, beside servers without a library. Prints processor time of the server for each message
/// (memory for each idle connection), that of the bare server, and their ratio: medians of rounds in which all take turns.
#[derive(Debug, Parser)]
pub struct Servers {
    /// reuse, small, headers, large, no-reply or idle:CONNECTIONS; all unless given, with 1000 idle connections
    scenarios: Vec<Scenario>,
    /// What the servers run on; tokio, smol and async-std unless given
    #[arg(long)]
    runtime: Vec<Runtime>,
    /// What they listen on; both unless given
    #[arg(long)]
    socket: Vec<Socket>,
    /// A program to be measured instead of the bare server. It is called with `noop` (all stages are answered) or `nr` (all
    /// are negotiated as no reply), and `unix:PATH` or `inet:ADDRESS:PORT`
    #[arg(long, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
    /// How often everything is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each measurement takes
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u64).range(1..))]
    milliseconds: u64,
    /// Servers and load run on every core, not all on the same one: figures then depend on where the system puts them
    #[arg(long)]
    all_cores: bool,
    /// What Cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Servers {
    /// Measures and prints. `filter` is the program `bench-filter`.
    pub fn run(&self, filter: &Path, output: &mut impl Write) -> Result<(), BoxError> {
        let cases = self.cases();
        allow_descriptors(&cases)?;
        let place = match self.all_cores {
            true => "all cores".to_owned(),
            false => format!("core {} alone", share_one_core()?),
        };
        let (rounds, time) = (self.rounds, Duration::from_millis(self.milliseconds));
        writeln!(output, "{rounds} rounds of {time:?} on {place}; load averages {}", load()?)?;
        let mut measured: Vec<_> = cases.iter().map(|_| Vec::new()).collect();
        for number in 0..rounds {
            eprintln!("round {} of {rounds}", number + 1);
            for (case, pairs) in cases.iter().zip(&mut measured) {
                pairs.push(case.round(filter, self.beside.as_deref(), number, time)?);
            }
        }
        let mut heading = String::new();
        for (case, pairs) in cases.iter().zip(&measured) {
            let next = report::heading(case.scenario);
            if next != heading {
                writeln!(output, "\n{next}")?;
                heading = next;
            }
            writeln!(output, "{}", report::line(case, pairs))?;
        }
        writeln!(output, "\nload averages at the end {}", load()?)?;
        Ok(())
    }

    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for scenario in given(&self.scenarios, &Scenario::ALL) {
            let script = Arc::new(Script::new(*scenario));
            for runtime in given(&self.runtime, &[Runtime::Tokio, Runtime::Smol, Runtime::AsyncStd]) {
                for socket in given(&self.socket, &[Socket::Unix, Socket::Tcp]) {
                    let (scenario, runtime, socket) = (*scenario, *runtime, *socket);
                    cases.push(Case { scenario, runtime, socket, script: Arc::clone(&script) });
                }
            }
        }
        cases
    }
}

fn given<'a, T>(given: &'a [T], otherwise: &'a [T]) -> &'a [T] {
    if given.is_empty() { otherwise } else { given }
}

/// Puts this process and the servers that it starts on the last core that it may use: a wake-up on another core costs more
/// than what is measured, and whether there is one would be the system's choice.
fn share_one_core() -> Result<usize, BoxError> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let last = (0..CpuSet::count()).rev().find(|core| allowed.is_set(*core).unwrap_or_default());
    let core = last.ok_or("no core to run on")?;
    let mut one = CpuSet::new();
    one.set(core)?;
    sched_setaffinity(this, &one)?;
    Ok(core)
}

/// Lets this process and its servers have as many connections as are asked for.
fn allow_descriptors(cases: &[Case]) -> Result<(), BoxError> {
    /// Other than connections, and what our servers keep free.
    const OTHERS: usize = 256;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    for case in cases {
        if let Scenario::Idle(connections) = case.scenario {
            if (connections + OTHERS) as u64 > most {
                return Err(format!("{connections} connections are too many: ulimit -Hn is {most}").into());
            }
        }
    }
    Ok(())
}

fn load() -> Result<String, BoxError> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
