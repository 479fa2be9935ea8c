//! The smallest milter there can be, written against the wire format alone: the harness must not be tested by the
//! library that is tested by the harness.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Version 6, actions: add headers, steps: no replies wanted but to connect, mail, data and end of message.
const NEGOTIATION: [u8; 17] =
    [0, 0, 0, 13, b'O', 0, 0, 0, 6, 0, 0, 0, 1, NO_REPLY[0], NO_REPLY[1], NO_REPLY[2], NO_REPLY[3]];
/// No reply to headers (0x80), helo (0x2000), rcpt (0x8000), unknown (0x20000), end of headers (0x40000) and body
/// (0x80000).
const NO_REPLY: [u8; 4] = 0x000e_a080_u32.to_be_bytes();
const ADD_HEADER: &[u8] = b"\0\0\0\x10hX-Scripted\0yes\0";
const CONTINUE: &[u8] = b"\0\0\0\x01c";
const REJECT: &[u8] = b"\0\0\0\x01r";

/// The sender whose mail the milter rejects.
pub(crate) const REJECTED_SENDER: &str = "rejected@sender.test";

/// The commands that a connection of the mail server has sent, a letter each, macros left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptedMilter {
    seen: Arc<Mutex<String>>,
}

impl ScriptedMilter {
    /// Serves, in the background, the one connection that `accept` gives.
    pub(crate) fn accept_on<S: Read + Write>(
        accept: impl FnOnce() -> io::Result<S> + Send + 'static,
    ) -> Self {
        let milter = Self::default();
        let server = milter.clone();
        thread::spawn(move || accept().and_then(|stream| server.serve(stream)));
        milter
    }

    /// The letters so far.
    pub(crate) fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for the letter Q.
    #[track_caller]
    pub(crate) fn wait_for_end(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        while !self.seen().ends_with('Q') {
            assert!(Instant::now() < deadline, "the milter saw only {}", self.seen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn serve(&self, mut stream: impl Read + Write) -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut packet = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut packet)?;
            let command = packet[0];
            if command != b'D' {
                self.seen.lock().unwrap().push(char::from(command));
            }
            match command {
                b'O' => stream.write_all(&NEGOTIATION)?,
                b'M' if String::from_utf8_lossy(&packet).contains(REJECTED_SENDER) => {
                    stream.write_all(REJECT)?;
                }
                b'C' | b'M' | b'T' => stream.write_all(CONTINUE)?,
                b'E' => stream.write_all(&[ADD_HEADER, CONTINUE].concat())?,
                b'Q' => return Ok(()),
                _ => {}
            }
        }
    }
}
