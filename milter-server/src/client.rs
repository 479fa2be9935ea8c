//! The MTA's side: asks a filter over any stream.

use crate::runtime::{Io, Runtime};
use futures_lite::future::or;
use milter_proto::{
    BodyVerdict, Command, CommandKind, Endpoint, Heard, MacroPairs, Modification, Mta, Options, Scope,
    SendError, Step,
};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// A connection to a filter: what an MTA does. Each adapter names it for its runtime.
pub struct Client<S, R> {
    stream: S,
    mta: Mta,
    timeouts: Timeouts,
    runtime: PhantomData<fn() -> R>,
}

/// How long a filter may take. The defaults are those of Postfix.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the connection stands and the negotiation is done: 30 s.
    pub connect: Duration,
    /// Until a command is answered, or written: 30 s.
    pub command: Duration,
    /// Until the next sign of life at the end of a message: 300 s.
    pub message: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let (connect, command) = (Duration::from_secs(30), Duration::from_secs(30));
        Self { connect, command, message: Duration::from_secs(300) }
    }
}

/// A filter's answer to a command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientAnswer {
    /// What was answered.
    pub verdict: BodyVerdict,
    /// What it concerns.
    pub scope: Scope,
}

/// Why a filter cannot be asked any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The filter cannot be reached.
    #[error("cannot connect to {endpoint}: {source}")]
    Connect {
        /// Where it was to be.
        endpoint: Endpoint,
        /// Why not.
        source: io::Error,
    },
    /// The stream failed.
    #[error("the connection to the filter failed: {0}")]
    Io(#[from] io::Error),
    /// The filter broke the protocol, or is none.
    #[error(transparent)]
    Protocol(#[from] milter_proto::Error),
    /// The command cannot be sent now.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The filter took too long.
    #[error("the filter did not answer {command} within {} s", limit.as_secs_f32())]
    Timeout {
        /// What it did not answer.
        command: CommandKind,
        /// How long it had.
        limit: Duration,
    },
}

/// Opens a stream to a filter, for [`Client::over`].
pub async fn open<R: Runtime>(endpoint: &Endpoint, limit: Duration) -> Result<R::Stream, ClientError> {
    let failed = |source| ClientError::Connect { endpoint: endpoint.clone(), source };
    let connecting = async {
        match endpoint {
            Endpoint::Inet { host, port } | Endpoint::Inet6 { host, port } => {
                R::connect_tcp(host, *port).await
            }
            Endpoint::Unix { path } => R::connect_unix(path).await,
            other => Err(io::Error::other(format!("cannot connect to {other}"))),
        }
    };
    match timeout::<R, _>(limit, connecting).await {
        Some(connected) => connected.map_err(failed),
        None => Err(failed(io::ErrorKind::TimedOut.into())),
    }
}

/// What the future gives, unless it takes longer.
async fn timeout<R: Runtime, T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    or(async { Some(future.await) }, async {
        R::sleep(limit).await;
        None
    })
    .await
}

impl<R: Runtime> Client<R::Stream, R> {
    /// Connects over TCP or a unix socket, and negotiates.
    pub async fn connect(
        endpoint: &Endpoint,
        offer: Options,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        let stream = open::<R>(endpoint, timeouts.connect).await?;
        Self::over(stream, Mta::new(offer), timeouts).await
    }
}

impl<S: Unpin, R: Runtime + Io<S>> Client<S, R> {
    /// Negotiates over a stream that stands already.
    pub async fn over(stream: S, mta: Mta, timeouts: Timeouts) -> Result<Self, ClientError> {
        let mut client = Self { stream, mta, timeouts, runtime: PhantomData };
        client.await_answer(|_| {}).await?;
        Ok(client)
    }

    /// Macros for the command that is sent next; see [`Mta::define`].
    pub fn define(&mut self, command: CommandKind, macros: MacroPairs<'_>) -> Result<(), SendError> {
        self.mta.define(command, macros)
    }

    /// Sends a command, if the filter wants it, and awaits the answer, if one is due. For the end of a message see
    /// [`end_of_message`](Self::end_of_message).
    pub async fn send(&mut self, command: &Command<'_>) -> Result<Option<ClientAnswer>, ClientError> {
        self.send_and_hear(command, |_| {}).await
    }

    /// Sends the end of the message and awaits its verdict. Modifications are told as they come; they count only if
    /// the verdict is continue or accept. `None` if the filter has decided over the message before.
    pub async fn end_of_message(
        &mut self,
        mut modify: impl FnMut(&Modification<'_>),
    ) -> Result<Option<ClientAnswer>, ClientError> {
        let hear = |heard: &Heard<'_>| {
            if let Heard::Modification(modification) = heard {
                modify(modification);
            }
        };
        self.send_and_hear(&Command::EndOfMessage(None), hear).await
    }

    /// [`send`](Self::send), telling everything that is heard: the signs of life as well.
    pub async fn send_and_hear(
        &mut self,
        command: &Command<'_>,
        hear: impl FnMut(&Heard<'_>),
    ) -> Result<Option<ClientAnswer>, ClientError> {
        self.mta.send(command)?;
        self.await_answer(hear).await
    }

    /// Ends the connection in good order.
    pub async fn quit(mut self) -> Result<(), ClientError> {
        self.mta.send(&Command::Quit)?;
        self.await_answer(|_| {}).await?;
        Ok(())
    }

    /// The MTA's side under the stream: what was negotiated, and what is decided.
    pub const fn mta(&self) -> &Mta {
        &self.mta
    }

    /// Writes what is to be written, and reads until no answer is due.
    async fn await_answer(
        &mut self,
        mut hear: impl FnMut(&Heard<'_>),
    ) -> Result<Option<ClientAnswer>, ClientError> {
        let mut buffer = [0; 4096];
        let mut answer = None;
        let mut began = Instant::now();
        loop {
            let waiting = self.mta.waits_for();
            let command = waiting.unwrap_or(CommandKind::Quit);
            let limit = match waiting {
                Some(CommandKind::Negotiate) => self.timeouts.connect,
                Some(CommandKind::EndOfMessage) => self.timeouts.message,
                _ => self.timeouts.command,
            };
            let too_long = || ClientError::Timeout { command, limit };
            // For the answer as a whole, in however many pieces it comes; a sign of life begins it anew.
            let left = limit.saturating_sub(began.elapsed());
            match self.mta.step()? {
                Step::Write(bytes) => {
                    timeout::<R, _>(left, write::<R, S>(&mut self.stream, bytes))
                        .await
                        .ok_or_else(too_long)??;
                }
                Step::Read if waiting.is_none() => return Ok(answer),
                Step::Read => {
                    let reading = poll_fn(|cx| R::poll_read(Pin::new(&mut self.stream), cx, &mut buffer));
                    let count = timeout::<R, _>(left, reading).await.ok_or_else(too_long)??;
                    self.mta.receive(&buffer[..count]);
                }
                Step::Event(heard) => {
                    began = Instant::now();
                    hear(&heard);
                    if let Heard::Decided(decision) = heard {
                        answer = Some(ClientAnswer {
                            verdict: decision.outcome.to_verdict(),
                            scope: decision.scope,
                        });
                    }
                }
                Step::Close => return Ok(answer),
            }
        }
    }
}

/// Writes all of it.
async fn write<R: Io<S>, S: Unpin>(stream: &mut S, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        let count = poll_fn(|cx| R::poll_write(Pin::new(&mut *stream), cx, octets)).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        octets = octets.get(count..).unwrap_or_default();
    }
    poll_fn(|cx| R::poll_flush(Pin::new(&mut *stream), cx)).await
}

impl<S, R> fmt::Debug for Client<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("mta", &self.mta)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
