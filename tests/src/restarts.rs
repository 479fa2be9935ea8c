//! A filter that is restarted again and again while Postfix sends mail through it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{Ledger, Load, Progress, Settled, SmtpStage};
use crate::{Adapter, FilterProgram, Postfix, Signal, Sink, Transport};

/// The header with which the filter marks each message that it saw to its end: it has the sender that it saw at MAIL.
pub const MARK: &str = "X-Seen-From";

/// How many SMTP sessions there are at once.
const SESSIONS: usize = 8;

/// How often the filter is restarted at least, however fast the messages go.
const LEAST_RESTARTS: usize = 3;

/// How a filter is restarted, and how many messages go through it meanwhile.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "never published; tests build it")]
pub struct Restarts {
    /// A program that takes the options of `milter-examples`, answers MAIL, and adds [`MARK`].
    pub filter: PathBuf,
    /// What it gets before them.
    pub arguments: Vec<String>,
    /// What it runs on.
    pub adapter: Adapter,
    /// How Postfix speaks to it.
    pub transport: Transport,
    /// What ends it: SIGTERM or SIGKILL.
    pub signal: Signal,
    /// How many messages are sent at least.
    pub messages: usize,
    /// How long it runs each time.
    pub every: Duration,
}

impl Restarts {
    /// Runs the trial.
    ///
    /// # Panics
    ///
    /// If it cannot be run, if the filter does not end as it was told, or if a message is refused for good.
    #[track_caller]
    pub fn run(&self) -> Report {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let arguments = [&arguments[..], &["--runtime", self.adapter.name(), "--log-level", "info"]].concat();
        let mut filter = FilterProgram::start_program(self.transport, self.filter.clone(), &arguments);
        let sink = Sink::start();
        let postfix = Postfix::builder().milter(filter.spec()).deliver_to(&sink).start();
        let began = Instant::now();
        let mut restarts = 0;
        let ledger = Load::new(postfix.smtp_address(), self.messages, SESSIONS).run(|progress| {
            while restarts < LEAST_RESTARTS || progress.accepted() < self.messages {
                self.restart(&mut filter, progress);
                restarts += 1;
            }
        });
        let time = began.elapsed();
        let settled = ledger.settle(&postfix, &sink, |message, sender| {
            message.header_values(MARK) == [format!("<{sender}>").into_bytes()]
        });
        Report { restarts, time, ledger, settled }
    }

    #[track_caller]
    fn restart(&self, filter: &mut FilterProgram, progress: &Progress) {
        thread::sleep(self.every);
        let before = progress.accepted();
        let status = filter.end(self.signal);
        let ended = if self.signal == Signal::SIGKILL { status.signal() } else { status.code() };
        let expected = if self.signal == Signal::SIGKILL { Signal::SIGKILL as i32 } else { 0 };
        assert_eq!(ended, Some(expected), "{:?}", filter.process().stderr());
        filter.restart();
        // It is at work again before it is ended again.
        progress.wait_for(before + SESSIONS);
    }
}

/// What came of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// How often the filter was restarted.
    pub restarts: usize,
    /// How long the messages took.
    pub time: Duration,
    /// What the SMTP clients were told.
    pub ledger: Ledger,
    /// What became of the messages.
    pub settled: Settled,
}

impl Report {
    /// How many messages were put off after the filter had answered their MAIL: it had begun them.
    pub fn broken_off(&self) -> usize {
        let later = self.ledger.refused.iter().filter(|((stage, _), _)| *stage > SmtpStage::Mail);
        later.map(|(_, count)| count).sum()
    }

    /// Whether it is as it must be after restarts by this signal: no message is lost, and none passes unfiltered; and one
    /// that a filter has begun it finishes, unless it is killed.
    pub fn is_good(&self, signal: Signal) -> bool {
        self.settled == Settled::default() && (signal == Signal::SIGKILL || self.broken_off() == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (accepted, seconds) = (self.ledger.accepted.len(), self.time.as_secs_f64());
        let Settled { lost, repeated, unfiltered, unexpected } = self.settled;
        writeln!(f, "{accepted} messages accepted in {seconds:.1} s over {} restarts", self.restarts)?;
        writeln!(f, "  lost {lost}, unfiltered {unfiltered}, repeated {repeated}, unexpected {unexpected}")?;
        writeln!(f, "  put off after the filter had begun them: {}", self.broken_off())?;
        for ((stage, answer), count) in &self.ledger.refused {
            writeln!(f, "  put off at {stage}: {count} ({answer})")?;
        }
        Ok(())
    }
}
