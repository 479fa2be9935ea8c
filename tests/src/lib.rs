//! Harness of the tests against real mail servers.
//!
//! Everything here **panics** when something does not go as told: a harness that skips what it cannot do
//! reports success for tests that never ran.

mod delivered;
mod sink;
mod smtp;

pub use delivered::{Delivered, Recipient};
pub use sink::Sink;
pub use smtp::{SmtpAnswer, SmtpClient};
