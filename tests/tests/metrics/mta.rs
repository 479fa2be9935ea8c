//! An MTA that writes octets as it likes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::TIMEOUT;

/// Version 6, everything.
pub(crate) const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";
pub(crate) const HAM: &[u8] = b"\0\0\0\x09M<a@ham>\0";
pub(crate) const SPAM: &[u8] = b"\0\0\0\x0aM<a@spam>\0";
pub(crate) const END: &[u8] = b"\0\0\0\x01E";
pub(crate) const QUIT: &[u8] = b"\0\0\0\x01Q";

/// A connection to a filter.
#[track_caller]
pub(crate) fn connect(spec: &str) -> TcpStream {
    let stream = TcpStream::connect(spec.strip_prefix("inet:").unwrap()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// Says all of it, then nothing more: how much it said, and heard.
#[track_caller]
pub(crate) fn say(spec: &str, packets: &[&[u8]]) -> (u64, u64) {
    let octets = packets.concat();
    let mut stream = connect(spec);
    stream.write_all(&octets).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    (octets.len() as u64, heard.len() as u64)
}
