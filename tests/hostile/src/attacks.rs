//! The attacks: one module for each class of attacker.

mod answers;
mod deadlines;
mod descriptors;
mod floods;
mod handlers;
mod legal;
mod malformed;
mod memory;
mod mixed;
mod panics;
mod restart;
mod shutdown;
mod silent;
mod soak;
mod state;
mod unread;
mod vanishing;

use crate::arena::Arena;
use crate::figure::Report;

/// A class of attackers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attack {
    /// The number of its figures.
    pub number: &'static str,
    /// What it does.
    pub name: &'static str,
    /// Does it, and measures meanwhile. Panics if something happens that is not even a wrong figure.
    pub run: fn(&Arena) -> Report,
}

/// All attacks.
pub const ATTACKS: &[Attack] = &[
    attack("R0", "no attack", mixed::nothing),
    attack("R2", "malformed or out of order", malformed::malformed),
    attack("R3", "oversize lengths", malformed::oversize),
    attack("R4", "odd but legal octets", legal::octets),
    attack("R5", "state of others", state::state),
    attack("R6", "offers", legal::offers),
    attack("R7", "floods in one message", floods::floods),
    attack("R8", "a peer that never reads", unread::unread),
    attack("R9", "memory of a connection", memory::memory),
    attack("R10", "silent connections", silent::silent),
    attack("R11", "deadlines", deadlines::deadlines),
    attack("R12", "no descriptor left", descriptors::descriptors),
    attack("R13", "peers that vanish", vanishing::vanishing),
    attack("R14", "panics", panics::panics),
    attack("R15", "hostile values of the application", answers::values),
    attack("R16", "large answers", answers::large),
    attack("R17", "slow and hung handlers", handlers::handlers),
    attack("R18", "shutdown", shutdown::shutdown),
    attack("R19", "restart", restart::restart),
    attack("R20", "soak", soak::soak),
    attack("R21", "hostile and good together", mixed::mixed),
];

const fn attack(number: &'static str, name: &'static str, run: fn(&Arena) -> Report) -> Attack {
    Attack { number, name, run }
}
