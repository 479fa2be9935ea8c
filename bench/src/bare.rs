//! A server without a library, the measure of ours: it looks at lengths and letters, and answers canned octets.

mod futures;
mod tokio;

use crate::Runtime;
use milter_tokio::{Endpoint, StdListener};
use std::cell::RefCell;
use std::io;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::os::unix::net::UnixListener;

/// Serves until the process is ended.
pub fn run(endpoint: &Endpoint, runtime: Runtime, stages: Stages) -> io::Result<()> {
    let listener = listen(endpoint)?;
    match runtime {
        Runtime::Tokio => tokio::run(::tokio::runtime::Builder::new_multi_thread(), listener, stages),
        Runtime::Tokio1 => tokio::run(::tokio::runtime::Builder::new_current_thread(), listener, stages),
        Runtime::Smol => futures::smol(listener, stages),
        Runtime::AsyncStd => futures::async_std(listener, stages),
    }
}

/// What becomes of the stages before the end of the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // there is nothing between
pub enum Stages {
    /// Each is answered.
    Replied,
    /// It is negotiated that none is.
    Silent,
}

fn listen(endpoint: &Endpoint) -> io::Result<StdListener> {
    match endpoint {
        Endpoint::Unix { path } => {
            let listener = UnixListener::bind(path)?;
            listener.set_nonblocking(true)?;
            Ok(listener.into())
        }
        Endpoint::Inet { host, port } => {
            let listener = TcpListener::bind((host.as_str(), *port))?;
            listener.set_nonblocking(true)?;
            Ok(listener.into())
        }
        _ => Err(io::Error::other(format!("{endpoint} is neither TCP nor a unix socket"))),
    }
}

thread_local! {
    /// What was read: one for a thread, as in our servers, so that idle connections have none.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; 1 << 16]);
}

/// The length and the letter of a packet.
const HEAD: usize = 5;
const CONTINUE: &[u8] = b"\0\0\0\x01c";
/// Version 6, no action, every stage.
const REPLIED: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\0\0";
/// Version 6, no action, no reply to any stage.
const SILENT: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\x0f\xf0\x80";

/// What is remembered of a connection between two reads.
struct Connection {
    stages: Stages,
    head: [u8; HEAD],
    /// How much of the head is there.
    gathered: usize,
    /// What is still to come of a payload.
    payload: usize,
}

impl Connection {
    const fn new(stages: Stages) -> Self {
        Self { stages, head: [0; HEAD], gathered: 0, payload: 0 }
    }

    /// Answers what was read; breaks at QUIT and at the end of the stream.
    fn answer(&mut self, mut read: &[u8], answers: &mut Vec<u8>) -> ControlFlow<()> {
        if read.is_empty() {
            return ControlFlow::Break(());
        }
        loop {
            if self.gathered < HEAD {
                let (head, rest) = read.split_at(read.len().min(HEAD - self.gathered));
                self.head[self.gathered..][..head.len()].copy_from_slice(head);
                self.gathered += head.len();
                read = rest;
                if self.gathered < HEAD {
                    return ControlFlow::Continue(());
                }
                let [length @ .., _letter] = self.head;
                self.payload = (u32::from_be_bytes(length) as usize).saturating_sub(1);
            }
            let passed = self.payload.min(read.len());
            self.payload -= passed;
            read = &read[passed..];
            if self.payload > 0 {
                return ControlFlow::Continue(());
            }
            self.gathered = 0;
            match (self.head[HEAD - 1], self.stages) {
                (b'Q', _) => return ControlFlow::Break(()),
                (b'D' | b'A', _) => {}
                (b'O', Stages::Replied) => answers.extend_from_slice(REPLIED),
                (b'O', Stages::Silent) => answers.extend_from_slice(SILENT),
                (b'E', _) | (_, Stages::Replied) => answers.extend_from_slice(CONTINUE),
                (_, Stages::Silent) => {}
            }
        }
    }
}
