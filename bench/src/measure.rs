//! One measurement of one server.

use crate::load::Load;
use crate::mta::{Connection, Script};
use crate::scenario::Scenario;
use crate::served::Served;
use milter_tokio::BoxError;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a server needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Microseconds of processor time for a message; KiB for an idle connection.
    pub(crate) cost: f64,
    /// Messages in a second; milliseconds of processor time in a second while all connections are idle.
    pub(crate) rate: f64,
}

/// Messages that are sent at the least, however short the time.
const LEAST: u64 = 8;
/// How long what is sent may take to arrive.
const SETTLING: Duration = Duration::from_millis(200);

pub(crate) fn measure(
    scenario: Scenario,
    script: &Arc<Script>,
    server: &Served,
    time: Duration,
) -> Result<Measured, BoxError> {
    match scenario {
        Scenario::Idle(connections) => idle(connections, script, server, time),
        _ => busy(scenario, script, server, time),
    }
}

fn busy(
    scenario: Scenario,
    script: &Arc<Script>,
    server: &Served,
    time: Duration,
) -> Result<Measured, BoxError> {
    let load = Load::start(scenario, &server.endpoint, script);
    wait(&load, time / 4);
    let (start, cpu, messages) = (Instant::now(), server.cpu()?, load.messages());
    wait(&load, time);
    // What is in progress at either end weighs less than one message for each connection.
    let (cpu, messages) = (server.cpu()? - cpu, load.messages() - messages);
    let elapsed = start.elapsed();
    load.end()?;
    let messages = messages as f64;
    Ok(Measured { cost: cpu.as_secs_f64() * 1e6 / messages, rate: messages / elapsed.as_secs_f64() })
}

/// Until the time has passed, and some messages were sent.
fn wait(load: &Load, time: Duration) {
    let (start, least) = (Instant::now(), load.messages() + LEAST);
    while (start.elapsed() < time || load.messages() < least) && !load.has_failed() {
        thread::sleep(time.saturating_sub(start.elapsed()).clamp(Duration::from_millis(1), SETTLING));
    }
}

fn idle(
    connections: usize,
    script: &Arc<Script>,
    server: &Served,
    time: Duration,
) -> Result<Measured, BoxError> {
    let mut first = Connection::open(&server.endpoint, script)?;
    first.greet()?;
    first.message()?;
    first.quit()?;
    thread::sleep(SETTLING);
    let before = server.memory()?;
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(&server.endpoint, script)?;
        connection.introduce()?;
        open.push(connection);
    }
    thread::sleep(SETTLING);
    let cost = (server.memory()? as f64 - before as f64) / connections as f64;
    let cpu = server.cpu()?;
    thread::sleep(time);
    let rate = (server.cpu()? - cpu).as_secs_f64() * 1e3 / time.as_secs_f64();
    // All of them are still there.
    for connection in open {
        connection.quit()?;
    }
    Ok(Measured { cost, rate })
}
