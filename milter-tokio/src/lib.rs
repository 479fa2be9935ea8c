//! Mail filters for Postfix and Sendmail (milters) on tokio.
//!
//! ```no_run
//! use milter_tokio::*;
//!
//! #[derive(Default)]
//! struct Counter { octets: usize } // one for each message
//!
//! impl Counter {
//!     async fn body(&mut self, chunk: BodyChunk<'_>, _: &mut Context) {
//!         self.octets += chunk.len();
//!     }
//!     async fn end_of_message(&mut self, _: EndOfMessage, cx: &mut Context) -> Result<Verdict, ModificationError> {
//!         cx.add_header("X-Body-Octets", self.octets.to_string())?;
//!         Ok(Verdict::Continue)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let milter = Milter::per_message(Counter::default)
//!     .actions(Actions::ADD_HEADERS)
//!     .on_body(Counter::body)
//!     .on_end_of_message(Counter::end_of_message);
//! Server::new(milter).listen("inet:127.0.0.1:9000")?.run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Server`] listens, limits, and ends in good order. [`converse`] serves one stream that something else accepted: TCP,
//! unix, TLS, or in memory. Everything of [`milter_proto`] stands here too, so that a filter needs one dependency.

mod buffers;
mod client;
mod converse;
mod listener;
mod phase;
mod server;
mod signal;

pub use client::{Client, ClientAnswer, ClientError, ClientStream, Timeouts, open};
pub use converse::{ConverseError, converse};
pub use listener::ListenError;
pub use milter_proto::*;
pub use server::Server;
pub use signal::terminated;

/// The README's filter compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
