//! What the system knows about a process: measured from outside, whatever the process itself thinks.

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::time::{Duration, Instant};
use std::{fs, thread};

/// A running process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
}

impl Process {
    /// Resident memory in octets, exactly: what `status` says lags behind by some pages a core.
    pub(crate) fn memory(self) -> i64 {
        self.kibibytes("smaps_rollup", "Rss:")
    }

    /// The most resident memory since [`forget_peak`](Self::forget_peak).
    pub(crate) fn peak(self) -> i64 {
        self.kibibytes("status", "VmHWM:")
    }

    pub(crate) fn forget_peak(self) {
        let path = self.path("clear_refs");
        fs::write(&path, "5").unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
    }

    pub(crate) fn descriptors(self) -> usize {
        self.entries("fd")
    }

    pub(crate) fn threads(self) -> usize {
        self.entries("task")
    }

    /// The time that it has computed, to the nanosecond: `stat` counts ticks.
    pub(crate) fn cpu(self) -> Duration {
        let id = Pid::from_raw(i32::try_from(self.id).expect("an id of a process"));
        let time = clock_getcpuclockid(id).and_then(clock_gettime);
        time.unwrap_or_else(|error| panic!("no processor time of {id}: {error}")).into()
    }

    /// How much of one processor it takes from now on for so long.
    pub(crate) fn share_of_cpu(self, watched: Duration) -> f64 {
        let (cpu, start) = (self.cpu(), Instant::now());
        thread::sleep(watched);
        (self.cpu() - cpu).as_secs_f64() / start.elapsed().as_secs_f64()
    }

    fn kibibytes(self, file: &str, name: &str) -> i64 {
        let text = self.read(file);
        let value = text.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| {
            let number = rest.trim().strip_suffix("kB")?.trim();
            number.parse::<i64>().ok()
        });
        value.unwrap_or_else(|| panic!("no {name} in {}", self.path(file))) * 1024
    }

    fn entries(self, directory: &str) -> usize {
        let path = self.path(directory);
        fs::read_dir(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}")).count()
    }

    fn read(self, file: &str) -> String {
        let path = self.path(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.id)
    }
}
