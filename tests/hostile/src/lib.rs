//! A hostile peer: raw sockets against a filter on each adapter, in every class of attack that a filter can meet.
//!
//! The filter under attack is a process of its own, so that its memory, descriptors, threads and processor time are
//! measured from outside, and well-behaved sessions are measured beside the attack. Each [`Attack`] gives figures, and
//! each figure has a bound. The tests of this package hold a short form of all of them on all adapters and sockets; the
//! command holds the bounds as they are, and goes on for as long as one likes:
//!
//! ```text
//! cargo run --release -p milter-hostile -- --runtime smol --socket unix --long R9 R20
//! ```

mod arena;
mod attacks;
mod bystanders;
mod command;
mod connection;
mod figure;
mod filter;
mod peer;
mod process;
mod siege;
mod victim;

pub use arena::{Arena, Transport};
pub use attacks::{ATTACKS, Attack};
pub use command::main;
pub use figure::{Figure, Report};
