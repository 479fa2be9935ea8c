//! Accepting connections, whatever happens, and one task for each.

use crate::converse::{ConverseError, Settings, drive};
use crate::handle::{Handle, Shared};
use crate::link::{Link, Watch};
use crate::runtime::Runtime;
use futures_lite::FutureExt;
use futures_lite::future::or;
use milter_proto::{ACCEPT_BACK_OFF, Application};
use std::convert::Infallible;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tracing::Instrument;

/// Accepts for ever. At the limit the oldest connection that has not negotiated makes room; if all have, the next one waits
/// until one ends.
pub(crate) async fn accept<R: Runtime, M: Application>(
    listener: R::Listener,
    handle: &Handle<M>,
    settings: &Arc<Settings>,
    max_connections: usize,
) -> Infallible {
    let registry = &handle.shared.registry;
    let mut failing = false;
    loop {
        match R::accept(&listener).await {
            Ok(stream) => {
                failing = false;
                if registry.count() >= max_connections {
                    make_room(&handle.shared, settings, "the limit is reached");
                    registry.ended(|count| count < max_connections).await;
                }
                spawn::<R, M>(stream, handle, settings);
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("cannot accept connections for now: {error}");
                    if let Some(observer) = &settings.observer {
                        observer.accept_failed(&error);
                    }
                }
                if is_short_of_descriptors(&error) {
                    make_room(&handle.shared, settings, "no descriptor is left");
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

fn spawn<R: Runtime, M: Application>(stream: R::Stream, handle: &Handle<M>, settings: &Arc<Settings>) {
    // Counted from here on, not from when the task is first polled.
    let connection = Connection { handle: handle.clone(), link: handle.shared.registry.begin() };
    let settings = Arc::clone(settings);
    let span = tracing::info_span!("connection", id = connection.link.id);
    R::spawn(async move { connection.serve::<R>(stream, &settings).await }.instrument(span));
}

/// A connection that is counted until its task ends, in whatever way.
struct Connection<M> {
    handle: Handle<M>,
    link: Arc<Link>,
}

impl<M: Application> Connection<M> {
    async fn serve<R: Runtime>(&self, stream: R::Stream, settings: &Settings) {
        let observer = settings.observer.as_deref();
        if let Some(observer) = observer {
            observer.connected(self.link.id);
        }
        let watch = Watch { registry: &self.handle.shared.registry, link: &self.link };
        let driving = drive::<R, _, _>(stream, self.handle.milter(), watch, settings);
        let Ok(ended) = AssertUnwindSafe(driving).catch_unwind().await else {
            // Not a hook, whose panics are caught: a factory, or a destructor.
            tracing::error!("closing the connection: the application panicked");
            return;
        };
        match &ended {
            Ok(()) => {}
            Err(ConverseError::Io(error)) => tracing::info!("the connection failed: {error}"),
            Err(error) => tracing::warn!("closing the connection: {error}"),
        }
        if let Some(observer) = observer {
            observer.disconnected(self.link.id, ended.as_ref().copied());
        }
    }
}

impl<M> Drop for Connection<M> {
    fn drop(&mut self) {
        self.handle.shared.registry.end(self.link.id);
    }
}
