//! Signals of the operator, and what a service manager is told.

use crate::handle::Handle;
use crate::runtime::{Runtime, Signal};
use crate::server::Reload;
use milter_proto::Application;
use sd_notify::NotifyState;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Acts on signals for ever.
pub(crate) async fn supervise<R: Runtime, M: Application>(
    mut signals: R::Signals,
    handle: &Handle<M>,
    mut reload: Option<Reload<M>>,
) -> Infallible {
    notify(&[NotifyState::Ready]);
    let mut is_second = false;
    loop {
        match R::next_signal(&mut signals).await {
            // Its handle may have begun the end before: then this is still the first signal.
            Signal::Terminate if !std::mem::replace(&mut is_second, true) => {
                tracing::info!("shutting down: finishing messages in progress");
                notify(&[NotifyState::Stopping]);
                handle.drain();
            }
            Signal::Terminate => {
                tracing::warn!("shutting down at once");
                handle.stop();
            }
            Signal::HangUp => {
                let now = NotifyState::monotonic_usec_now().ok();
                notify(&[&[NotifyState::Reloading][..], now.as_slice()].concat());
                // What panics there was not reloaded either: SIGHUP never ends anything.
                let reloaded = reload.as_mut().map(|reload| {
                    catch_unwind(AssertUnwindSafe(reload)).unwrap_or_else(|_| Err("it panicked".into()))
                });
                match reloaded {
                    None => tracing::info!("SIGHUP: there is nothing to reload"),
                    Some(Ok(milter)) => {
                        tracing::info!("SIGHUP: new connections get the new configuration");
                        handle.reload(milter);
                    }
                    Some(Err(error)) => tracing::error!("SIGHUP: not reloaded: {error}"),
                }
                notify(&[NotifyState::Ready]);
            }
        }
    }
}

/// Tells a service manager that asked for it by NOTIFY_SOCKET.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("cannot notify the service manager: {error}");
    }
}
