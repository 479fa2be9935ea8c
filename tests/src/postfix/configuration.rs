//! main.cf, master.cf and the places they name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::mail_server::log_file;

const FILE_AGE: Duration = Duration::from_secs(60);

/// main.cf, without the lines that depend on the directory.
const MAIN: &[(&str, &str)] = &[
    ("compatibility_level", "3.6"),
    ("myhostname", "mta.example.test"),
    ("mydomain", "example.test"),
    ("inet_interfaces", "127.0.0.1"),
    ("inet_protocols", "ipv4"),
    ("mynetworks", "127.0.0.0/8 [::1]/128"),
    // No address is local, none is looked up; example.test is this site's own domain nevertheless.
    ("mydestination", ""),
    ("relay_domains", "example.test"),
    ("alias_maps", ""),
    ("alias_database", ""),
    ("local_recipient_maps", ""),
    ("local_transport", "error:5.1.1 no local mail"),
    ("disable_dns_lookups", "yes"),
    ("smtp_dns_support_level", "disabled"),
    ("smtp_host_lookup", "native"),
    ("default_transport", "discard:no sink"),
    ("relay_transport", "discard:no sink"),
    ("smtpd_relay_restrictions", "permit_mynetworks, reject"),
    ("smtpd_recipient_restrictions", "check_recipient_access texthash:$config_directory/recipients, permit"),
    ("smtputf8_enable", "yes"),
    ("notify_classes", ""),
    ("biff", "no"),
    // Neither slow clients nor odd ones are held back: tests are both.
    ("smtpd_error_sleep_time", "0"),
    ("smtpd_soft_error_limit", "1000"),
    ("smtpd_hard_error_limit", "10000"),
    ("smtpd_junk_command_limit", "10000"),
    ("smtpd_client_connection_count_limit", "0"),
    ("smtpd_client_event_limit_exceptions", "127.0.0.0/8"),
    ("in_flow_delay", "0"),
    // The message arrives at the sink as it was sent: without limits and broken lines.
    ("message_size_limit", "104857600"),
    ("smtp_line_length_limit", "0"),
    ("queue_minfree", "0"),
    // Fast delivery, few processes.
    ("queue_run_delay", "2s"),
    ("minimal_backoff_time", "2s"),
    ("maximal_backoff_time", "2s"),
    ("default_destination_concurrency_limit", "5"),
    ("default_process_limit", "20"),
    ("smtp_connection_cache_on_demand", "no"),
    ("smtp_tls_security_level", "none"),
    ("smtpd_tls_security_level", "none"),
    ("tls_random_source", "dev:/dev/urandom"),
];

/// master.cf but for smtpd. The pickup service is left out: nothing is submitted by sendmail(1).
const SERVICES: &str = "
cleanup    unix       n - n -    0 cleanup
qmgr       unix       n - n 300  1 qmgr
rewrite    unix       - - n -    - trivial-rewrite
bounce     unix       - - n -    0 bounce
defer      unix       - - n -    0 bounce
trace      unix       - - n -    0 bounce
verify     unix       - - n -    1 verify
proxymap   unix       - - n -    - proxymap
smtp       unix       - - n -    - smtp
relay      unix       - - n -    - smtp
error      unix       - - n -    - error
retry      unix       - - n -    - error
discard    unix       - - n -    - discard
anvil      unix       - - n -    1 anvil
showq      unix       n - n -    - showq
flush      unix       n - n 1000? 0 flush
postlog    unix-dgram n - n -    1 postlogd
";

/// The lines of main.cf and the recipients to reject.
#[derive(Debug)]
pub(super) struct Configuration {
    main: BTreeMap<String, String>,
    chrooted: bool,
    unknown_recipients: Vec<String>,
}

impl Configuration {
    pub(super) fn new() -> Self {
        let main = MAIN.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { main, chrooted: false, unknown_recipients: Vec::new() }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.main.insert(name.to_owned(), value.to_owned());
    }

    /// Has smtpd see nothing but the queue directory.
    pub(super) fn chroot(&mut self) {
        self.chrooted = true;
    }

    /// Adds `item` to the list that is the value of `name`.
    pub(super) fn append(&mut self, name: &str, item: &str) {
        let list = self.main.entry(name.to_owned()).or_default();
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(item);
    }

    pub(super) fn deliver_to(&mut self, sink: SocketAddr) {
        self.set("relayhost", &format!("[{}]:{}", sink.ip(), sink.port()));
        // One transport for all: a message to several domains arrives as one.
        self.set("default_transport", "relay");
        self.set("relay_transport", "relay");
    }

    pub(super) fn reject_recipient(&mut self, address: &str) {
        self.unknown_recipients.push(address.to_owned());
    }

    /// Writes all files of an instance that is to listen at `address`.
    pub(super) fn write(&self, base: &Path, address: SocketAddr) {
        let mut main = String::new();
        for (name, path) in [
            ("queue_directory", queue_directory(base)),
            ("data_directory", data_directory(base)),
            ("maillog_file", log_file(base)),
            ("maillog_file_prefixes", base.to_path_buf()),
        ] {
            main += &format!("{name} = {}\n", path.display());
        }
        for (name, value) in &self.main {
            main += &format!("{name} = {value}\n");
        }
        let mut recipients = String::new();
        for address in &self.unknown_recipients {
            recipients += &format!("{address} 550 5.1.1 User unknown in local recipient table\n");
        }
        let chrooted = if self.chrooted { 'y' } else { 'n' };
        let smtpd = format!("{address} inet n - {chrooted} - - smtpd");
        let directory = configuration_directory(base);
        for (name, text) in
            [("main.cf", main), ("master.cf", format!("{smtpd}{SERVICES}")), ("recipients", recipients)]
        {
            let path = directory.join(name);
            write_aged(&path, &text)
                .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        }
    }
}

/// Writes a file that seems to be older than it is: each process of Postfix that reads a file changed in the last
/// seconds waits, in case somebody is still writing it.
fn write_aged(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.set_modified(SystemTime::now() - FILE_AGE)
}

pub(super) fn configuration_directory(base: &Path) -> PathBuf {
    base.join("etc")
}

pub(super) fn queue_directory(base: &Path) -> PathBuf {
    base.join("queue")
}

pub(super) fn data_directory(base: &Path) -> PathBuf {
    base.join("data")
}
