//! Tasks of the runtime that end with whoever began them.

use crate::lock::lock;
use crate::runtime::Runtime;
use crate::sync::{AtomicWaker, Mutex};
use std::any::Any;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tracing::Instrument;

/// A task that runs for ever on the runtime's own threads, as if it were polled by whoever holds this: when it is dropped
/// the task's values are, and a panic of the task is one of its holder.
///
/// Nothing of a runtime does that: a task that is cancelled drops its values at some later time, or never.
pub(crate) struct Scoped {
    pub(crate) shared: Arc<Shared>,
}

type Forever = Pin<Box<dyn Future<Output = Infallible> + Send>>;

pub(crate) struct Shared {
    /// Until it has panicked or its holder has gone. The lock is held while it is polled, and waited for by its holder.
    running: Mutex<Option<Forever>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    task: AtomicWaker,
    holder: AtomicWaker,
}

impl Scoped {
    pub(crate) fn spawn<R: Runtime>(future: impl Future<Output = Infallible> + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            running: Mutex::new(Some(Box::pin(future))),
            panic: Mutex::new(None),
            task: AtomicWaker::default(),
            holder: AtomicWaker::default(),
        });
        let task = Arc::clone(&shared);
        // What the holder logs within belongs to its span; so does what the task logs.
        R::spawn(poll_fn(move |cx| task.poll(cx)).in_current_span());
        Self { shared }
    }

    /// Goes on with a panic of the task, now or when the holder is woken for it.
    pub(crate) fn poll_panic(&self, cx: &Context<'_>) {
        self.shared.holder.register(cx.waker());
        let panic = lock(&self.shared.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        let mut running = lock(&self.running);
        let Some(future) = running.as_mut() else { return Poll::Ready(()) };
        // A panic must not end a thread of the runtime either.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(never)) => match never {},
            Err(panic) => {
                let gone = running.take();
                drop(running);
                drop(gone);
                *lock(&self.panic) = Some(panic);
                self.holder.wake();
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        // Not under the lock: what it holds has destructors of its own.
        let running = lock(&self.shared.running).take();
        drop(running);
        self.shared.task.wake();
    }
}
