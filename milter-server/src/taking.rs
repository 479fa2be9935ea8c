//! Taking one step of a conversation.

use crate::connection::Connection;
use crate::converse::Ended;
use crate::hook::{Finished, Hook};
use crate::runtime::{Io, Runtime};
use crate::spans::Spans;
use crate::write::Write;
use milter_proto::{Application, Conversation, Step};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A step that is being taken, other than one to read: that needs the conversation itself.
    #[project = TakingProjection]
    pub(crate) enum Taking<'a, 'b, R: Runtime, M: Application, S> {
        Done { taken: Option<Taken<R>> },
        Writes { write: Write<'a, 'b, R, S> },
        Calls { #[pin] hook: Hook<'a, 'b, R, M, S> },
    }
}

/// What became of a step.
pub(crate) enum Taken<R: Runtime> {
    /// Nothing is owed: octets are needed.
    Read,
    Written(Result<(), Ended>),
    Called(Finished<R>),
    Over(Result<(), milter_proto::Error>),
}

impl<'a, 'b, R, M, S> Taking<'a, 'b, R, M, S>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    pub(crate) fn begin(
        conversation: &'a mut Conversation<M>,
        stream: &'a mut S,
        connection: &'a mut Connection<'b>,
    ) -> Self {
        match conversation.step() {
            Ok(Step::Read) => Self::Done { taken: Some(Taken::Read) },
            // Nobody reads what is owed to a connection that is gone.
            Ok(Step::Write(_)) if connection.is_broken() => {
                Self::Done { taken: Some(Taken::Written(Ok(()))) }
            }
            Ok(Step::Write(octets)) => {
                // What is written first answers the offer: who has read it is not to be shed.
                if connection.waits_for_first_packet() && !connection.watch.negotiated() {
                    return Self::Done { taken: Some(Taken::Written(Err(Ended::Closed))) };
                }
                Self::Writes { write: Write::new(octets, stream, connection) }
            }
            Ok(Step::Event(call)) => {
                Spans::enter(&mut connection.spans, &call);
                match Hook::begin(call, stream, connection) {
                    Ok(hook) => Self::Calls { hook },
                    Err(finished) => Self::Done { taken: Some(Taken::Called(finished)) },
                }
            }
            Ok(Step::Close) => Self::Done { taken: Some(Taken::Over(Ok(()))) },
            Err(error) => Self::Done { taken: Some(Taken::Over(Err(error))) },
        }
    }
}

impl<R, M, S> Future for Taking<'_, '_, R, M, S>
where
    R: Runtime + Io<S>,
    M: Application,
    S: Unpin,
{
    type Output = Taken<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Taken<R>> {
        match self.project() {
            TakingProjection::Done { taken } => taken.take().map_or(Poll::Pending, Poll::Ready),
            TakingProjection::Writes { write } => Pin::new(write).poll(cx).map(Taken::Written),
            TakingProjection::Calls { hook } => hook.poll(cx).map(Taken::Called),
        }
    }
}
