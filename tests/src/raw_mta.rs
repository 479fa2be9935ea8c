//! An MTA's end of a socket, octet by octet.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, ToSocketAddrs};
use std::time::{Duration, Instant};

use milter_proto::{CommandKind, Endpoint};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::sample::sample;

/// What is long enough for anything that a filter does without delay, on a machine that is busy.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A connected socket, TCP or unix, on which the test says what it likes.
///
/// Everything here panics where the filter does not do as told, or not within 20 seconds.
#[derive(Debug)]
pub struct RawMta {
    socket: Socket,
}

impl RawMta {
    /// Connects to a filter: see [`Served::spec`](crate::Served::spec).
    ///
    /// # Panics
    ///
    /// If nobody listens there.
    #[track_caller]
    pub fn connect(spec: &str) -> Self {
        Self::try_connect(spec).unwrap_or_else(|error| panic!("cannot connect to {spec}: {error}"))
    }

    /// [`connect`](Self::connect), where the filter may be gone.
    ///
    /// # Errors
    ///
    /// If nobody listens there.
    pub fn try_connect(spec: &str) -> io::Result<Self> {
        let (domain, address) = match spec.parse().map_err(io::Error::other)? {
            Endpoint::Unix { path } => (Domain::UNIX, SockAddr::unix(path)?),
            Endpoint::Inet { host, port } | Endpoint::Inet6 { host, port } => {
                let address = (&*host, port).to_socket_addrs()?.next();
                let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
                (Domain::for_address(address), address.into())
            }
            other => return Err(io::Error::other(format!("cannot connect to {other}"))),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.connect(&address)?;
        Self::over(socket)
    }

    /// Over a socket that stands already.
    ///
    /// # Errors
    ///
    /// If it does not any more.
    pub fn over(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = socket.into();
        if socket.domain()? != Domain::UNIX {
            // Pieces are to leave as they are written.
            socket.set_tcp_nodelay(true)?;
        }
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { socket })
    }

    /// Another handle of the same socket, for another thread.
    ///
    /// # Panics
    ///
    /// If the process has no descriptor left.
    #[track_caller]
    pub fn share(&self) -> Self {
        let socket =
            self.socket.try_clone().unwrap_or_else(|error| panic!("cannot share the socket: {error}"));
        Self { socket }
    }

    /// Writes.
    ///
    /// # Panics
    ///
    /// If the filter has closed.
    #[track_caller]
    pub fn send(&mut self, octets: &[u8]) {
        self.try_send(octets).unwrap_or_else(|error| panic!("cannot write {}: {error}", shown(octets)));
    }

    /// Writes, where the filter may be gone.
    ///
    /// # Errors
    ///
    /// If it is.
    pub fn try_send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.socket.write_all(octets)
    }

    /// Writes what there is room for, without waiting: how many octets that was.
    ///
    /// # Errors
    ///
    /// If there is no room, or the filter is gone.
    pub fn send_some(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.socket.set_nonblocking(true)?;
        let sent = self.socket.write(octets);
        self.socket.set_nonblocking(false)?;
        sent
    }

    /// Reads exactly these octets.
    ///
    /// # Panics
    ///
    /// If others come, or none.
    #[track_caller]
    pub fn expect(&mut self, octets: &[u8]) {
        let mut found = vec![0; octets.len()];
        let mut count = 0;
        while count < found.len() {
            match self.socket.read(&mut found[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) => {
                    panic!("expected {}, got {} and {error}", shown(octets), shown(&found[..count]))
                }
            }
        }
        assert!(found[..count] == *octets, "expected {}, got {}", shown(octets), shown(&found[..count]));
    }

    /// Writes a command, and reads its answer.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send) and [`expect`](Self::expect).
    #[track_caller]
    pub fn ask(&mut self, command: &[u8], answer: &[u8]) {
        self.send(command);
        self.expect(answer);
    }

    /// Negotiates as an MTA of today, whatever the filter asks for.
    ///
    /// # Panics
    ///
    /// If the filter does not answer.
    #[track_caller]
    pub fn negotiate(&mut self) {
        let mut offer = Vec::new();
        sample(CommandKind::Negotiate).encode(&mut offer);
        self.send(&offer);
        let mut answer = self.read();
        while !answer.is_empty() && answer.len() < 17 {
            answer.extend(self.read());
        }
        assert!(answer.get(4..9) == Some(b"O\0\0\0\x06"), "not negotiated: {}", shown(&answer));
    }

    /// Reads once: what came.
    ///
    /// # Panics
    ///
    /// If nothing comes.
    #[track_caller]
    pub fn read(&mut self) -> Vec<u8> {
        let mut octets = vec![0; 1 << 20];
        let count = self.socket.read(&mut octets).unwrap_or_else(|error| panic!("nothing to read: {error}"));
        octets.truncate(count);
        octets
    }

    /// Whether there is nothing to be read now, not even the end of the stream.
    ///
    /// # Panics
    ///
    /// If the stream has failed.
    #[track_caller]
    pub fn hears_nothing(&self) -> bool {
        let looked = self
            .socket
            .set_nonblocking(true)
            .and_then(|()| self.socket.peek(&mut [MaybeUninit::uninit()]))
            .and_then(|_| self.socket.set_nonblocking(false).map(|()| false));
        looked.unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::WouldBlock => self.socket.set_nonblocking(false).is_ok(),
            _ => panic!("the stream has failed: {error}"),
        })
    }

    /// Ends our half of the stream.
    ///
    /// # Panics
    ///
    /// If the socket is not connected.
    #[track_caller]
    pub fn end(&self) {
        self.socket
            .shutdown(Shutdown::Write)
            .unwrap_or_else(|error| panic!("cannot end the stream: {error}"));
    }

    /// Reads up to the end of the stream, which a reset is too.
    ///
    /// # Panics
    ///
    /// If the filter does not close.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let (mut octets, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        let began = Instant::now();
        loop {
            // Also one that goes on and on does not close.
            assert!(began.elapsed() < TIMEOUT, "the filter does not close: it says {}", shown(&octets));
            match self.socket.read(&mut piece) {
                Ok(0) => return octets,
                Ok(count) => octets.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return octets,
                Err(error) => panic!("the filter does not close: after {} came {error}", shown(&octets)),
            }
        }
    }
}

/// Octets for a message: the first of them.
fn shown(octets: &[u8]) -> String {
    let first = &octets[..octets.len().min(200)];
    format!("{} octets `{}`", octets.len(), first.escape_ascii())
}
