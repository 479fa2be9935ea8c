use crate::{Event, How, Mark, Packet, Session, Side, term};

/// From how many equal bytes on a run is written as a repeat.
const BYTE_RUN: usize = 32;
/// From how many equal strings on they are written as a repeat.
const STRING_RUN: usize = 4;

/// Writes a session as its file holds it.
pub fn format_session(session: &Session) -> String {
    let mut out = format!("# mta: {}\n# description: {}\n", session.mta, session.description);
    if let Some(reason) = &session.breaks_rules {
        out.push_str(&format!("# session: {reason}\n"));
    }
    for note in &session.notes {
        out.push_str(&format!("# note: {note}\n"));
    }
    for (connection, number) in session.connections.iter().zip(1..) {
        out.push_str(&format!("\nconnection {number}\n"));
        for event in &connection.events {
            out.push_str(&format_event(event));
            out.push('\n');
        }
    }
    out
}

/// Writes an event as one line, without its end.
pub fn format_event(event: &Event) -> String {
    match event {
        Event::Packet(packet) => format_packet(packet),
        Event::End { side, how } => {
            let how = match how {
                How::Eof => "eof",
                How::Reset => "reset",
                How::Refused => "refused",
            };
            format!("{} {how}", side_letter(*side))
        }
        Event::Partial { side, bytes } => {
            let mut line = Line(format!("{} partial", side_letter(*side)));
            line.bytes(bytes);
            if bytes.is_empty() {
                line.0.push(' ');
            }
            line.0
        }
    }
}

/// Writes a packet as one line, without its end: its fields apart from each other, long repeats folded.
pub fn format_packet(packet: &Packet) -> String {
    let mut line = Line(String::new());
    line.0.push(side_letter(packet.side));
    match packet.mark {
        Mark::Legal => {}
        Mark::Illegal(_) => line.0.push('!'),
        Mark::Unsupported(_) => line.0.push('?'),
    }
    line.0.push(' ');
    match packet.letter {
        letter @ (b'"' | b'#' | b' ') => line.0.push_str(&format!("\\x{letter:02x}")),
        letter => term::escape(letter, &mut line.0),
    }
    line.payload(packet.side, packet.letter, &packet.payload);
    match &packet.mark {
        Mark::Legal => {}
        Mark::Illegal(reason) => line.0.push_str(&format!("  # {reason}")),
        Mark::Unsupported(kind) => line.0.push_str(&format!("  # unsupported: {kind}")),
    }
    line.0
}

fn side_letter(side: Side) -> char {
    match side {
        Side::Mta => 'M',
        Side::Filter => 'F',
    }
}

struct Line(String);

impl Line {
    fn payload(&mut self, side: Side, letter: u8, payload: &[u8]) {
        let rest = match (side, letter) {
            (_, b'O') if payload.len() >= 12 => {
                let (words, rest) = payload.split_at(12);
                words.chunks(4).for_each(|word| _ = self.u32(word));
                if side == Side::Filter { self.macro_lists(rest) } else { rest }
            }
            (Side::Mta, b'C') => self.connect(payload),
            (Side::Mta, b'D') => {
                let (stage, rest) = payload.split_at(payload.len().min(1));
                self.bytes(stage);
                rest
            }
            (Side::Filter, b'i' | b'm') => self.u32(payload),
            _ => payload,
        };
        self.bytes(rest);
    }

    fn connect<'a>(&mut self, payload: &'a [u8]) -> &'a [u8] {
        let Some(end) = payload.iter().position(|&byte| byte == 0) else {
            return payload;
        };
        let (host, rest) = payload.split_at(end + 1);
        self.bytes(host);
        let (family, rest) = rest.split_at(rest.len().min(1));
        self.bytes(family);
        match (family, rest) {
            (b"4" | b"6" | b"L", &[high, low, ref address @ ..]) => {
                self.0.push_str(&format!(" u16:{}", u16::from_be_bytes([high, low])));
                address
            }
            _ => rest,
        }
    }

    fn macro_lists<'a>(&mut self, mut rest: &'a [u8]) -> &'a [u8] {
        while rest.len() >= 4 {
            let after = self.u32(rest);
            let end = after.iter().position(|&byte| byte == 0).map_or(after.len(), |end| end + 1);
            let (list, after) = after.split_at(end);
            self.bytes(list);
            rest = after;
        }
        rest
    }

    fn u32<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some((word, rest)) = bytes.split_first_chunk() else {
            return bytes;
        };
        self.0.push_str(&format!(" u32:0x{:08x}", u32::from_be_bytes(*word)));
        rest
    }

    /// A string for each NUL and each LF, and for what is left behind the last.
    fn bytes(&mut self, bytes: &[u8]) {
        let strings: Vec<_> = bytes.split_inclusive(|byte| matches!(byte, b'\0' | b'\n')).collect();
        for equal in strings.chunk_by(|one, next| one == next) {
            if equal.len() >= STRING_RUN {
                self.quoted(equal[0], equal.len());
            } else {
                equal.iter().for_each(|string| self.string(string));
            }
        }
    }

    fn string(&mut self, string: &[u8]) {
        let mut plain = 0;
        let mut at = 0;
        for run in string.chunk_by(|one, next| one == next) {
            if run.len() >= BYTE_RUN {
                self.quoted(&string[plain..at], 1);
                self.quoted(&run[..1], run.len());
                plain = at + run.len();
            }
            at += run.len();
        }
        self.quoted(&string[plain..], 1);
    }

    fn quoted(&mut self, string: &[u8], count: usize) {
        if string.is_empty() {
            return;
        }
        self.0.push_str(" \"");
        string.iter().for_each(|&byte| term::escape(byte, &mut self.0));
        self.0.push('"');
        if count > 1 {
            self.0.push_str(&format!("*{count}"));
        }
    }
}
