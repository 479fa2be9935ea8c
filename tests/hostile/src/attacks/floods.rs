//! Much of everything in one message: nothing of it is kept.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::{Peer, expect};
use crate::siege::Siege;
use crate::victim::Victim;
use milter_tests::packet;
use std::io;
use std::time::Duration;

const MIB: usize = 1 << 20;
/// As large as a packet may be, less a little.
const LARGE: usize = 60_000;

/// R7.
pub(super) fn floods(arena: &Arena) -> Report {
    let victim = Victim::start(arena);
    let mut report = Report::default();
    let most = Siege { memory: 2 << 20, cpu: Duration::from_secs(3), ..Siege::USUAL };
    let flooded = most.lay(&victim, "floods", &mut report, || {
        let mut peer = victim.negotiated();
        let flooded = flood(&mut peer);
        (vec![peer], flooded)
    });
    if let Err(error) = &flooded {
        eprintln!("the flooded message was not served: {error}");
    }
    report.count("flooded messages that were not served", usize::from(flooded.is_err()), 0);
    report
}

fn flood(peer: &mut Peer) -> io::Result<()> {
    peer.opens("flood")?;
    let value = vec![b'x'; LARGE];
    for stage in b"CHMRTLNBEU".iter().cycle().take(24 * MIB / LARGE) {
        let macros = [&[*stage], &b"{flood}\0"[..], &value, b"\0"].concat();
        peer.send(&packet(b'D', &macros))?;
    }
    peer.ask(&packet(b'M', b"<flood@good>\0"), "c")?;
    let recipients = 16 * MIB / 1024;
    let recipient = packet(b'R', &[&[b'r'; 1018][..], b"\0"].concat());
    for _ in 0..recipients / 64 {
        peer.ask(&recipient.repeat(64), &"c".repeat(64))?;
    }
    let [small, large] = [100, LARGE].map(|length| packet(b'L', &[b"n\0", &value[..length], b"\0"].concat()));
    let (smalls, larges) = (32 * MIB / small.len(), 32 * MIB / large.len());
    for _ in 0..smalls / 500 {
        peer.send(&small.repeat(500))?;
    }
    for _ in 0..larges {
        peer.send(&large)?;
    }
    peer.send(&packet(b'N', b""))?;
    let chunk = packet(b'B', &[b'b'; 65_535]);
    let chunks = 64 * MIB / 65_535;
    for _ in 0..chunks {
        peer.send(&chunk)?;
    }
    let (headers, octets) = (smalls / 500 * 500 + larges, chunks * 65_535);
    let recipients = recipients / 64 * 64;
    expect(
        &peer.ends()?,
        &format!(
            "X-Seen\0helo=flood sender=<flood@good> recipients={recipients} headers={headers} octets={octets} queue= \
             message=1\0"
        ),
    )
}
