//! What the protocol asks of an MTA, by the numbers of its statements.
//!
//! The statements 93 to 97 speak of the message that is modified, which this side does not hold.

mod commands;
mod macros;
mod negotiation;
mod replies;
mod session;

use milter_proto::{CommandKind as C, Error, ResponseViolation, Sent};
use milter_tests::{Asking, Told, packet};

const CONTINUE: &[u8] = b"\0\0\0\x01c";

/// The commands of an SMTP session, in their order.
const ALL: [C; 10] = [
    C::Connect,
    C::Helo,
    C::Unknown,
    C::Mail,
    C::Rcpt,
    C::Data,
    C::Header,
    C::EndOfHeaders,
    C::Body,
    C::EndOfMessage,
];

fn offering(version: u32, actions: u32, protocol: u32) -> Asking {
    let offer = milter_tests::offer(version, actions, protocol);
    let mut asking = Asking::offering(offer);
    asking.written();
    asking
}

/// What becomes of this answer to an offer of everything.
fn answered(payload: &[u8]) -> Result<Vec<Told>, Error> {
    offering(6, 0x1ff, 0x001f_ffff).hear(&packet(b'O', payload))
}

/// What of these macros is written for a command.
#[track_caller]
fn written(asking: &mut Asking, command: C, macros: &[(&str, &str)]) -> Vec<u8> {
    asking.define(command, macros).unwrap();
    asking.written()
}

/// A filter that was sent this command, and everything before it. It has no protocol steps but these.
#[track_caller]
fn sent(command: C, protocol: u32) -> Asking {
    let mut asking = Asking::agreed(protocol);
    for before in ALL.into_iter().take_while(|kind| *kind != command) {
        asking.passes(before);
    }
    assert_eq!(asking.sends(command).unwrap().0, Sent::Awaited);
    asking
}

fn violation(violation: ResponseViolation) -> Result<Vec<Told>, Error> {
    Err(violation.into())
}
