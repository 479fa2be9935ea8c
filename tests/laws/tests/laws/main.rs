//! Each law of this package with inputs that proptest makes up. One program, because each program is linked anew for every
//! change of `milter-proto`.

mod application;
mod commands;
mod length;
mod message;
mod mta;
mod packets;
mod responses;
mod session;
mod texts;
mod two_sides;
