//! A peer on a raw socket: an MTA, or what pretends to be one.

use milter_proto::Endpoint;
use milter_tests::{packet, words};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::{Duration, Instant};

/// A peer that waits for so long hangs.
const HANGS: Duration = Duration::from_secs(60);
/// The body of a message that is sent to be answered: its size is part of the answer.
pub(crate) const BODY: &[u8] = b"The quick brown fox jumps over the lazy dog.\r\n";

/// A connection to a filter.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) socket: Socket,
}

impl Peer {
    pub(crate) fn connect(endpoint: &Endpoint) -> io::Result<Self> {
        Self::connect_with(endpoint, |_| Ok(()))
    }

    /// Connects by a socket that is set up so.
    pub(crate) fn connect_with(
        endpoint: &Endpoint,
        set: impl Fn(&Socket) -> io::Result<()>,
    ) -> io::Result<Self> {
        let (domain, address) = address(endpoint)?;
        let socket = Socket::new(domain, Type::STREAM, None)?;
        set(&socket)?;
        socket.connect(&address)?;
        if domain != Domain::UNIX {
            socket.set_tcp_nodelay(true)?;
        }
        socket.set_read_timeout(Some(HANGS))?;
        socket.set_write_timeout(Some(HANGS))?;
        Ok(Self { socket })
    }

    /// Everything was offered, and something agreed.
    pub(crate) fn negotiated(endpoint: &Endpoint) -> io::Result<Self> {
        let mut peer = Self::connect(endpoint)?;
        peer.ask(&offer(), "O")?;
        Ok(peer)
    }

    /// A whole session of a well-behaved MTA, with one message.
    pub(crate) fn session(endpoint: &Endpoint, sender: &str) -> io::Result<()> {
        let mut peer = Self::negotiated(endpoint)?;
        peer.opens("good")?;
        peer.begins(sender)?;
        let seen = peer.ends()?;
        expect(&seen, &seen_of("good", sender, 1))?;
        peer.send(&packet(b'Q', b""))?;
        peer.hears_end().map(|_| ())
    }

    /// CONNECT and HELO.
    pub(crate) fn opens(&mut self, helo: &str) -> io::Result<()> {
        let connect = packet(b'C', b"client.example\x004\x61\xa8192.0.2.25\0");
        let helo = packet(b'H', format!("{helo}\0").as_bytes());
        self.ask(&connect, "c")?;
        self.ask(&helo, "c")
    }

    /// A message, but for its end.
    pub(crate) fn begins(&mut self, sender: &str) -> io::Result<()> {
        self.ask(&packet(b'M', format!("{sender}\0").as_bytes()), "c")?;
        self.ask(&packet(b'R', b"<user@example.org>\0"), "c")?;
        self.send(&content())
    }

    /// The end of a message: the filter says in a header what it has seen of it.
    pub(crate) fn ends(&mut self) -> io::Result<String> {
        self.send(&packet(b'E', b""))?;
        self.hears_seen()
    }

    /// What the filter says at the end of a message.
    pub(crate) fn hears_seen(&mut self) -> io::Result<String> {
        let seen = self.hear()?;
        expect_letter(&seen, b'h')?;
        expect_letter(&self.hear()?, b'c')?;
        Ok(String::from_utf8_lossy(&seen[1..]).into_owned())
    }

    /// Sends packets, and hears answers of these letters.
    pub(crate) fn ask(&mut self, octets: &[u8], letters: &str) -> io::Result<()> {
        self.send(octets)?;
        letters.bytes().try_for_each(|letter| expect_letter(&self.hear()?, letter))
    }

    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.socket.write_all(octets)
    }

    /// The letter and the payload of an answer.
    pub(crate) fn hear(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.socket.read_exact(&mut answer)?;
        Ok(answer)
    }

    /// Everything up to the end of the stream, and how long that took.
    pub(crate) fn hears_end(&mut self) -> io::Result<(Vec<u8>, Duration)> {
        let (mut octets, start) = (Vec::new(), Instant::now());
        match self.socket.read_to_end(&mut octets) {
            // What we wrote too much makes the end a reset.
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
            _ => Ok((octets, start.elapsed())),
        }
    }

    pub(crate) fn half_close(&self) {
        // It may have gone by then.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Goes by a reset: nothing that was not read yet will be.
    pub(crate) fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).unwrap_or_else(|error| panic!("no SO_LINGER: {error}"));
    }
}

/// The negotiation of an MTA that has everything.
pub(crate) fn offer() -> Vec<u8> {
    packet(b'O', &words(6, 0x1ff, 0x001f_ffff))
}

/// Headers and body of a message.
pub(crate) fn content() -> Vec<u8> {
    [
        packet(b'L', b"Subject\0hello\0"),
        packet(b'L', b"From\0alice@example.org\0"),
        packet(b'N', b""),
        packet(b'B', BODY),
    ]
    .concat()
}

/// What the filter says of a message as [`Peer::begins`] sends it.
pub(crate) fn seen_of(helo: &str, sender: &str, message: u64) -> String {
    let octets = BODY.len();
    format!(
        "X-Seen\0helo={helo} sender={sender} recipients=1 headers=2 octets={octets} queue= message={message}\0"
    )
}

/// An error if it is something else.
pub(crate) fn expect(got: &str, expected: &str) -> io::Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected {expected:?}, heard {got:?}")))
}

fn expect_letter(answer: &[u8], letter: u8) -> io::Result<()> {
    let got = answer.first().map_or(String::new(), |got| char::from(*got).into());
    expect(&got, &char::from(letter).to_string())
}

fn address(endpoint: &Endpoint) -> io::Result<(Domain, SockAddr)> {
    match endpoint {
        Endpoint::Inet { host, port } => {
            let ip: IpAddr = host.parse().map_err(io::Error::other)?;
            let address = SocketAddr::new(ip, *port);
            Ok((Domain::for_address(address), address.into()))
        }
        Endpoint::Unix { path } => Ok((Domain::UNIX, SockAddr::unix(path)?)),
        other => Err(io::Error::other(format!("the filter listens on {other}"))),
    }
}
