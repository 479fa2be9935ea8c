//! Our codec, used as a driver and a filter use it.

use crate::seen::Seen;
use milter_proto::{
    AddressAndArguments, BUFFER_SIZE, Command, Decoder, HeaderField, Modification, Options, Packet, Peer,
    Response,
};

/// A decoder's storage between two runs, as a driver's pool keeps it.
#[derive(Debug)]
pub(crate) struct Lender {
    buffer: Vec<u8>,
}

impl Default for Lender {
    fn default() -> Self {
        Self { buffer: vec![0; BUFFER_SIZE] }
    }
}

impl Lender {
    /// Lends the storage where it serves, as a driver does before it reads.
    pub(crate) fn lend(&mut self, decoder: &mut Decoder) {
        if decoder.wants_buffer() {
            decoder.lend(std::mem::take(&mut self.buffer));
        }
    }

    /// Takes the storage back. A packet that outgrew it has dropped it.
    pub(crate) fn reclaim(&mut self, decoder: &mut Decoder) {
        self.buffer = decoder.reclaim().unwrap_or_else(|| vec![0; BUFFER_SIZE]);
    }
}

/// Reads all of `bytes`, at most `fragment` at once, and shows every packet, of any length. Copying into the decoder's
/// storage stands for the system call.
#[inline]
pub(crate) fn packets(bytes: &[u8], fragment: usize, lender: &mut Lender, mut show: impl FnMut(Packet<'_>)) {
    let mut decoder = Decoder::new();
    decoder.set_limit(bytes.len());
    for mut read in bytes.chunks(fragment) {
        while !read.is_empty() {
            lender.lend(&mut decoder);
            read = fill(&mut decoder, read);
            while let Some(packet) = decoder.packet().expect("a sound recording") {
                show(packet);
            }
        }
    }
    lender.reclaim(&mut decoder);
}

/// Reads what there is room for, and gives back the rest.
#[inline]
pub(crate) fn fill<'a>(decoder: &mut Decoder, read: &'a [u8]) -> &'a [u8] {
    let spare = decoder.spare();
    let (now, later) = read.split_at(read.len().min(spare.len()));
    spare[..now.len()].copy_from_slice(now);
    decoder.filled(now.len());
    later
}

/// Looks at every field of a command, as [`naive::command`](crate::naive::command) does.
#[inline]
pub(crate) fn command(packet: Packet<'_>) -> Seen {
    Seen::packet(match Command::decode(packet).expect("a sound recording") {
        Command::Negotiate(offer) => options(offer),
        Command::DefineMacros(define) => {
            let macros = define.macros().iter().map(|(name, value)| name.len() + value.len());
            usize::from(define.stage()) + macros.sum::<usize>()
        }
        Command::Connect(connect) => {
            let family = match connect.peer() {
                Peer::Ipv4 { .. } => b'4',
                Peer::Ipv6 { .. } => b'6',
                Peer::Local { .. } => b'L',
                Peer::Unknown => b'U',
            };
            let port = connect.peer().port().unwrap_or_default();
            let address = connect.peer().text().len();
            connect.hostname().len() + usize::from(family) + usize::from(port) + address
        }
        Command::Helo(helo) => helo.name().len(),
        Command::Mail(mail) => mail.sender().len() + arguments(mail.arguments()),
        Command::Rcpt(rcpt) => rcpt.recipient().len() + arguments(rcpt.arguments()),
        Command::Header(header) => header.name().len() + header.value().len(),
        Command::Body(chunk) => chunk.len(),
        Command::EndOfMessage(chunk) => chunk.map_or(0, |chunk| chunk.len()),
        Command::Unknown(unknown) => unknown.line().len(),
        Command::Data(_)
        | Command::EndOfHeaders(_)
        | Command::Abort
        | Command::Quit
        | Command::QuitNewConnection => 0,
    })
}

/// Looks at every field of a response, as [`naive::response`](crate::naive::response) does.
#[inline]
pub(crate) fn response(packet: Packet<'_>) -> Seen {
    Seen::packet(match Response::decode(packet).expect("a sound recording") {
        Response::Negotiate(answer) => options(answer.options()),
        Response::Reply(reply) => reply.as_wire().len(),
        Response::Modification(modification) => match modification {
            Modification::AddHeader(field) => header(&field),
            Modification::InsertHeader { index: number, field }
            | Modification::ChangeHeader { occurrence: number, field } => number as usize + header(&field),
            Modification::ChangeSender(sender) => address_and_arguments(&sender),
            Modification::AddRecipientWithArguments(recipient) => address_and_arguments(&recipient),
            Modification::AddRecipient(address) | Modification::DeleteRecipient(address) => {
                address.text().len()
            }
            Modification::ReplaceBody(chunk) => chunk.as_bytes().len(),
            Modification::Quarantine(reason) => reason.text().len(),
        },
        Response::Continue
        | Response::Accept
        | Response::Discard
        | Response::Reject
        | Response::TempFail
        | Response::Skip
        | Response::Progress => 0,
    })
}

fn options(options: Options) -> usize {
    (options.version.0 ^ options.actions.bits() ^ options.protocol.bits()) as usize
}

fn arguments(arguments: milter_proto::Arguments<'_>) -> usize {
    arguments.iter().map(|argument| argument.raw().len()).sum()
}

fn header(field: &HeaderField<'_>) -> usize {
    field.name().text().len() + field.value().text().len()
}

fn address_and_arguments(sent: &AddressAndArguments<'_>) -> usize {
    sent.address().text().len() + sent.arguments().map_or(0, |arguments| arguments.text().len())
}
