//! What a filter does, counted for Prometheus.

mod exposition;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use milter_proto::{Answer, BodyVerdict, CommandKind, Error, Waiting};
use milter_server::{ConverseError, Observer, Unfinished};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Seconds: from hooks that only compute to the default deadlines, 25 s and at the end of a message 240 s.
const TIMES: [f64; 14] =
    [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 25.0, 60.0, 240.0];

/// One label: its name and its value.
type Label = (&'static str, &'static str);

/// The counters; `--help` and `docs/running.md` say what each means.
#[derive(Debug)]
pub struct Metrics {
    open: Gauge,
    connections: Counter,
    ended: Family<[Label; 1], Counter>,
    timeouts: Family<[Label; 1], Counter>,
    shed: Counter,
    accept_failures: Counter,
    messages: Counter,
    hooks: Family<[Label; 2], Counter>,
    hook_failures: Family<[Label; 2], Counter>,
    hook_time: Family<[Label; 1], Histogram>,
    received: Counter,
    sent: Counter,
}

impl Metrics {
    /// Counters that are shown at `http://ADDRESS/metrics` from now on, for as long as the process lives.
    pub fn listen(host: &str, port: u16) -> io::Result<(Self, SocketAddr)> {
        let (metrics, registry) = Self::registered();
        let address = exposition::serve(TcpListener::bind((host, port))?, registry)?;
        Ok((metrics, address))
    }

    fn registered() -> (Self, Registry) {
        let metrics = Self {
            open: Gauge::default(),
            connections: Counter::default(),
            ended: Family::default(),
            timeouts: Family::default(),
            shed: Counter::default(),
            accept_failures: Counter::default(),
            messages: Counter::default(),
            hooks: Family::default(),
            hook_failures: Family::default(),
            hook_time: Family::new_with_constructor(|| Histogram::new(TIMES)),
            received: Counter::default(),
            sent: Counter::default(),
        };
        let mut registry = Registry::with_prefix("milter");
        registry.register("connections_open", "Connections of MTAs that are open", metrics.open.clone());
        registry.register("connections", "Connections of MTAs", metrics.connections.clone());
        registry.register("connections_ended", "Connections that are over, by how", metrics.ended.clone());
        registry.register(
            "timeouts",
            "Connections given up, by what was waited for",
            metrics.timeouts.clone(),
        );
        registry.register("connections_shed", "Connections closed to make room", metrics.shed.clone());
        registry.register("accept_failures", "Series of failures to accept", metrics.accept_failures.clone());
        registry.register("messages", "Messages that are over", metrics.messages.clone());
        registry.register("hooks", "Hooks that were run, by their verdict", metrics.hooks.clone());
        registry.register("hook_failures", "Hooks that failed, by why", metrics.hook_failures.clone());
        let time = metrics.hook_time.clone();
        registry.register_with_unit("hook_duration", "How long hooks took", Unit::Seconds, time);
        registry.register_with_unit("received", "Octets from MTAs", Unit::Bytes, metrics.received.clone());
        registry.register_with_unit("sent", "Octets to MTAs", Unit::Bytes, metrics.sent.clone());
        (metrics, registry)
    }
}

impl Observer for Metrics {
    fn connected(&self, _: u64) {
        self.connections.inc();
        self.open.inc();
    }

    fn disconnected(&self, _: u64, ended: Result<(), &ConverseError>) {
        self.open.dec();
        self.ended.get_or_create(&[("how", how(ended))]).inc();
        if let Err(ConverseError::Timeout { waiting, .. }) = ended {
            self.timeouts.get_or_create(&[("waiting_for", waited_for(*waiting))]).inc();
        }
    }

    fn accept_failed(&self, _: &io::Error) {
        self.accept_failures.inc();
    }

    fn shed(&self, _: u64) {
        self.shed.inc();
    }

    fn received(&self, octets: usize) {
        self.received.inc_by(octets as u64);
    }

    fn sent(&self, octets: usize) {
        self.sent.inc_by(octets as u64);
    }

    fn hook(&self, stage: CommandKind, outcome: Result<&Answer, &Unfinished>, time: Duration) {
        let stage = ("stage", stage.name());
        self.hooks.get_or_create(&[stage, ("verdict", verdict(outcome))]).inc();
        if let Some(reason) = failure(outcome) {
            self.hook_failures.get_or_create(&[stage, ("reason", reason)]).inc();
        }
        self.hook_time.get_or_create(&[stage]).observe(time.as_secs_f64());
    }

    fn message(&self, _: u64) {
        self.messages.inc();
    }
}

const fn how(ended: Result<(), &ConverseError>) -> &'static str {
    match ended {
        Ok(()) => "good_order",
        Err(ConverseError::Io(_)) => "io_error",
        Err(ConverseError::Protocol(Error::Packet(_))) => "packet_error",
        Err(ConverseError::Protocol(Error::Decode(_))) => "decode_error",
        Err(ConverseError::Protocol(Error::Violation(_))) => "violation",
        Err(ConverseError::Protocol(Error::Negotiation(_))) => "negotiation_error",
        Err(ConverseError::Timeout { .. }) => "timeout",
        Err(ConverseError::Panicked) => "panic",
        Err(_) => "other",
    }
}

const fn waited_for(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::FirstPacket => "first_packet",
        Waiting::Packet => "packet",
        Waiting::Command => "command",
        Waiting::Write => "write",
        // Those of hooks do not end a connection by themselves: see `failure`.
        _ => "other",
    }
}

fn verdict(outcome: Result<&Answer, &Unfinished>) -> &'static str {
    match outcome {
        Ok(Answer::Silence) => "none",
        Ok(Answer::Verdict(verdict)) => match verdict {
            BodyVerdict::Continue => "continue",
            BodyVerdict::Accept => "accept",
            BodyVerdict::Reject => "reject",
            BodyVerdict::TempFail => "tempfail",
            BodyVerdict::Discard => "discard",
            BodyVerdict::Skip => "skip",
            BodyVerdict::Reply(reply) if reply.view().code() < 500 => "reply_4xx",
            BodyVerdict::Reply(_) => "reply_5xx",
        },
        Ok(_) | Err(_) => "failed",
    }
}

const fn failure(outcome: Result<&Answer, &Unfinished>) -> Option<&'static str> {
    match outcome {
        Ok(Answer::Failed(_)) => Some("error"),
        Ok(_) => None,
        Err(Unfinished::Panicked) => Some("panic"),
        Err(Unfinished::Late(Waiting::PeerGone) | Unfinished::Gone(_)) => Some("mta_gone"),
        Err(Unfinished::Late(_)) => Some("timeout"),
        Err(_) => Some("closing"),
    }
}
