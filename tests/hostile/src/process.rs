//! What the system knows about a process: measured from outside, whatever the process itself thinks.

use std::fs;
use std::time::Duration;

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

    /// The time that it has computed.
    pub(crate) fn cpu(self) -> Duration {
        let stat = self.read("stat");
        let fields: Vec<&str> =
            stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split_whitespace().collect();
        // utime and stime: fields 14 and 15, counted from the process id.
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
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
