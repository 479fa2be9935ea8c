//! Connections that say nothing.

use crate::arena::Arena;
use crate::figure::Report;
use crate::peer::Peer;
use crate::siege::Siege;
use crate::victim::Victim;
use std::thread;
use std::time::Duration;

const SILENT: usize = 500;
/// The most memory for them: 10 KiB for each.
const ALL: i64 = (SILENT * (10 << 10)) as i64;
const WATCHED: Duration = Duration::from_millis(500);

/// R10.
pub(super) fn silent(arena: &Arena) -> Report {
    let mut report = Report::default();
    for (what, options) in [("by default", &[][..]), ("at a limit of 100", &["--max-connections", "100"])] {
        let victim = Victim::start_with(arena, options);
        let most = Siege { beside: Duration::from_millis(100), memory: ALL, left: ALL, ..Siege::USUAL };
        most.lay(&victim, &format!("{SILENT} silent connections, {what}"), &mut report, || {
            let peers: Vec<Peer> = (0..SILENT).map(|_| victim.connect()).collect();
            thread::sleep(WATCHED);
            (peers, ())
        });
    }
    report
}
