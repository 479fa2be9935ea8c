//! A key for DKIM, and an opendkim that signs or verifies with it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;

use milter_tests::{MilterSocket, Runnable, foreign, python};
use milter_tokio::{Message, Options, Protocol};
use tempfile::TempDir;

use super::interop_client::Asking;

/// A folder with a key, made by OpenDKIM's own generator.
pub(crate) struct Key {
    folder: TempDir,
    /// What would stand in the DNS.
    pub(crate) record: String,
}

impl Key {
    pub(crate) fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Process::new(foreign("opendkim-genkey"));
        command.args(["-b", "2048", "-d", "example.com", "-s", "sel", "-D"]).arg(folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        // A line for the DNS: the strings in quotes are one.
        let line = fs::read_to_string(folder.path().join("sel.txt")).unwrap();
        let record = line.split('"').skip(1).step_by(2).collect();
        fs::write(folder.path().join("record"), &record).unwrap();
        fs::write(folder.path().join("keys"), format!("sel._domainkey.example.com {record}\n")).unwrap();
        Self { folder, record }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What dkimpy thinks of each message: whether its signature verifies.
    pub(crate) fn verify(&self, messages: &[Vec<u8>]) -> Vec<bool> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Process::new(python());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/interop/verify_dkim.py")).arg(self.file("record"));
        for (number, message) in messages.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            fs::write(&path, message).unwrap();
            command.arg(path);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), messages.len(), "{lines}");
        lines.lines().map(|line| line.starts_with("pass ")).collect()
    }
}

/// An opendkim of our own, which neither knows nor touches the system's configuration.
pub(crate) struct OpenDkim {
    pub(crate) socket: MilterSocket,
    pub(crate) program: Runnable,
}

impl OpenDkim {
    pub(crate) fn signer(key: &Key, canonicalization: &str) -> Self {
        let private = key.file("sel.private");
        let settings = format!(
            "Mode s\nDomain example.com\nSelector sel\nKeyFile {}\nCanonicalization {canonicalization}\n\
             OversignHeaders From,Subject\n",
            private.display()
        );
        Self::start(key, canonicalization, &settings)
    }

    pub(crate) fn verifier(key: &Key) -> Self {
        Self::start(key, "verifier", &format!("Mode v\nTestPublicKeys {}\n", key.file("keys").display()))
    }

    fn start(key: &Key, name: &str, settings: &str) -> Self {
        let socket = MilterSocket::new();
        let configuration = key.file(&format!("{}.conf", name.replace('/', "-")));
        let settings = format!(
            "{settings}Socket {}\nBackground no\nSyslog no\nRequireSafeKeys no\nAuthservID mta.example\n",
            socket.spec().replacen("unix:", "local:", 1)
        );
        fs::write(&configuration, settings).unwrap();
        let mut command = Process::new(foreign("opendkim"));
        command.arg("-f").arg("-x").arg(configuration);
        Self { program: Runnable::start(&mut command), socket }
    }

    pub(crate) async fn connect(&mut self, offer: Options) -> Asking {
        Asking::offering(offer, &self.socket.spec(), &mut self.program).await.define("i", "4QUEUE")
    }

    /// What an MTA would deliver of a message from this client.
    pub(crate) async fn pass(&mut self, message: Message, offer: Options, client: &str) -> Message {
        let mut mta = self.connect(offer).await;
        let leading_space = offer.protocol & Protocol::LEADING_SPACE;
        assert_eq!(mta.options().protocol & Protocol::LEADING_SPACE, leading_space);
        mta.greet("client.example", client, "client.example").await;
        let passed = mta.message(message).await;
        let told = mta.told();
        mta.client.quit().await.unwrap();
        passed.unwrap_or_else(|| panic!("not accepted: {told}"))
    }
}
