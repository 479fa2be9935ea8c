//! What a connection knows beside its conversation, and what it does between the steps.

use crate::buffers;
use crate::converse::{ConverseError, Ended, Settings};
use crate::hook::{self, Finished, Unfinished};
use crate::link::{Interruption, Wait, Watch};
use crate::runtime::{Io, Runtime};
use crate::spans::Spans;
use crate::write::Writing;
use milter_proto::{Application, Conversation, Next, Phase, Waiting};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a connection knows beside its conversation.
pub(crate) struct Connection<'a> {
    pub(crate) watch: &'a Watch,
    pub(crate) settings: &'a Settings,
    pub(crate) spans: Option<Box<Spans>>,
    /// Octets of a sign of life that the MTA has not taken yet.
    pub(crate) unsent: &'static [u8],
    /// Why the stream is of no use any more.
    pub(crate) broken: Option<Ended>,
    pub(crate) messages: u64,
    /// Nothing was written since octets came.
    pub(crate) is_silent: bool,
    /// What is being read, which may take several reads, and after how many packets.
    wait: Wait,
    packets: u64,
    pub(crate) writing: Writing,
    /// The step that is being taken, reading or writing.
    pub(crate) unfinished: Option<Next>,
    /// Steps since it had to wait.
    pub(crate) in_a_row: u8,
}

impl<'a> Connection<'a> {
    pub(crate) const fn new(watch: &'a Watch, settings: &'a Settings) -> Self {
        Self {
            watch,
            settings,
            spans: None,
            unsent: b"",
            broken: None,
            messages: 0,
            is_silent: false,
            wait: Wait::new(Waiting::FirstPacket),
            packets: 0,
            writing: Writing::new(),
            unfinished: None,
            in_a_row: 0,
        }
    }

    /// Reads straight into the receive buffer, which is held only while there is something to read.
    pub(crate) fn poll_read<R: Io<S>, M: Application, S: Unpin>(
        &mut self,
        stream: &mut S,
        conversation: &mut Conversation<M>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        let decoder = conversation.decoder();
        buffers::lend(decoder);
        match R::poll_read(Pin::new(stream), cx, decoder.spare()) {
            Poll::Ready(Ok(count)) => {
                decoder.filled(count);
                self.is_silent = true;
                if let Some(observer) = self.settings.observer() {
                    observer.received(count);
                }
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => {
                buffers::reclaim(decoder);
                return Poll::Ready(Err(Ended::Broken(error)));
            }
            Poll::Pending => {
                self.in_a_row = 0;
                buffers::reclaim(decoder);
            }
        }
        let interrupted = self.watch.poll_interrupted(cx, &mut self.wait, &self.settings.deadlines);
        Poll::Ready(match ready!(interrupted) {
            Interruption::Drain => {
                conversation.finish();
                Ok(())
            }
            other => Err(other.into()),
        })
    }

    /// Before a read. The time for the first packet, and for one that has begun, goes on from read to read. `false` if it
    /// is to end: a connection that is never quiet is ended at this place.
    pub(crate) fn begin_reading<M: Application>(&mut self, conversation: &mut Conversation<M>) -> bool {
        let negotiated = conversation.session().agreement().is_some();
        let drains = !conversation.session().in_message();
        let decoder = conversation.decoder();
        let waiting = match decoder.is_empty() {
            _ if !negotiated => Waiting::FirstPacket,
            true => Waiting::Command,
            false => Waiting::Packet,
        };
        if waiting != self.wait.waiting || self.packets != decoder.packets_taken() {
            self.wait = Wait::new(waiting);
            self.packets = decoder.packets_taken();
        }
        self.wait.drains = drains;
        match self.watch.phase() {
            Phase::Serving => true,
            Phase::Draining => !drains,
            Phase::Closing => false,
        }
    }

    /// Before a write. `false` if nothing is to be written any more: what is written first answers the offer, and who has
    /// been answered is not shed, who was shed is not answered.
    pub(crate) fn begin_writing(&mut self) -> bool {
        self.writing = Writing::new();
        self.wait.waiting != Waiting::FirstPacket || self.watch.negotiated()
    }

    /// A hook is done, or was given up.
    pub(crate) fn conclude<R: Runtime, M: Application>(
        &self,
        finished: Finished<R>,
        conversation: &mut Conversation<M>,
    ) -> Result<(), Ended> {
        if let (Some(observer), Some(time)) = (self.settings.observer(), finished.time) {
            let outcome = finished.unfinished.as_ref().map(Err).or_else(|| conversation.answer().map(Ok));
            if let Some(outcome) = outcome {
                observer.hook(finished.stage, outcome, time);
            }
        }
        let Finished { unfinished, slow, .. } = finished;
        if let Some(failure) = conversation.take_failure() {
            hook::report(&failure, unfinished.as_ref(), self);
        }
        if let Some(slow) = slow {
            slow.ahead.hand_over(conversation);
        }
        match unfinished {
            Some(Unfinished::Close) => Err(Ended::Closed),
            Some(Unfinished::Gone(error)) => Err(Ended::Broken(error)),
            // A call that did not finish counts as failed: the failure verdict follows, then the end.
            Some(Unfinished::Panicked | Unfinished::Late(_)) | None => Ok(()),
        }
    }

    /// What a read, a write or a hook came to.
    pub(crate) fn heed<M: Application>(
        &mut self,
        done: Result<(), Ended>,
        conversation: &mut Conversation<M>,
    ) -> ControlFlow<Result<(), ConverseError>> {
        match done {
            Ok(()) => {}
            Err(Ended::Closed) => return ControlFlow::Break(Ok(())),
            Err(broken) => {
                self.broken = Some(broken);
                conversation.finish();
            }
        }
        ControlFlow::Continue(())
    }

    /// Counts messages until so many are over.
    pub(crate) fn count_messages(&mut self, over: u64) {
        while self.messages != over {
            self.messages = self.messages.wrapping_add(1);
            self.spans = None;
            if let Some(observer) = self.settings.observer() {
                observer.message(self.watch.id());
            }
        }
    }

    /// What the conversation came to.
    pub(crate) fn result(&mut self, over: Result<(), milter_proto::Error>) -> Result<(), ConverseError> {
        match self.broken.take() {
            None | Some(Ended::Closed) => Ok(over?),
            Some(Ended::Broken(error)) => Err(error.into()),
            Some(Ended::Late(waiting)) => {
                let limit = self.settings.deadlines.limit(waiting).unwrap_or_default();
                Err(ConverseError::Timeout { waiting, limit })
            }
        }
    }
}
