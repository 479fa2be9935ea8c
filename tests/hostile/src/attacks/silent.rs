//! Connections that say nothing.

use crate::arena::Arena;
use crate::bystanders::{Service, served_beside};
use crate::figure::Report;
use crate::peer::Peer;
use crate::victim::Victim;
use std::thread;
use std::time::Duration;

const SILENT: usize = 500;
const WATCHED: Duration = Duration::from_millis(500);

/// R10.
pub(super) fn silent(arena: &Arena) -> Report {
    let mut report = Report::default();
    for (what, options) in [("by default", &[][..]), ("at a limit of 100", &["--max-connections", "100"])] {
        let victim = Victim::start_with(arena, options);
        let ((), Service { slowest, lost }) = served_beside(&victim, 2, || {
            let peers: Vec<Peer> = (0..SILENT).map(|_| victim.connect()).collect();
            thread::sleep(WATCHED);
            drop(peers);
        });
        let name = |figure| format!("{SILENT} silent connections, {what}: {figure}");
        report.time(&name("slowest session beside them"), slowest, Duration::from_millis(100));
        report.count(&name("sessions beside them that were not served"), lost, 0);
    }
    report
}
