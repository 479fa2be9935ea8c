//! A program under test.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::poll::poll;
use crate::watchdog::Watchdog;

/// How long the output of an ended program may still be on its way.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// A started program: its output is read from the first moment on, and it is killed when this value is dropped, or
/// when the test process dies.
#[derive(Debug)]
pub struct Runnable {
    child: Child,
    output: Arc<Output>,
    _watchdog: Watchdog,
}

impl Runnable {
    /// Starts a program, such as `Command::new(runnable("log-all")).args(["--socket", &socket])`.
    ///
    /// It gets a process group of its own, no input, and pipes for stdout and stderr.
    ///
    /// # Panics
    ///
    /// If the program cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self::start_with_input(command, Stdio::null())
    }

    /// [`start`](Self::start) with something as its input, such as a socket that it inherits.
    ///
    /// # Panics
    ///
    /// If the program cannot be started.
    #[track_caller]
    pub fn start_with_input(command: &mut Command, input: impl Into<Stdio>) -> Self {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = Arc::new(Output::default());
        output.follow(Stream::Stdout, child.stdout.take());
        output.follow(Stream::Stderr, child.stderr.take());
        let watchdog = Watchdog::over(child.id(), None);
        Self { child, output, _watchdog: watchdog }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines of stdout so far.
    pub fn stdout(&self) -> Vec<String> {
        self.output.lines_of(Stream::Stdout)
    }

    /// The lines of stderr so far.
    pub fn stderr(&self) -> Vec<String> {
        self.output.lines_of(Stream::Stderr)
    }

    /// Waits for a line, of stdout or stderr, that contains `part`. Lines that were there before count too: the
    /// first line of the whole output that fits is the result.
    ///
    /// # Panics
    ///
    /// If there is no such line within `timeout`, or if the output ends without one.
    #[track_caller]
    pub fn wait_for_line(&self, part: &str, timeout: Duration) -> String {
        self.wait_for_lines(part, 1, timeout).remove(0)
    }

    /// Waits until there are at least `count` lines that contain `part`, and gives all of them.
    ///
    /// # Panics
    ///
    /// If there are fewer within `timeout`, or if the output ends before.
    #[track_caller]
    pub fn wait_for_lines(&self, part: &str, count: usize, timeout: Duration) -> Vec<String> {
        let state =
            self.output.wait(timeout, |state| state.ended == 2 || state.containing(part).len() >= count);
        let found = state.containing(part);
        assert!(
            found.len() >= count,
            "{} of {count} lines with {part:?} within {timeout:?}:\n{state}",
            found.len()
        );
        found
    }

    /// Sends a signal to the program.
    ///
    /// # Panics
    ///
    /// If the signal cannot be sent, for instance because the program has been waited for.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        signal::kill(self.pid(), signal)
            .unwrap_or_else(|error| panic!("cannot send {signal} to process {}: {error}", self.id()));
    }

    /// Whether the program has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the program, and its children, by SIGKILL, and gives its status.
    pub fn kill(&mut self) -> ExitStatus {
        // While the child is not reaped its id cannot belong to somebody else.
        if self.is_running() {
            let _ = signal::killpg(self.pid(), Signal::SIGKILL);
        }
        self.child.wait().unwrap_or_else(|error| panic!("cannot wait for process {}: {error}", self.id()))
    }

    /// Waits until the program has ended; all its output is here then.
    ///
    /// # Panics
    ///
    /// If it still runs after `timeout`.
    #[track_caller]
    pub fn wait(&mut self, timeout: Duration) -> ExitStatus {
        let child = &mut self.child;
        let ended = poll(timeout, || child.try_wait().transpose()).unwrap_or_else(|| {
            panic!("process {} still runs after {timeout:?}:\n{}", self.child.id(), self.output.state())
        });
        drop(self.output.wait(LAST_OUTPUT, |state| state.ended == 2));
        ended.unwrap_or_else(|error| panic!("cannot wait for process {}: {error}", self.id()))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for Runnable {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            drop(self.output.wait(LAST_OUTPUT, |state| state.ended == 2));
            eprintln!("--- output of process {}:\n{}", self.id(), self.output.state());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

/// What a program has written up to now.
#[derive(Debug, Default)]
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<(Stream, String)>,
    /// How many of the two streams have ended.
    ended: u8,
}

impl State {
    fn containing(&self, part: &str) -> Vec<String> {
        self.lines.iter().filter(|(_, line)| line.contains(part)).map(|(_, line)| line.clone()).collect()
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stream, line) in &self.lines {
            let mark = if *stream == Stream::Stdout { "out" } else { "err" };
            writeln!(formatter, "{mark}: {line}")?;
        }
        Ok(())
    }
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines_of(&self, stream: Stream) -> Vec<String> {
        self.state().lines.iter().filter(|(of, _)| *of == stream).map(|(_, line)| line.clone()).collect()
    }

    /// Reads `pipe` to its end, in the background.
    fn follow(self: &Arc<Self>, stream: Stream, pipe: Option<impl Read + Send + 'static>) {
        let output = Arc::clone(self);
        thread::spawn(move || {
            let mut pipe = pipe.map(BufReader::new);
            while let Some(line) = pipe.as_mut().and_then(next_line) {
                output.state().lines.push((stream, line));
                output.changed.notify_all();
            }
            output.state().ended += 1;
            output.changed.notify_all();
        });
    }

    /// Waits until `done` is true or `timeout` is over.
    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }
}

/// The next line without its line end; bytes that are not UTF-8 are shown as U+FFFD.
fn next_line(pipe: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    match pipe.read_until(b'\n', &mut line) {
        Ok(length) if length > 0 => {
            Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => None,
    }
}
