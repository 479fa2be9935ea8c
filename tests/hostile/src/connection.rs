//! What the system knows about a connection, seen from the peer's end.

use socket2::{SockAddr, Socket};
use std::{fs, io};

/// How many octets of what was sent the other end has received and not read: the kernel holds them in a buffer that it
/// makes as large as it likes. For TCP: what it holds for a unix socket counts as the sender's.
pub(crate) fn octets_unread(sender: &Socket) -> io::Result<i64> {
    let (Some(here), Some(there)) = (hexadecimal(&sender.local_addr()?), hexadecimal(&sender.peer_addr()?))
    else {
        return Ok(0);
    };
    let connections = fs::read_to_string("/proc/net/tcp")?;
    // Number, its address, the other's, state, and "not acknowledged:not read".
    let unread = connections.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, local, remote, _, queues, ..] if [local, remote] == [&*there, &*here] => queues.split(':').nth(1),
        _ => None,
    });
    let unread = unread.ok_or_else(|| io::Error::other(format!("no connection from {there} to {here}")))?;
    i64::from_str_radix(unread, 16).map_err(io::Error::other)
}

/// As the kernel's tables name an address of IPv4.
fn hexadecimal(address: &SockAddr) -> Option<String> {
    let address = address.as_socket_ipv4()?;
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}
