//! sendmail.cf, made from m4 templates, and the places it names.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::installation::{Installation, no_m4};
use crate::directory::short_directory;

pub(super) const HOST_NAME: &str = "mta.example.test";

/// m4 macros, without those that depend on the directory.
const DEFINITIONS: &[(&str, &str)] = &[
    ("confDOMAIN_NAME", HOST_NAME),
    ("ALIAS_FILE", ""),
    ("HELP_FILE", ""),
    ("confTO_IDENT", "0"),
    ("confDONT_PROBE_INTERFACES", "True"),
    // A message that is delivered in the background has a process that leaves the process group.
    ("confDELIVERY_MODE", "interactive"),
    // Sockets of milters are under /tmp.
    ("confDONT_BLAME_SENDMAIL", "TrustStickyBit"),
    ("confLOG_LEVEL", "14"),
    // No X-Authentication-Warning.
    ("confPRIVACY_FLAGS", "public"),
    // A busy machine is no reason to refuse mail.
    ("confQUEUE_LA", "100000"),
    ("confREFUSE_LA", "100000"),
    ("confMIN_FREE_BLOCKS", "0"),
    // The message arrives at the sink as it was sent: without limits and broken lines.
    ("confMAX_HEADERS_LENGTH", "1048576"),
    ("RELAY_MAILER_LL", "0"),
    ("SMART_HOST", "null:sink"),
];

const FEATURES: &str = "\
FEATURE(`no_default_msa')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`accept_unqualified_senders')
MAILER(`smtp')
MAILER_DEFINITIONS
Mnull, P=[FILE], F=lsDFMEouq9, S=0, R=0, T=DNS/RFC822/X-Unix, A=FILE /dev/null
Mwithuser, P=[FILE], F=lsDFMEouq9w, S=0, R=0, T=DNS/RFC822/X-Unix, A=FILE /dev/null
LOCAL_RULE_0
";

const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 mta.example.test\n";

/// The lines of sendmail.mc.
#[derive(Debug)]
pub(super) struct Configuration {
    definitions: BTreeMap<String, String>,
    milters: Vec<String>,
    milter_timeouts: String,
    lines: String,
    unknown_recipients: Vec<String>,
}

impl Configuration {
    pub(super) fn new() -> Self {
        let definitions =
            DEFINITIONS.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self {
            definitions,
            milters: Vec::new(),
            milter_timeouts: "C:30s;S:30s;R:30s;E:5m".to_owned(),
            lines: String::new(),
            unknown_recipients: Vec::new(),
        }
    }

    pub(super) fn define(&mut self, name: &str, value: &str) {
        self.definitions.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn add_milter(&mut self, milter: &str) {
        self.milters.push(milter.to_owned());
    }

    pub(super) fn add_lines(&mut self, lines: &str) {
        self.lines.push_str(lines);
    }

    pub(super) fn set_milter_timeouts(&mut self, timeouts: &str) {
        timeouts.clone_into(&mut self.milter_timeouts);
    }

    pub(super) fn deliver_to(&mut self, sink: SocketAddr) {
        self.define("SMART_HOST", &format!("relay:[{}]", sink.ip()));
        self.define("RELAY_MAILER_ARGS", &format!("TCP $h {}", sink.port()));
    }

    pub(super) fn reject_recipient(&mut self, address: &str) {
        self.unknown_recipients.push(address.to_owned());
    }

    /// Writes all files of an instance that is to listen at `address`.
    #[track_caller]
    pub(super) fn write(&self, base: &Path, address: SocketAddr, installation: &Installation) {
        write(&hosts_file(base), HOSTS);
        // Neither DNS nor NIS.
        write(&switch_file(base), "hosts files\naliases files\n");
        let source = base.join("sendmail.mc");
        write(&source, self.source(base, address));
        let templates = &installation.templates;
        let output = Command::new("m4")
            .arg(format!("-D_CF_DIR_={}/", templates.display()))
            .arg(templates.join("m4/cf.m4"))
            .arg(&source)
            .output()
            .unwrap_or_else(|error| no_m4(&error));
        // The templates report their own errors without ending m4.
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "m4 made no sendmail.cf: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        write(&configuration_file(base), &output.stdout);
    }

    /// sendmail.mc
    fn source(&self, base: &Path, address: SocketAddr) -> String {
        let mut text = "OSTYPE(`linux')\n".to_owned();
        for (name, path) in [
            ("QUEUE_DIR", queue_directory(base)),
            ("confPID_FILE", base.join("pid")),
            ("confSERVICE_SWITCH_FILE", switch_file(base)),
        ] {
            push(&mut text, format_args!("define(`{name}', `{}')", path.display()));
        }
        // Not the system's file; one that need not exist, and does not.
        push(&mut text, format_args!("define(`confCR_FILE', `-o {}')", base.join("none").display()));
        for (name, value) in &self.definitions {
            push(&mut text, format_args!("define(`{name}', `{value}')"));
        }
        let (ip, port) = (address.ip(), address.port());
        push(&mut text, format_args!("DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr={ip}, Port={port}')"));
        for (number, milter) in self.milters.iter().enumerate() {
            let socket = as_sendmail_writes_it(milter);
            let timeouts = &self.milter_timeouts;
            push(
                &mut text,
                format_args!("INPUT_MAIL_FILTER(`milter{number}', `S={socket}, F=T, T={timeouts}')"),
            );
        }
        text.push_str(&self.lines);
        text.push_str(FEATURES);
        // To a mailer for users of the system, who do not exist. This is the one rejection that is shown to a milter:
        // those of check_rcpt and of a rule's $#error are not.
        for address in &self.unknown_recipients {
            let (user, domain) = address.split_once('@').unwrap_or((address, HOST_NAME));
            push(&mut text, format_args!("R{user} < @ {domain} . > $*\t$#withuser $: {user}"));
        }
        text
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{line}");
}

/// `inet:host:port`, as Postfix writes it, is `inet:port@host` for Sendmail; unix sockets are the same for both.
fn as_sendmail_writes_it(milter: &str) -> String {
    match milter.strip_prefix("inet:").and_then(|rest| rest.rsplit_once(':')) {
        Some((host, port)) => format!("inet:{port}@{host}"),
        None => milter.to_owned(),
    }
}

/// Makes the directories of one instance, with the modes that Sendmail checks.
pub(super) fn make_directory() -> TempDir {
    let directory = short_directory("sm");
    let queue = queue_directory(directory.path());
    fs::create_dir(&queue)
        .and_then(|()| fs::set_permissions(&queue, Permissions::from_mode(0o700)))
        .unwrap_or_else(|error| panic!("cannot make {}: {error}", queue.display()));
    directory
}

#[track_caller]
fn write(path: &Path, contents: impl AsRef<[u8]>) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

pub(super) fn configuration_file(base: &Path) -> PathBuf {
    base.join("sendmail.cf")
}

pub(super) fn hosts_file(base: &Path) -> PathBuf {
    base.join("hosts")
}

fn switch_file(base: &Path) -> PathBuf {
    base.join("service.switch")
}

pub(super) fn queue_directory(base: &Path) -> PathBuf {
    base.join("queue")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_host_change_places() {
        assert_eq!(as_sendmail_writes_it("inet:127.0.0.1:9000"), "inet:9000@127.0.0.1");
        assert_eq!(as_sendmail_writes_it("inet:9000@127.0.0.1"), "inet:9000@127.0.0.1");
        assert_eq!(as_sendmail_writes_it("unix:/tmp/milter"), "unix:/tmp/milter");
    }
}
