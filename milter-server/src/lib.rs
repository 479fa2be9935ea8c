//! What the milter adapters for tokio, async-std and smol share: everything of a server but the runtime.
//!
//! To write a filter, take the adapter for your runtime: `milter-tokio`, `milter-smol` or `milter-async-std`. Each is an
//! implementation of [`Runtime`] and nothing else, so that all behave alike. To serve filters on another runtime, implement
//! [`Runtime`] for it.
//!
//! | what | where |
//! | --- | --- |
//! | the step loop of one connection | [`converse()`] |
//! | accepting, limits, deadlines, the end in good order | [`Server`], [`Handle`] |
//! | sockets: TCP, unix, inherited | [`Server::listen`], [`SocketAccess`] |
//! | metrics | [`Observer`] |
//! | the MTA's side | [`Client`] |
//!
//! For operators the repository has pages in `docs/`: `postfix.md` and `sendmail.md` (which time-outs must agree with
//! [`Deadlines`](milter_proto::Deadlines)), `running.md` and `scaling.md`.

mod accept;
mod buffers;
mod client;
#[cfg_attr(test, path = "models/clock.rs")]
mod clock;
mod connection;
mod converse;
mod deadlines;
mod handle;
mod hook;
mod link;
mod listener;
mod lock;
#[cfg(test)]
mod models;
mod observer;
mod registry;
mod runtime;
mod scoped;
mod server;
mod spans;
mod steps;
mod supervise;
#[cfg_attr(test, path = "models/sync.rs")]
mod sync;
mod write;

pub use client::{Client, ClientAnswer, ClientError, Timeouts, open};
pub use converse::{ConverseError, converse};
pub use handle::Handle;
pub use hook::Unfinished;
pub use listener::{ListenError, SocketAccess, StdListener};
pub use observer::Observer;
pub use runtime::{Io, Runtime, Signal, acknowledge};
pub use server::Server;
