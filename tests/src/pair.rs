//! Both sides of `milter-proto`, wired in memory: no socket, no runtime, no waiting.

mod filter;
mod splitter;
mod verbs;

pub use filter::{Filter, Played};
pub use splitter::Splitter;

use crate::asking::{Told, letters};
use milter_proto::{
    Application, BodyVerdict, Command, CommandKind, Context, Conversation, Error, Event, Heard, Mta, Options,
    Scope, SendError, Sent, Step, Wish,
};
use splitter::cut;
use std::fmt;

/// An MTA and a filter, wired in memory. The verbs are those of an SMTP session; each gives the filter's decision, if
/// one was due, and panics when a side breaks the protocol.
///
/// ```
/// # use milter_proto::{BodyVerdict, Context, Mail, Milter, Verdict};
/// # use milter_tests::Pair;
/// let milter = Milter::per_message(|| ())
///     .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Reject);
/// let mut pair = Pair::new(milter);
/// assert_eq!(pair.helo("client.example"), None); // there is no hook for it
/// assert_eq!(pair.mail("<a@b>"), Some(BodyVerdict::Reject));
/// pair.quit();
/// assert_eq!((pair.commands(), pair.responses()), ("OMQ".into(), "Or".into()));
/// ```
#[derive(Debug)]
pub struct Pair<F> {
    mta: Mta,
    filter: F,
    splitter: Option<Splitter>,
    /// How often the filter says that it is at work, before each end of a message is answered.
    progress: usize,
    negotiated: bool,
    closed: bool,
    to_filter: Vec<u8>,
    to_mta: Vec<u8>,
    heard: Vec<Told>,
    filter_error: Option<Error>,
}

/// Something went wrong between the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "never published; tests match it")]
pub enum PairError {
    /// The command has no place here.
    Send(SendError),
    /// The filter broke the protocol, or went away.
    Mta(Error),
    /// Both sides wait.
    Stuck(Option<CommandKind>),
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => write!(f, "{error}"),
            Self::Mta(error) => write!(f, "{error}"),
            Self::Stuck(command) => write!(f, "both sides wait: for the answer to {command:?}"),
        }
    }
}

impl<M: Application> Pair<Conversation<M>> {
    /// An MTA of today, which offers everything, and this filter.
    pub fn new(milter: M) -> Self {
        Self::between(Mta::new(Options::CURRENT), Conversation::new(milter, 1))
    }
}

impl<P: FnMut(Event<'_>, &mut Context) -> Option<BodyVerdict>> Pair<Played<P>> {
    /// An MTA of today, and a session without hooks whose events are answered by this.
    pub fn with_session(wish: Wish, player: P) -> Self {
        Self::between(Mta::new(Options::CURRENT), Played::new(wish, player))
    }
}

impl<F: Filter> Pair<F> {
    /// These two.
    pub const fn between(mta: Mta, filter: F) -> Self {
        Self {
            mta,
            filter,
            splitter: None,
            progress: 0,
            negotiated: false,
            closed: false,
            to_filter: Vec::new(),
            to_mta: Vec::new(),
            heard: Vec::new(),
            filter_error: None,
        }
    }

    /// What the MTA offers, in place of everything.
    pub fn offer(mut self, offer: Options) -> Self {
        assert!(!self.negotiated, "the offer was made already");
        self.mta = Mta::new(offer);
        self
    }

    /// Cuts the octets of both directions anywhere, as this seed will have it.
    pub const fn split(mut self, seed: u64) -> Self {
        self.splitter = Some(Splitter(seed | 1));
        self
    }

    /// The filter says so often that it is at work, before each end of a message is answered.
    pub const fn progress(mut self, times: usize) -> Self {
        self.progress = times;
        self
    }

    /// Sends a command and panics when that goes wrong.
    #[track_caller]
    pub fn ask(&mut self, command: &Command<'_>) -> Option<BodyVerdict> {
        let kind = command.kind();
        match self.send(command) {
            Ok((_, decided)) => decided.map(|(verdict, _)| verdict),
            Err(error) => panic!("{kind}: {error} (the filter: {:?})", self.filter_error),
        }
    }

    /// Sends a command: what became of it, and the decision, if one was due.
    ///
    /// # Errors
    ///
    /// When it has no place here, or something goes wrong between the sides.
    pub fn send(&mut self, command: &Command<'_>) -> Result<(Sent, Option<(BodyVerdict, Scope)>), PairError> {
        self.negotiate()?;
        let sent = self.mta.send(command).map_err(PairError::Send)?;
        Ok((sent, self.decision()?))
    }

    /// Lets the filter work, until it has decided what it was to decide.
    fn decision(&mut self) -> Result<Option<(BodyVerdict, Scope)>, PairError> {
        let before = self.heard.len();
        self.play()?;
        Ok(self.heard[before..].iter().find_map(|told| match told {
            Told::Decided(_, verdict, scope) => Some((verdict.clone(), *scope)),
            _ => None,
        }))
    }

    /// Negotiates, which the first verb does otherwise.
    ///
    /// # Errors
    ///
    /// When that goes wrong.
    pub fn negotiate(&mut self) -> Result<(), PairError> {
        if std::mem::replace(&mut self.negotiated, true) { Ok(()) } else { self.play() }
    }

    /// Passes octets to and fro until nobody has anything to say.
    fn play(&mut self) -> Result<(), PairError> {
        let mut coming = Vec::new();
        loop {
            match self.mta.step().map_err(PairError::Mta)? {
                Step::Write(bytes) => {
                    self.to_filter.extend_from_slice(bytes);
                    for piece in cut(&mut self.splitter, bytes) {
                        self.filter.receive(piece);
                        let run = self.filter.run(&mut coming, self.progress);
                        end(run, &mut self.closed, &mut self.filter_error);
                    }
                }
                Step::Event(heard) => {
                    if !matches!(heard, Heard::Negotiated(_)) {
                        self.heard.push(Told::from(&heard));
                    }
                }
                Step::Read if !coming.is_empty() => {
                    self.to_mta.extend_from_slice(&coming);
                    let length = match &mut self.splitter {
                        Some(splitter) => splitter.below(coming.len()) + 1,
                        None => coming.len(),
                    };
                    self.mta.receive(&coming[..length]);
                    self.to_mta.truncate(self.to_mta.len() - (coming.len() - length));
                    coming.drain(..length);
                }
                Step::Read if self.closed => self.mta.receive(b""),
                Step::Read => match self.mta.waits_for() {
                    None => return Ok(()),
                    waiting => return Err(PairError::Stuck(waiting)),
                },
                Step::Close => {
                    self.filter.receive(b"");
                    let run = self.filter.run(&mut coming, 0);
                    end(run, &mut self.closed, &mut self.filter_error);
                    self.to_mta.append(&mut coming);
                    return Ok(());
                }
            }
        }
    }

    /// The filter goes, as a killed process would: what it hears is the end of the stream.
    ///
    /// # Errors
    ///
    /// What the MTA's side makes of it.
    pub fn filter_goes(&mut self) -> Result<(), PairError> {
        self.closed = true;
        self.play()
    }

    /// Takes the modifications that came, each as [`described`](crate::described).
    pub fn modifications(&mut self) -> Vec<String> {
        let mut modifications = Vec::new();
        self.heard.retain_mut(|told| match told {
            Told::Modification(modification) => {
                modifications.push(std::mem::take(modification));
                false
            }
            _ => true,
        });
        modifications
    }

    /// Everything that the MTA's side heard so far.
    pub fn heard(&self) -> &[Told] {
        &self.heard
    }

    /// The octets from the MTA to the filter.
    pub fn to_filter(&self) -> &[u8] {
        &self.to_filter
    }

    /// The octets from the filter to the MTA.
    pub fn to_mta(&self) -> &[u8] {
        &self.to_mta
    }

    /// The letters of what the MTA sent.
    pub fn commands(&self) -> String {
        letters(&self.to_filter)
    }

    /// The letters of what the filter sent.
    pub fn responses(&self) -> String {
        letters(&self.to_mta)
    }

    /// The error that ended the filter's side.
    pub const fn filter_error(&self) -> Option<Error> {
        self.filter_error
    }

    /// The MTA's side.
    pub const fn mta(&self) -> &Mta {
        &self.mta
    }

    /// The filter's side.
    pub const fn filter(&self) -> &F {
        &self.filter
    }
}

fn end(run: Result<bool, Error>, closed: &mut bool, failed: &mut Option<Error>) {
    match run {
        Ok(ended) => *closed |= ended,
        Err(error) => {
            failed.get_or_insert(error);
            *closed = true;
        }
    }
}
