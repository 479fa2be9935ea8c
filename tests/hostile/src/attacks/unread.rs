//! A peer that asks and asks, and reads no answer.

use crate::arena::Arena;
use crate::connection::octets_unread;
use crate::figure::Report;
use crate::peer::{Peer, offer};
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::io::{self, Write};
use std::time::Duration;

/// The answers that the peer's own socket holds count as well: it is made small.
const SOCKET_BUFFER: usize = 16 << 10;
/// A peer that cannot write for so long is blocked.
const BLOCKED: Duration = Duration::from_millis(500);

/// R8.
pub(super) fn unread(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let most = Siege { beside: Duration::from_millis(10), ..Siege::USUAL };
    let taken = most.lay(&victim, "a peer that reads nothing", &mut report, || {
        let (peer, taken) =
            write_until_blocked(&victim).unwrap_or_else(|error| panic!("not even begun: {error}"));
        (vec![peer], taken)
    });
    report.octets("octets that were taken from it", taken, 512 << 10);
    report
}

/// How much the filter took: not what its socket holds unread, for which the kernel alone sets the limit.
fn write_until_blocked(victim: &Victim) -> io::Result<(Peer, i64)> {
    let mut peer = Peer::connect_with(&victim.endpoint, |socket| {
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
        socket.set_recv_buffer_size(SOCKET_BUFFER)
    })?;
    peer.ask(&offer(), "O")?;
    peer.opens("unread")?;
    peer.ask(&packet(b'M', b"<a@b>\0"), "c")?;
    peer.socket.set_write_timeout(Some(BLOCKED))?;
    let recipient = packet(b'R', b"<user@example.org>\0");
    let recipients = recipient.repeat(100);
    let mut written = 0;
    // Enough for every buffer on the way; a filter that takes this much takes everything.
    while written < 64 << 20 {
        match peer.socket.write(&recipients[written % recipient.len()..]) {
            Ok(count) => written += count,
            Err(_) => break,
        }
    }
    let taken = written as i64 - octets_unread(&peer.socket)?;
    Ok((peer, taken))
}
