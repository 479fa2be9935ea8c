//! The MTA's side: asks a filter over any stream.

use milter_proto::{
    BodyVerdict, Command, CommandKind, Endpoint, Heard, MacroPairs, Modification, Mta, Options, Scope,
    SendError, Step,
};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::either::Either;

/// A connection to a filter: what an MTA does.
///
/// ```no_run
/// # use milter_tokio::*;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut filter = Client::connect(&"inet:127.0.0.1:9000".parse()?, Options::CURRENT, Timeouts::default()).await?;
/// let mail = Mail::new("<a@b.example>".try_into()?, Arguments::default())?;
/// match filter.send(&Command::Mail(mail)).await? {
///     None => println!("the filter did not want to know, or does not answer"),
///     Some(answer) => println!("{:?} for the {:?}", answer.verdict, answer.scope),
/// }
/// filter.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    mta: Mta,
    timeouts: Timeouts,
}

/// A stream to a filter that [`Client::connect`] or [`open`](open()) opened.
pub type ClientStream = Either<TcpStream, UnixStream>;

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
pub async fn open(endpoint: &Endpoint, limit: Duration) -> Result<ClientStream, ClientError> {
    let failed = |source| ClientError::Connect { endpoint: endpoint.clone(), source };
    let connecting = async {
        Ok(match endpoint {
            Endpoint::Inet { host, port } | Endpoint::Inet6 { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Either::Left(stream)
            }
            Endpoint::Unix { path } => Either::Right(UnixStream::connect(path).await?),
            other => return Err(io::Error::other(format!("{other} is not supported"))),
        })
    };
    match timeout(limit, connecting).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(failed(io::ErrorKind::TimedOut.into())),
    }
}

impl Client<ClientStream> {
    /// Connects over TCP or a unix socket, and negotiates.
    pub async fn connect(
        endpoint: &Endpoint,
        offer: Options,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        let stream = open(endpoint, timeouts.connect).await?;
        Self::over(stream, Mta::new(offer), timeouts).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Negotiates over a stream that stands already.
    pub async fn over(stream: S, mta: Mta, timeouts: Timeouts) -> Result<Self, ClientError> {
        let mut client = Self { stream, mta, timeouts };
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
        loop {
            let waiting = self.mta.waits_for();
            let command = waiting.unwrap_or(CommandKind::Quit);
            let limit = match waiting {
                Some(CommandKind::Negotiate) => self.timeouts.connect,
                Some(CommandKind::EndOfMessage) => self.timeouts.message,
                _ => self.timeouts.command,
            };
            let too_long = |_| ClientError::Timeout { command, limit };
            match self.mta.step()? {
                Step::Write(bytes) => {
                    timeout(limit, self.stream.write_all(bytes)).await.map_err(too_long)??;
                }
                Step::Read if waiting.is_none() => return Ok(answer),
                Step::Read => {
                    let count = timeout(limit, self.stream.read(&mut buffer)).await.map_err(too_long)??;
                    self.mta.receive(&buffer[..count]);
                }
                Step::Event(heard) => {
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
