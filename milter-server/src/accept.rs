//! Accepting connections, whatever happens, and one task for each.

use crate::converse::{ConverseError, Settings, drive};
use crate::handle::{Handle, Shared};
use crate::link::Watch;
use crate::runtime::Runtime;
use async_lock::{Semaphore, SemaphoreGuardArc};
use futures_lite::future::{or, yield_now};
use milter_proto::{ACCEPT_BACK_OFF, Application, Phase};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tracing::Instrument;

/// How many connections are accepted whose tasks have not run yet. Accepting would otherwise be ahead of serving, and whoever
/// comes last would wait for them all.
pub(crate) const NEWCOMERS: usize = 32;

/// Accepts until the server drains, and never ends. At the limit the oldest connection that has not negotiated makes room;
/// if all have, the next one waits until one ends.
pub(crate) async fn accept<R: Runtime, M: Application>(
    listener: R::Listener,
    handle: Handle<M>,
    settings: Arc<Settings>,
    max_connections: usize,
    newcomers: Arc<Semaphore>,
) -> Infallible {
    let registry = &handle.shared.registry;
    let mut failing = false;
    loop {
        let mut accepting = pin!(R::accept(&listener));
        // Who comes once the server drains is for whoever listens on the socket next. That this future goes may take until
        // its holder is polled.
        let accepted = poll_fn(|cx| match registry.phase() {
            Phase::Serving => accepting.as_mut().poll(cx),
            _ => Poll::Pending,
        });
        match accepted.await {
            Ok(stream) => {
                failing = false;
                let newcomer = newcomers.acquire_arc().await;
                let link = loop {
                    if let Some(link) = registry.begin(max_connections) {
                        break link;
                    }
                    make_room(&handle.shared, &settings, "the limit is reached");
                    // Later there may be one that makes room: we do not know of all yet whether they would negotiate.
                    or(registry.ended(|count| count < max_connections), R::sleep(ACCEPT_BACK_OFF)).await;
                };
                let watch = Watch::new(Arc::clone(registry), link);
                spawn::<R, M>(stream, watch, &handle, &settings, newcomer);
                // As long as others wait to be accepted, some runtimes would do nothing else.
                yield_now().await;
            }
            // That one has gone; the next one is sound.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("cannot accept connections for now: {error}");
                    if let Some(observer) = &settings.observer {
                        observer.accept_failed(&error);
                    }
                }
                if is_short_of_descriptors(&error) {
                    make_room(&handle.shared, &settings, "no descriptor is left");
                }
                let count = registry.count();
                or(registry.ended(|now| now < count), R::sleep(ACCEPT_BACK_OFF)).await;
            }
        }
    }
}

fn make_room<M>(shared: &Shared<M>, settings: &Settings, why: &str) {
    if let Some(connection) = shared.registry.shed() {
        tracing::info!(connection, "closing a connection that has not negotiated: {why}");
        if let Some(observer) = &settings.observer {
            observer.shed(connection);
        }
    }
}

fn is_short_of_descriptors(error: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE};
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

fn spawn<R: Runtime, M: Application>(
    stream: R::Stream,
    watch: Watch,
    handle: &Handle<M>,
    settings: &Arc<Settings>,
    newcomer: SemaphoreGuardArc,
) {
    let id = watch.id();
    if let Some(observer) = settings.observer() {
        observer.connected(id);
    }
    let driving = drive::<R, _, _>(stream, handle.milter(), watch, Arc::clone(settings), R::acknowledge);
    let task = Task { driving, newcomer: Some(newcomer), id, settings: Arc::clone(settings) };
    R::spawn(task.instrument(tracing::info_span!("connection", id)));
}

pin_project! {
    /// The task of a connection. Not an `async` block: those hold twice what they await.
    struct Task<F> {
        #[pin]
        driving: F,
        // Until it is polled for the first time.
        newcomer: Option<SemaphoreGuardArc>,
        id: u64,
        settings: Arc<Settings>,
    }
}

impl<F: Future<Output = (Result<(), ConverseError>, Watch)>> Future for Task<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        drop(this.newcomer.take());
        // A panic here is none of a hook, which is caught earlier, but of a factory or a destructor. Not every runtime
        // outlives one.
        let polled = catch_unwind(AssertUnwindSafe(|| this.driving.poll(cx)));
        // Whoever waits for the end of all connections has heard of each by then.
        let (ended, _watch) = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready((ended, watch))) => (ended, Some(watch)),
            Err(_) => (Err(ConverseError::Panicked), None),
        };
        match &ended {
            Ok(()) => {}
            Err(ConverseError::Io(error)) => tracing::info!("the connection failed: {error}"),
            // With its number: the span may not be shown at the level of warnings.
            Err(error) => tracing::warn!(connection = *this.id, "closing the connection: {error}"),
        }
        if let Some(observer) = this.settings.observer() {
            observer.disconnected(*this.id, ended.as_ref().copied());
        }
        Poll::Ready(())
    }
}
