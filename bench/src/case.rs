//! A server of ours beside the bare one of the same runtime, or another.

use crate::Runtime;
use crate::measure::{Measured, measure};
use crate::mta::Script;
use crate::scenario::Scenario;
use crate::served::{Served, Server, Socket};
use milter_tokio::BoxError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What is asked of which servers.
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) runtime: Runtime,
    pub(crate) socket: Socket,
    pub(crate) script: Arc<Script>,
}

/// Both servers in one round.
pub(crate) struct Pair {
    pub(crate) ours: Measured,
    pub(crate) other: Measured,
}

impl Case {
    /// Measures both, one right after the other. Who is first takes turns.
    pub(crate) fn round(
        &self,
        filter: &Path,
        beside: Option<&Path>,
        number: u32,
        time: Duration,
    ) -> Result<Pair, BoxError> {
        let other = beside.map_or(Server::Bare(filter), Server::Foreign);
        let measured = |server| -> Result<Measured, BoxError> {
            let served = Served::start(server, self.runtime, self.socket, self.scenario.stages())?;
            measure(self.scenario, &self.script, &served, time).map_err(|error| {
                let (scenario, runtime, socket) = (self.scenario, self.runtime.name(), self.socket.name());
                format!("{scenario}, {runtime}, {socket}, {server:?}: {error}").into()
            })
        };
        if number % 2 == 0 {
            let ours = measured(Server::Ours(filter))?;
            Ok(Pair { ours, other: measured(other)? })
        } else {
            let other = measured(other)?;
            Ok(Pair { ours: measured(Server::Ours(filter))?, other })
        }
    }
}
