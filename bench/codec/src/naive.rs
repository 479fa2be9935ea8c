//! The least that a decoder can do: what ours is measured against.
//!
//! Packets that a read holds whole are looked at where they lie, also the read itself is free; only a packet that the
//! end of a read cut is gathered. Fields are found by the first NUL and borrowed. Nothing is checked but what the
//! search finds, errors carry nothing, there is no limit and no end of the stream.

/// Finds packets in reads.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// What came of the packet that the last read cut.
    cut: Vec<u8>,
}

impl Framing {
    /// Shows every packet, as letter and payload, that is whole with this read.
    #[inline]
    pub(crate) fn read(&mut self, mut read: &[u8], mut show: impl FnMut(u8, &[u8])) {
        while !self.cut.is_empty() {
            let whole = HEAD + self.cut.first_chunk().map_or(0, |head| length(*head));
            let (missing, rest) = read.split_at(read.len().min(whole - self.cut.len()));
            self.cut.extend_from_slice(missing);
            read = rest;
            if self.cut.len() < whole {
                return;
            }
            if let [_, _, _, _, letter, payload @ ..] = self.cut.as_slice() {
                show(*letter, payload);
                self.cut.clear();
            }
        }
        while let Some((head, rest)) = read.split_first_chunk() {
            let Some((packet, next)) = rest.split_at_checked(length(*head)) else { break };
            show(packet[0], &packet[1..]);
            read = next;
        }
        self.cut.extend_from_slice(read);
    }
}

const HEAD: usize = 4;

fn length(head: [u8; HEAD]) -> usize {
    u32::from_be_bytes(head) as usize
}

/// A packet's fields.
enum Fields<'a> {
    None,
    /// One string, or octets that are no string.
    One(&'a [u8]),
    Header(&'a [u8], &'a [u8]),
    NumberAndHeader(u32, &'a [u8], &'a [u8]),
    AddressAndArguments(&'a [u8], &'a [u8]),
    Macros(u8, &'a [u8]),
    Connect(&'a [u8], u8, u16, &'a [u8]),
    Options(u32, u32, u32),
}

/// Looks at every field of a command: the sum of numbers and of lengths. `None` when it is malformed.
#[inline]
pub(crate) fn command(letter: u8, payload: &[u8]) -> Option<usize> {
    Some(sum(&match letter {
        b'O' => options(payload)?,
        b'D' => Fields::Macros(*payload.first()?, &payload[1..]),
        b'C' => connect(payload)?,
        b'H' | b'U' => Fields::One(string(payload)?.0),
        b'M' | b'R' => address_and_arguments(payload)?,
        b'L' => header(payload)?,
        b'B' | b'E' => Fields::One(payload),
        b'T' | b'N' | b'A' | b'Q' | b'K' => Fields::None,
        _ => return None,
    }))
}

/// Looks at every field of a response, as [`command`] does.
#[inline]
pub(crate) fn response(letter: u8, payload: &[u8]) -> Option<usize> {
    Some(sum(&match letter {
        b'O' => options(payload)?,
        b'c' | b'a' | b'd' | b'r' | b't' | b's' | b'p' => Fields::None,
        b'y' | b'+' | b'-' | b'q' => Fields::One(string(payload)?.0),
        b'h' => header(payload)?,
        b'i' | b'm' => {
            let (number, rest) = payload.split_first_chunk()?;
            let (name, rest) = string(rest)?;
            Fields::NumberAndHeader(u32::from_be_bytes(*number), name, string(rest)?.0)
        }
        b'e' | b'2' => address_and_arguments(payload)?,
        b'b' => Fields::One(payload),
        _ => return None,
    }))
}

fn options(payload: &[u8]) -> Option<Fields<'_>> {
    let word = |at: usize| Some(u32::from_be_bytes(*payload.get(at..)?.first_chunk()?));
    Some(Fields::Options(word(0)?, word(4)?, word(8)?))
}

fn connect(payload: &[u8]) -> Option<Fields<'_>> {
    let (host, rest) = string(payload)?;
    Some(match rest {
        [b'U', ..] => Fields::Connect(host, b'U', 0, b""),
        [family, high, low, rest @ ..] => {
            Fields::Connect(host, *family, u16::from_be_bytes([*high, *low]), string(rest)?.0)
        }
        _ => return None,
    })
}

fn header(payload: &[u8]) -> Option<Fields<'_>> {
    let (name, rest) = string(payload)?;
    Some(Fields::Header(name, string(rest)?.0))
}

fn address_and_arguments(payload: &[u8]) -> Option<Fields<'_>> {
    let (address, arguments) = string(payload)?;
    Some(Fields::AddressAndArguments(address, arguments))
}

fn string(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let nul = memchr::memchr(0, octets)?;
    Some((&octets[..nul], &octets[nul + 1..]))
}

fn sum(fields: &Fields<'_>) -> usize {
    match *fields {
        Fields::None => 0,
        Fields::One(octets) => octets.len(),
        Fields::Header(name, value) => name.len() + value.len(),
        Fields::NumberAndHeader(number, name, value) => number as usize + name.len() + value.len(),
        Fields::AddressAndArguments(address, arguments) => address.len() + strings(arguments),
        Fields::Macros(letter, macros) => usize::from(letter) + strings(macros),
        Fields::Connect(host, family, port, address) => {
            host.len() + usize::from(family) + usize::from(port) + address.len()
        }
        Fields::Options(version, actions, protocol) => (version ^ actions ^ protocol) as usize,
    }
}

/// The length of strings one after the other, each looked for as a user would.
fn strings(mut octets: &[u8]) -> usize {
    let mut length = 0;
    while let Some((string, rest)) = string(octets) {
        length += string.len();
        octets = rest;
    }
    length
}
