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
//!
//! How a filter is run, behind Postfix and Sendmail, is told by the pages in `docs/` of the repository.

mod converse;
mod runtime;
mod signal;

pub use converse::{converse, converse_with, open};
pub use milter_proto::*;
pub use milter_server::{
    ClientAnswer, ClientError, ConverseError, Handle, ListenError, Observer, SocketAccess, StdListener,
    Timeouts, Unfinished,
};
pub use runtime::{ClientStream, Tokio};
pub use signal::terminated;

/// A filter behind one or more sockets, on tokio.
///
/// ```no_run
/// # use milter_tokio::*;
/// # async fn example(milter: impl Application) -> Result<(), Box<dyn std::error::Error>> {
/// let mut access = SocketAccess::default(); // mode 0660
/// access.group = Some("postfix".to_owned());
/// Server::new(milter)
///     .listen("inet:127.0.0.1:9000")?
///     .listen_with("unix:/run/filter/milter.sock", &access)?
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
pub type Server<M> = milter_server::Server<M, Tokio>;

/// A connection to a filter: what an MTA does, on tokio.
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
pub type Client<S> = milter_server::Client<S, Tokio>;

/// The README's filter compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
