//! The SMTP server that mail is delivered to.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::delivered::{Delivered, Recipient};

/// A client that says nothing for so long is dropped.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// An SMTP server on a loopback port that accepts every message and records it.
///
/// It offers 8BITMIME, SMTPUTF8, DSN, SIZE and PIPELINING, so mail servers pass on what they got without
/// converting it.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    delivered: Mutex<Vec<Delivered>>,
    arrived: Condvar,
    closing: AtomicBool,
}

impl Shared {
    fn delivered(&self) -> MutexGuard<'_, Vec<Delivered>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    /// Starts the server on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap_or_else(|error| panic!("the sink cannot listen on 127.0.0.1: {error}"));
        let address =
            listener.local_addr().unwrap_or_else(|error| panic!("the sink cannot tell its port: {error}"));
        let shared = Arc::new(Shared::default());
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until at least `count` messages are here (counted from the last [`take`](Self::take)) and gives copies
    /// of all messages that are.
    ///
    /// # Panics
    ///
    /// If fewer messages arrive within `timeout`.
    #[track_caller]
    pub fn wait_for(&self, count: usize, timeout: Duration) -> Vec<Delivered> {
        let deadline = Instant::now() + timeout;
        let mut delivered = self.shared.delivered();
        while delivered.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{} of {count} messages were delivered within {timeout:?}: {delivered:?}",
                delivered.len()
            );
            delivered =
                self.shared.arrived.wait_timeout(delivered, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        delivered.clone()
    }

    /// Takes the messages that have arrived, without waiting.
    pub fn take(&self) -> Vec<Delivered> {
        std::mem::take(&mut self.shared.delivered())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes accept().
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(acceptor)) = (woken, self.acceptor.take()) {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(stream) = stream {
            let shared = Arc::clone(shared);
            // A client that breaks off is not the sink's problem: what it completed is recorded.
            thread::spawn(move || Session::new(stream, shared).and_then(Session::run));
        }
    }
}

/// One SMTP connection.
#[derive(Debug)]
struct Session {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    helo: String,
    sender: Option<(String, Vec<String>)>,
    recipients: Vec<Recipient>,
}

impl Session {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Self> {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            shared,
            helo: String::new(),
            sender: None,
            recipients: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        self.answer("220 sink.test ESMTP")?;
        while let Some(line) = self.line()? {
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.greet(rest);
                    let extensions = "8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-SIZE\r\n250 PIPELINING";
                    self.answer(&format!("250-sink.test\r\n250-{extensions}"))?;
                }
                "HELO" => {
                    self.greet(rest);
                    self.answer("250 sink.test")?;
                }
                "MAIL" => {
                    self.sender = Some(path_and_arguments(rest));
                    self.answer("250 2.1.0 Ok")?;
                }
                "RCPT" => {
                    let (address, arguments) = path_and_arguments(rest);
                    self.recipients.push(Recipient { address, arguments });
                    self.answer("250 2.1.5 Ok")?;
                }
                "DATA" if self.sender.is_none() || self.recipients.is_empty() => {
                    self.answer("503 5.5.1 MAIL and RCPT first")?;
                }
                "DATA" => self.data()?,
                "RSET" => {
                    self.reset();
                    self.answer("250 2.0.0 Ok")?;
                }
                "NOOP" => self.answer("250 2.0.0 Ok")?,
                "QUIT" => return self.answer("221 2.0.0 Bye"),
                _ => self.answer("500 5.5.2 Unknown command")?,
            }
        }
        Ok(())
    }

    fn data(&mut self) -> io::Result<()> {
        self.answer("354 Go on")?;
        let mut bytes = Vec::new();
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line == b".\r\n" {
                break;
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let (sender, sender_arguments) = self.sender.take().unwrap_or_default();
        let recipients = std::mem::take(&mut self.recipients);
        let delivered = Delivered { helo: self.helo.clone(), sender, sender_arguments, recipients, bytes };
        self.shared.delivered().push(delivered);
        self.shared.arrived.notify_all();
        self.answer("250 2.0.0 Ok")
    }

    fn greet(&mut self, name: &str) {
        name.clone_into(&mut self.helo);
        self.reset();
    }

    fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    /// The next line with its line end; `None` at the end of the connection.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }

    fn answer(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes())
    }
}

/// Splits `FROM:<path> ARG ARG` into the path without brackets and the arguments.
fn path_and_arguments(rest: &str) -> (String, Vec<String>) {
    let text = rest.split_once(':').map_or(rest, |(_, text)| text).trim_start();
    let mut quoted = false;
    let mut escaped = false;
    let mut end = text.len();
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                end = index;
                break;
            }
            _ => {}
        }
    }
    let path = text[..end].strip_prefix('<').unwrap_or(&text[..end]);
    let arguments =
        text.get(end + 1..).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
    (path.to_owned(), arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_may_be_quoted_or_empty() {
        let arguments = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        assert_eq!(path_and_arguments("FROM:<> SIZE=1"), (String::new(), arguments(&["SIZE=1"])));
        assert_eq!(
            path_and_arguments("TO:<\"a > \\\" b\"@c> X Y"),
            ("\"a > \\\" b\"@c".into(), arguments(&["X", "Y"]))
        );
    }
}
