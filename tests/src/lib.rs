//! Harness of the tests against real mail servers.
//!
//! Everything here **panics** when something does not go as told: a harness that skips what it cannot do
//! reports success for tests that never ran.

mod build;
mod delivered;
mod poll;
mod process;
mod sink;
mod smtp;
mod watchdog;

pub use build::runnable;
pub use delivered::{Delivered, Recipient};
pub use nix::sys::signal::Signal;
pub use process::Runnable;
pub use sink::Sink;
pub use smtp::{SmtpAnswer, SmtpClient};
