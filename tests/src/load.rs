//! Many SMTP sessions at once that do as mail servers do: what is refused for the time being is tried again. And a ledger
//! of what became of each message.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Delivered, MailServer, Sink, SmtpAnswer, SmtpClient};

const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a message is open at least, so that some always are.
const PAUSE: Duration = Duration::from_millis(5);

/// How long after a refusal a message is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// How many messages a session sends.
const MESSAGES_A_SESSION: usize = 10;

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    server: SocketAddr,
    messages: usize,
    sessions: usize,
}

impl Load {
    /// So many messages, by so many sessions at once.
    pub const fn new(server: SocketAddr, messages: usize, sessions: usize) -> Self {
        Self { server, messages, sessions }
    }

    /// Sends them while `meanwhile` does something. When it returns earlier, the rest is sent; when it returns later, more
    /// than the rest.
    ///
    /// # Panics
    ///
    /// If a session ends without a word, or `meanwhile` panics.
    #[track_caller]
    pub fn run(self, meanwhile: impl FnOnce(&Progress)) -> Ledger {
        let progress = Progress::default();
        thread::scope(|scope| {
            let senders: Vec<_> =
                (0..self.sessions).map(|_| scope.spawn(|| self.send_all(&progress))).collect();
            // The senders end with the panic.
            let finish = Finish(&progress);
            meanwhile(&progress);
            drop(finish);
            for sender in senders {
                sender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        progress.ledger.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_all(self, progress: &Progress) {
        loop {
            let mut client = None;
            for _ in 0..MESSAGES_A_SESSION {
                let number = progress.begun.fetch_add(1, Ordering::Relaxed);
                if number >= self.messages && progress.finished.load(Ordering::Acquire) {
                    return;
                }
                while let Err((stage, answer)) = self.send(&mut client, number) {
                    assert!((400..500).contains(&answer.code), "{stage} of message {number}: {answer}");
                    *progress.ledger().refused.entry((stage, answer.to_string())).or_default() += 1;
                    client = None;
                    thread::sleep(RETRY);
                }
                progress.ledger().accepted.push(number);
            }
        }
    }

    /// Sends one message, over a new connection if there is none.
    fn send(self, client: &mut Option<SmtpClient>, number: usize) -> Result<(), (SmtpStage, SmtpAnswer)> {
        let client = match client {
            Some(client) => client,
            None => {
                let new = SmtpClient::connect(self.server);
                taken(SmtpStage::Greeting, new.greeting().clone())?;
                let client = client.insert(new);
                client.set_read_timeout(TIMEOUT);
                taken(SmtpStage::Hello, client.command("EHLO client.test"))?;
                client
            }
        };
        taken(SmtpStage::Mail, client.command(&format!("MAIL FROM:<{}>", sender(number))))?;
        thread::sleep(PAUSE);
        taken(SmtpStage::Recipient, client.command("RCPT TO:<bob@example.test>"))?;
        taken(SmtpStage::Message, client.data(format!("Subject: {number}\r\n\r\nHello\r\n").as_bytes()))
    }
}

fn taken(stage: SmtpStage, answer: SmtpAnswer) -> Result<(), (SmtpStage, SmtpAnswer)> {
    if answer.is_positive() { Ok(()) } else { Err((stage, answer)) }
}

fn sender(number: usize) -> String {
    format!("m{number}@sender.test")
}

/// Lets the senders end, however `meanwhile` does.
struct Finish<'a>(&'a Progress);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finished.store(true, Ordering::Release);
    }
}

/// How far the sending has come.
#[derive(Debug, Default)]
pub struct Progress {
    begun: AtomicUsize,
    finished: AtomicBool,
    ledger: Mutex<Ledger>,
}

impl Progress {
    /// How many messages were accepted.
    pub fn accepted(&self) -> usize {
        self.ledger().accepted.len()
    }

    /// Waits until so many were accepted, counted from the start.
    ///
    /// # Panics
    ///
    /// If there are fewer after a minute.
    #[track_caller]
    pub fn wait_for(&self, count: usize) {
        let enough = crate::poll::poll(TIMEOUT, || (self.accepted() >= count).then_some(()));
        assert!(enough.is_some(), "{} of {count} messages were accepted within {TIMEOUT:?}", self.accepted());
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a message was refused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "never published; tests match it")]
pub enum SmtpStage {
    /// Before anything was said.
    Greeting,
    /// At EHLO.
    Hello,
    /// At MAIL.
    Mail,
    /// At RCPT.
    Recipient,
    /// At DATA, or at its end.
    Message,
}

impl fmt::Display for SmtpStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Hello => "EHLO",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Message => "DATA",
        })
    }
}

/// What the SMTP clients were told.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Ledger {
    /// The numbers of the messages that were accepted.
    pub accepted: Vec<usize>,
    /// How often a message was put off, by when and by which answer.
    pub refused: BTreeMap<(SmtpStage, String), usize>,
}

impl Ledger {
    /// Waits until the mail server has delivered what it accepted, and compares. Of the delivered ones those pass as filtered
    /// that `is_filtered` takes, which is given the sender.
    ///
    /// # Panics
    ///
    /// If the mail server does not get rid of as many messages as it has accepted.
    #[track_caller]
    pub fn settle<S: crate::Setup + ?Sized>(
        &self,
        server: &MailServer<S>,
        sink: &Sink,
        is_filtered: impl Fn(&Delivered, &str) -> bool,
    ) -> Settled {
        server.wait_for_done(self.accepted.len(), TIMEOUT);
        let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
        let mut settled = Settled::default();
        for message in sink.take() {
            *arrived.entry(message.sender.clone()).or_default() += 1;
            settled.unfiltered += usize::from(!is_filtered(&message, &message.sender));
        }
        for &number in &self.accepted {
            match arrived.remove(&sender(number)) {
                None => settled.lost += 1,
                Some(times) => settled.repeated += times - 1,
            }
        }
        settled.unexpected = arrived.len();
        settled
    }
}

/// What became of the messages that were accepted. All zero is as it should be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "never published; tests match it")]
pub struct Settled {
    /// Accepted, and not delivered.
    pub lost: usize,
    /// Delivered more than once.
    pub repeated: usize,
    /// Delivered, and not as the filter would have it.
    pub unfiltered: usize,
    /// Delivered, although nobody was told that it was accepted.
    pub unexpected: usize,
}
