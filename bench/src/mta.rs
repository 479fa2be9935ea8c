//! The MTA's side: what it writes, and what it must hear.

use crate::bare::Stages;
use crate::scenario::Scenario;
use milter_bench_codec::Recording;
use milter_tokio::{BoxError, Endpoint};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{Read, Write};
use std::net::ToSocketAddrs;
use std::time::Duration;

/// What is written in a session, grouped as Postfix does: macros with their command, and what is not answered with the
/// next that is.
pub(crate) struct Script {
    stages: Stages,
    opening: Part,
    message: Part,
}

struct Part {
    /// Each is answered.
    exchanges: Vec<Vec<u8>>,
    /// What follows, and is not.
    rest: Vec<u8>,
}

impl Script {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let stages = scenario.stages();
        let (headers, body) = scenario.message();
        let opening = Part::new(&Recording::opening(), stages);
        let message = Part::new(&Recording::one_message(headers, body), stages);
        Self { stages, opening, message }
    }
}

impl Part {
    fn new(recording: &Recording, stages: Stages) -> Self {
        let (mut exchanges, mut rest) = (Vec::new(), Vec::new());
        let mut bytes = recording.bytes();
        for packet in recording.packets() {
            let (encoded, next) = bytes.split_at(4 + 1 + packet.payload.len());
            bytes = next;
            rest.extend_from_slice(encoded);
            let answered = match packet.letter {
                b'O' | b'E' => true,
                b'D' | b'A' => false,
                _ => stages == Stages::Replied,
            };
            if answered {
                exchanges.push(std::mem::take(&mut rest));
            }
        }
        Self { exchanges, rest }
    }
}

/// A connection of an MTA. What it hears is checked: a server that leaves something out fails.
pub(crate) struct Connection<'a> {
    socket: Socket,
    script: &'a Script,
    /// Goes before what is written next.
    unwritten: Vec<u8>,
}

/// No answer takes as long.
const PATIENCE: Duration = Duration::from_secs(60);
const CONTINUE: [u8; 5] = *b"\0\0\0\x01c";
const QUIT: &[u8] = b"\0\0\0\x01Q";

impl<'a> Connection<'a> {
    /// Connects and negotiates.
    pub(crate) fn open(endpoint: &Endpoint, script: &'a Script) -> Result<Self, BoxError> {
        let mut connection = Self { socket: connect(endpoint)?, script, unwritten: Vec::new() };
        connection.write(&script.opening.exchanges[0])?;
        let mut answer = [0; 17];
        connection.socket.read_exact(&mut answer)?;
        match (&answer, u32::from_be_bytes([answer[13], answer[14], answer[15], answer[16]])) {
            ([0, 0, 0, 13, b'O', ..], protocol) if protocol & ASKED == expected(script.stages) => {
                Ok(connection)
            }
            _ => Err(format!("the offer was answered {answer:02x?}").into()),
        }
    }

    /// CONNECT alone, as long as the client says nothing.
    pub(crate) fn introduce(&mut self) -> Result<(), BoxError> {
        self.exchange(&self.script.opening.exchanges[1])
    }

    /// CONNECT and HELO.
    pub(crate) fn greet(&mut self) -> Result<(), BoxError> {
        for exchange in &self.script.opening.exchanges[1..] {
            self.exchange(exchange)?;
        }
        self.unwritten.extend_from_slice(&self.script.opening.rest);
        Ok(())
    }

    /// A whole message, and its abort before whatever comes next.
    pub(crate) fn message(&mut self) -> Result<(), BoxError> {
        for exchange in &self.script.message.exchanges {
            self.exchange(exchange)?;
        }
        self.unwritten.extend_from_slice(&self.script.message.rest);
        Ok(())
    }

    /// Ends the session; the server has to close.
    pub(crate) fn quit(mut self) -> Result<(), BoxError> {
        self.write(QUIT)?;
        match self.socket.read(&mut [0])? {
            0 => Ok(()),
            _ => Err("QUIT was answered".into()),
        }
    }

    fn exchange(&mut self, exchange: &[u8]) -> Result<(), BoxError> {
        self.write(exchange)?;
        let mut answer = [0; CONTINUE.len()];
        self.socket.read_exact(&mut answer)?;
        match answer == CONTINUE {
            true => Ok(()),
            false => Err(format!("the answer was {answer:02x?}").into()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BoxError> {
        if self.unwritten.is_empty() {
            self.socket.write_all(bytes)?;
        } else {
            self.unwritten.extend_from_slice(bytes);
            self.socket.write_all(&self.unwritten)?;
            self.unwritten.clear();
        }
        Ok(())
    }
}

/// `SMFIP_NO…` and `SMFIP_NR_…`: every stage that may be left out, and every reply.
const ASKED: u32 = 0x037f | NO_REPLY;
const NO_REPLY: u32 = 0x000f_f080;

const fn expected(stages: Stages) -> u32 {
    match stages {
        Stages::Replied => 0,
        Stages::Silent => NO_REPLY,
    }
}

/// A connection that says nothing yet.
pub(crate) fn connect(endpoint: &Endpoint) -> Result<Socket, BoxError> {
    let socket = match endpoint {
        Endpoint::Unix { path } => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.connect(&SockAddr::unix(path)?)?;
            socket
        }
        Endpoint::Inet { host, port } => {
            let address = (host.as_str(), *port).to_socket_addrs()?.next().ok_or("no address")?;
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
            socket.set_tcp_nodelay(true)?;
            socket.connect(&address.into())?;
            socket
        }
        _ => return Err(format!("{endpoint} is neither TCP nor a unix socket").into()),
    };
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}
