//! The options that all programs have.

mod trial;

pub use trial::{Output, Trial, plan};

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use milter_proto::{Endpoint, EndpointError};
use milter_server::SocketAccess;
use tracing::level_filters::LevelFilter;

/// What `--help` says at its end.
pub const AFTER_HELP: &str = "\
Postfix: add to /etc/postfix/main.cf, and run `postfix reload`:

    smtpd_milters = inet:127.0.0.1:9000
    non_smtpd_milters = $smtpd_milters

The second line is for mail that does not come by SMTP. Postfix connects to a unix socket as user postfix, which \
needs write permission for it, and looks for its path below /var/spool/postfix where smtpd is chrooted.

Metrics (with --metrics-listen): milter_connections_open, milter_connections_total, \
milter_connections_ended_total{how}, milter_timeouts_total{waiting_for}, milter_connections_shed_total, \
milter_accept_failures_total, milter_messages_total, milter_hooks_total{stage,verdict}, \
milter_hook_failures_total{stage,reason}, milter_hook_duration_seconds{stage} (a histogram), \
milter_received_bytes_total, milter_sent_bytes_total.

Signals: SIGTERM and SIGINT finish the messages in progress and end the program; a second one ends it at once. SIGHUP \
reads again what the filter reads from files.

Exit status: 0 after a signal, 1 if something does not work, such as a socket that cannot be bound, 2 for wrong \
options. With --try: 0 if the message would be accepted (modified, discarded and put on hold as well), 3 if it would be \
rejected, 4 if it would fail temporarily, 5 if the filter does not answer as it must, 1 if it could not be tried.";

/// The options that all programs have.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct Common {
    /// Where to listen: inet:HOST:PORT, inet6:[ADDRESS]:PORT or unix:/PATH. Several are given by repeating the
    /// option, or separated by spaces or commas
    #[arg(long, value_name = "SPEC", env = "MILTER_LISTEN", default_value = "inet:127.0.0.1:9000")]
    listen: Vec<Endpoints>,

    /// The permission bits of unix sockets, in octal
    #[arg(long, value_name = "MODE", env = "MILTER_SOCKET_MODE", default_value = "660", value_parser = octal)]
    socket_mode: u32,

    /// The owner of unix sockets, by name or number: the user of the process unless given
    #[arg(long, value_name = "USER", env = "MILTER_SOCKET_OWNER")]
    socket_owner: Option<String>,

    /// The group of unix sockets, by name or number: that of the process unless given. Postfix has to be in it
    #[arg(long, value_name = "GROUP", env = "MILTER_SOCKET_GROUP")]
    socket_group: Option<String>,

    /// How many connections to serve at once: as many as there may be open files, less some, unless given
    #[arg(long, value_name = "NUMBER", env = "MILTER_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// How many seconds messages in progress may take after the first signal to end
    #[arg(long, value_name = "SECONDS", env = "MILTER_DRAIN_TIMEOUT", default_value_t = 30)]
    drain_timeout: u64,

    /// What the program runs on
    #[arg(long, value_name = "RUNTIME", env = "MILTER_RUNTIME", default_value = "tokio", ignore_case = true)]
    runtime: Runtime,

    /// How much to log on stderr
    #[arg(long, value_name = "LEVEL", env = "MILTER_LOG_LEVEL", default_value = "info", ignore_case = true)]
    log_level: LogLevel,

    /// Where to show metrics to Prometheus, at http://HOST:PORT/metrics; nowhere unless given. Whoever reaches it may read
    /// them
    #[arg(long, value_name = "HOST:PORT", env = "MILTER_METRICS_LISTEN", value_parser = host_and_port)]
    metrics_listen: Option<(String, u16)>,

    #[command(flatten)]
    trial: Trial,
}

impl Common {
    /// What is to be tried instead of being served.
    pub const fn trial(&self) -> &Trial {
        &self.trial
    }

    /// Where to listen.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.listen.iter().flat_map(|endpoints| &endpoints.0)
    }

    /// Who may connect to unix sockets.
    pub fn socket_access(&self) -> SocketAccess {
        let mut access = SocketAccess::default();
        access.mode = self.socket_mode;
        access.owner.clone_from(&self.socket_owner);
        access.group.clone_from(&self.socket_group);
        access
    }

    /// How many connections to serve at once.
    pub const fn max_connections(&self) -> Option<usize> {
        self.max_connections
    }

    /// How long messages in progress may take at the end.
    pub const fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout)
    }

    /// What to run on.
    pub const fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// Where to show metrics.
    pub fn metrics_listen(&self) -> Option<(&str, u16)> {
        self.metrics_listen.as_ref().map(|(host, port)| (host.as_str(), *port))
    }

    /// How much to log.
    pub fn log_level(&self) -> LevelFilter {
        match self.log_level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

/// One endpoint or more. Postfix separates them likewise, so neither spaces nor commas are missed in a path.
#[derive(Clone, Debug)]
struct Endpoints(Vec<Endpoint>);

impl FromStr for Endpoints {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let mut parts = text.split([' ', '\t', '\n', ',']).filter(|part| !part.is_empty());
        // Without any part the error is that of the empty text.
        let first = parts.next().unwrap_or_default().parse();
        std::iter::once(first).chain(parts.map(str::parse)).collect::<Result<_, _>>().map(Self)
    }
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode @ 0..=0o777) => Ok(mode),
        _ => Err("expected octal digits up to 777".to_owned()),
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    match text.parse() {
        Ok(Endpoint::Inet { host, port }) => Ok((host, port)),
        _ => Err("expected HOST:PORT, such as 127.0.0.1:9100 or [::1]:9100".to_owned()),
    }
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[non_exhaustive]
pub enum Runtime {
    /// tokio, on all cores.
    Tokio,
    /// async-std, on all cores; discontinued upstream.
    AsyncStd,
    /// smol, on as many threads as SMOL_THREADS says, by default one.
    Smol,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_separated_by_spaces_or_commas() {
        let endpoints: Endpoints = " inet:127.0.0.1:1, unix:/run/a,inet:[::1]:2\n".parse().unwrap();
        let endpoints: Vec<String> = endpoints.0.iter().map(ToString::to_string).collect();
        assert_eq!(endpoints, ["inet:127.0.0.1:1", "unix:/run/a", "inet:[::1]:2"]);
        for wrong in ["", " , ", "inet:127.0.0.1:1,,9000"] {
            assert!(wrong.parse::<Endpoints>().is_err(), "{wrong}");
        }
    }
}
