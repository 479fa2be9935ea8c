//! Both sides of `milter-proto`, wired in memory: no socket, no runtime, no waiting.

use crate::asking::{Told, letters, pairs};
use crate::sample::{fits, text};
use milter_proto::{
    Application, Arguments, ArgumentsBuf, BodyChunk, BodyVerdict, Command, CommandKind, Connect, Context,
    Conversation, Data, EndOfHeaders, Error, Event, Header, Heard, Helo, Mail, Mta, Options, PROGRESS, Peer,
    Rcpt, Scope, SendError, Sent, Session, Step, Unknown, Wish,
};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{self, Poll, Waker};

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

/// A filter's side that a [`Pair`] can drive.
pub trait Filter {
    /// Takes octets in; none are the end of the stream.
    fn receive(&mut self, bytes: &[u8]);

    /// Goes on until it must read, and appends what it writes. Whether it has closed the connection.
    ///
    /// # Errors
    ///
    /// With which the connection ends.
    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error>;
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

    /// A client connects from this address and port 25000.
    #[track_caller]
    pub fn connect(&mut self, hostname: &str, address: &str) -> Option<BodyVerdict> {
        let (port, address, hostname) = (25000, text(address), text(hostname));
        let peer =
            if address.contains(&b':') { Peer::Ipv6 { port, address } } else { Peer::Ipv4 { port, address } };
        self.ask(&Command::Connect(fits(Connect::new(hostname, peer))))
    }

    /// HELO.
    #[track_caller]
    pub fn helo(&mut self, name: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Helo(fits(Helo::new(text(name)))))
    }

    /// MAIL.
    #[track_caller]
    pub fn mail(&mut self, sender: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Mail(fits(Mail::new(text(sender), Arguments::default()))))
    }

    /// MAIL with arguments.
    #[track_caller]
    pub fn mail_with(&mut self, sender: &str, arguments: &[&str]) -> Option<BodyVerdict> {
        let mut buffer = ArgumentsBuf::new();
        for argument in arguments {
            fits(buffer.push(argument));
        }
        self.ask(&Command::Mail(fits(Mail::new(text(sender), buffer.view()))))
    }

    /// RCPT.
    #[track_caller]
    pub fn rcpt(&mut self, recipient: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Rcpt(fits(Rcpt::new(text(recipient), Arguments::default()))))
    }

    /// RCPT with a recipient that the MTA itself rejected, by this enhanced code and text.
    #[track_caller]
    pub fn rejected_rcpt(&mut self, recipient: &str, code: &str, reply: &str) -> Option<BodyVerdict> {
        fits(self.negotiate());
        let macros = pairs(&[("{rcpt_host}", code), ("{rcpt_addr}", reply)]);
        fits(self.mta.send_rejected(fits(Rcpt::new(text(recipient), Arguments::default())), macros.view()));
        fits(self.decision()).map(|(verdict, _)| verdict)
    }

    /// DATA.
    #[track_caller]
    pub fn data(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::Data(Data))
    }

    /// A header, with what is on the wire as its value.
    #[track_caller]
    pub fn header(&mut self, name: &str, value: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Header(fits(Header::new(text(name), text(value)))))
    }

    /// The end of the headers.
    #[track_caller]
    pub fn end_of_headers(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::EndOfHeaders(EndOfHeaders))
    }

    /// The body, in chunks: the decision about the last that was answered.
    #[track_caller]
    pub fn body(&mut self, body: impl AsRef<[u8]>) -> Option<BodyVerdict> {
        let mut decided = None;
        for chunk in BodyChunk::split(body.as_ref()) {
            decided = self.ask(&Command::Body(chunk)).or(decided);
        }
        decided
    }

    /// The end of the message: its verdict, and the modifications, which are [taken](Self::modifications).
    #[track_caller]
    pub fn end_of_message(&mut self) -> Option<BodyVerdict> {
        self.ask(&Command::EndOfMessage(None))
    }

    /// The message is dropped.
    #[track_caller]
    pub fn abort(&mut self) {
        assert_eq!(self.ask(&Command::Abort), None);
    }

    /// The end of the SMTP session and of the connection.
    #[track_caller]
    pub fn quit(&mut self) {
        assert_eq!(self.ask(&Command::Quit), None);
        assert!(self.closed, "both sides have closed");
    }

    /// The end of the SMTP session.
    #[track_caller]
    pub fn quit_new_connection(&mut self) {
        assert_eq!(self.ask(&Command::QuitNewConnection), None);
    }

    /// A command that the MTA does not know.
    #[track_caller]
    pub fn unknown(&mut self, line: &str) -> Option<BodyVerdict> {
        self.ask(&Command::Unknown(fits(Unknown::new(text(line)))))
    }

    /// Macros for the command that follows.
    #[track_caller]
    pub fn macros(&mut self, command: CommandKind, macros: &[(&str, &str)]) {
        fits(self.negotiate());
        fits(self.define(command, macros));
    }

    /// Macros for the command that follows.
    ///
    /// # Errors
    ///
    /// As [`Mta::define`].
    pub fn define(&mut self, command: CommandKind, macros: &[(&str, &str)]) -> Result<(), SendError> {
        self.mta.define(command, pairs(macros).view())
    }

    /// A message from MAIL to its end, from one sender to one recipient: the verdict at its end.
    #[track_caller]
    pub fn message(&mut self, headers: &[(&str, &str)], body: &str) -> Option<BodyVerdict> {
        self.mail("<sender@example.test>");
        self.rcpt("<recipient@example.test>");
        self.data();
        for (name, value) in headers {
            self.header(name, value);
        }
        self.end_of_headers();
        self.body(body);
        self.end_of_message()
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

/// Cuts octets into pieces, none of which is empty.
fn cut<'b>(splitter: &mut Option<Splitter>, mut bytes: &'b [u8]) -> Vec<&'b [u8]> {
    let Some(splitter) = splitter else { return vec![bytes] };
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(splitter.below(bytes.len()) + 1);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Where octets are cut: pseudo-random, and the same for the same seed. Must not begin with 0.
#[derive(Clone, Copy, Debug)]
pub struct Splitter(u64);

impl Splitter {
    /// A number below `bound`, which is not 0; mostly a small one, sometimes any.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let any = (self.0 >> 33) as usize;
        if self.0 & 1 == 0 { any % bound.min(9) } else { any % bound }
    }
}

impl<M: Application> Filter for Conversation<M> {
    fn receive(&mut self, bytes: &[u8]) {
        Self::receive(self, bytes);
    }

    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error> {
        loop {
            match self.step()? {
                Step::Read => return Ok(false),
                Step::Write(bytes) => out.extend_from_slice(bytes),
                Step::Close => return Ok(true),
                Step::Event(call) => {
                    if call.takes_progress() {
                        out.extend(PROGRESS.repeat(progress));
                    }
                    let stage = call.stage();
                    let mut hook = pin!(call.into_future());
                    match hook.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
                        Poll::Ready(()) => {}
                        Poll::Pending => panic!("the hook for {stage} waits for something"),
                    }
                }
            }
        }
    }
}

/// A session without hooks, and what answers its events; `None` is silence.
pub struct Played<P> {
    session: Session,
    player: P,
}

impl<P: FnMut(Event<'_>, &mut Context) -> Option<BodyVerdict>> Filter for Played<P> {
    fn receive(&mut self, bytes: &[u8]) {
        self.session.receive(bytes);
    }

    fn run(&mut self, out: &mut Vec<u8>, progress: usize) -> Result<bool, Error> {
        loop {
            let verdict = match self.session.step()? {
                Step::Read => return Ok(false),
                Step::Write(bytes) => {
                    out.extend_from_slice(bytes);
                    continue;
                }
                Step::Close => return Ok(true),
                Step::Event(happened) => {
                    if matches!(happened.event, Event::EndOfMessage(_)) {
                        out.extend(PROGRESS.repeat(progress));
                    }
                    (self.player)(happened.event, happened.context)
                }
            };
            if let Some(verdict) = verdict {
                self.session.answer(verdict).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

impl<P: FnMut(Event<'_>, &mut Context) -> Option<BodyVerdict>> Played<P> {
    /// A session that wants this, and what answers.
    pub fn new(wish: Wish, player: P) -> Self {
        Self { session: Session::new(wish), player }
    }
}

impl<P> Played<P> {
    /// The session.
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

impl<P> fmt::Debug for Played<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").field("session", &self.session).finish_non_exhaustive()
    }
}
