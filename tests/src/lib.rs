//! Harness of the tests against real mail servers.
//!
//! [`Postfix`] and [`Sendmail`] are private mail servers for one test ([`Software`] names either), [`Sink`] the SMTP server
//! they deliver to, [`SmtpClient`] the client that speaks to them, [`Runnable`] a program under test, [`Served`] a filter
//! in the test process and [`MilterSocket`] a unix socket path that either server may connect to. [`foreign`] finds
//! programs that nobody here wrote.
//!
//! Everything here **panics** when something does not go as told: a harness that skips what it cannot do
//! reports success for tests that never ran. What is missing is installed by the script `./test` at the root of
//! the repository.
//!
//! [`RawMta`] is an MTA's end of a socket, octet by octet, for what no real one does.
//!
//! [`Pair`] needs no server: both sides of `milter-proto`, wired in memory. [`Asking`] is the MTA's side alone, and
//! the test is the filter. [`differential`] has our library and libmilter live the same mutated sessions.
//!
//! ```no_run
//! use milter_tests::{Postfix, Sink, SmtpClient};
//! use std::time::Duration;
//!
//! let sink = Sink::start();
//! let postfix = Postfix::builder().milter("inet:127.0.0.1:9999").deliver_to(&sink).start();
//! let mut client = SmtpClient::connect(postfix.smtp_address());
//! client.send("alice@sender.test", &["bob@example.test"], b"Subject: hi\r\n\r\nHello\r\n").unwrap();
//! let delivered = sink.wait_for(1, Duration::from_secs(10));
//! assert_eq!(delivered[0].body(), b"Hello\r\n");
//! ```

mod asking;
mod build;
mod delivered;
pub mod differential;
mod directory;
mod filter_program;
mod foreign;
mod in_process;
mod load;
mod mail_server;
mod milter_socket;
mod pair;
mod poll;
mod postfix;
mod process;
mod raw_mta;
mod restarts;
mod sample;
mod sendmail;
mod sink;
mod smtp;
mod watchdog;

pub use asking::{Asking, Told, described, letters, offer, packet, words};
pub use build::runnable;
pub use delivered::{Delivered, Recipient};
pub use filter_program::{FilterProgram, Transport};
pub use foreign::{foreign, libmilter_program, python};
pub use in_process::{Adapter, Served, Settings, serve, serve_on};
pub use load::{Ledger, Load, Progress, Settled, SmtpStage};
pub use mail_server::{Builder, MailServer, Setup, Software};
pub use milter_socket::MilterSocket;
pub use nix::sys::signal::Signal;
pub use pair::{Filter, Pair, PairError, Played, Splitter};
pub use poll::poll;
pub use postfix::{Postfix, PostfixBuilder};
pub use process::Runnable;
pub use raw_mta::RawMta;
pub use restarts::{MARK, Report, Restarts};
pub use sample::{COMMANDS, sample};
pub use sendmail::{Sendmail, SendmailBuilder};
pub use sink::Sink;
pub use smtp::{SmtpAnswer, SmtpClient};
