//! One stream at a time.

use crate::runtime::{AsyncStd, ClientStream};
use async_std::io::{Read as AsyncRead, Write as AsyncWrite};
use milter_proto::{Application, Deadlines, Endpoint};
use milter_server::{ClientError, ConverseError};
use std::future::Future;
use std::time::Duration;

/// Serves one connection of an MTA over any stream, to its end, with the default [`Deadlines`].
///
/// While the hook for the end of a message waits, the MTA is told every second that it is being worked on. A hook that
/// panics or takes too long gives the failure verdict, and then the connection closes. Failures of hooks are logged with
/// `tracing`: a program without a subscriber sees none of them.
///
/// The number is for hooks and logs: see [`Context::connection_id`](crate::Context::connection_id).
pub fn converse<M, S>(
    stream: S,
    milter: M,
    connection: u64,
) -> impl Future<Output = Result<(), ConverseError>>
where
    M: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    converse_with(stream, milter, connection, Deadlines::default())
}

/// [`converse`] with other deadlines.
pub fn converse_with<M, S>(
    stream: S,
    milter: M,
    connection: u64,
    deadlines: Deadlines,
) -> impl Future<Output = Result<(), ConverseError>>
where
    M: Application,
    S: AsyncRead + AsyncWrite + Unpin,
{
    milter_server::converse::<AsyncStd, M, S>(stream, milter, connection, deadlines)
}

/// Opens a stream to a filter, for [`Client::over`](crate::Client::over).
pub async fn open(endpoint: &Endpoint, limit: Duration) -> Result<ClientStream, ClientError> {
    milter_server::open::<AsyncStd>(endpoint, limit).await
}
