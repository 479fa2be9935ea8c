//! Bad input on a real socket: every malformed frame of the conformance statements, and other protocols, end in a
//! closed connection, soon and without an answer; the next connection is served as if nothing had happened.

use milter_tests::{Served, serve};
use milter_tokio::{
    BodyChunk, Context, DecodeError, Decoder, EndOfMessage, Error, Mail, Milter, PacketError, Session, Step,
    Verdict, Wish,
};
use milter_vectors::{Class, Side, examples};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const OFFER: &[u8] = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff";
const QUIT: &[u8] = b"\0\0\0\x01Q";
/// A connection that is not closed by then hangs. What is usual is printed: a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(5);

fn filter() -> Served {
    let mail = async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Continue;
    let body = async |_: &mut (), _: BodyChunk<'_>, _: &mut Context| {};
    let end = async |_: &mut (), _: EndOfMessage, _: &mut Context| Verdict::Continue;
    serve(Milter::per_message(|| ()).on_mail(mail).on_body(body).on_end_of_message(end))
}

fn connect(filter: &Served) -> TcpStream {
    let address = filter.spec().strip_prefix("inet:").expect("a TCP socket");
    let stream = TcpStream::connect(address).expect("the filter is served");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// What is answered until the connection is closed, and how long that takes.
fn answer_to(filter: &Served, bytes: &[u8], then_end: bool) -> (Vec<u8>, Duration) {
    let mut stream = connect(filter);
    let start = Instant::now();
    // The filter may close before all of it was written.
    let _ = stream.write_all(bytes);
    if then_end {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("not closed: {error}"),
        _ => (answer, start.elapsed()),
    }
}

#[test]
fn every_malformed_frame_closes_the_connection() {
    let filter = filter();
    let (accepted, _) = answer_to(&filter, &[OFFER, QUIT].concat(), false);
    assert_eq!(accepted.get(4), Some(&b'O'));
    let mut slowest = Duration::ZERO;
    let mut count = 0;
    for example in examples() {
        if example.sender != Side::Mta || example.class != Class::Invalid {
            continue;
        }
        let frame = example.frames.concat();
        // A cut frame is malformed once the stream ends.
        let mut decoder = Decoder::new();
        decoder.receive(&frame);
        let cut = matches!(decoder.packet(), Ok(None));
        let (answer, time) = answer_to(&filter, &[OFFER, &frame].concat(), cut);
        assert_eq!(answer, accepted, "statement {}: {frame:02x?}", example.statement);
        slowest = slowest.max(time);
        count += 1;
    }
    assert_eq!(count, 21);
    println!("{count} malformed frames, each closed within {slowest:?}");
    let (answer, _) = answer_to(&filter, &[OFFER, b"\0\0\0\x04M<>\0", QUIT].concat(), false);
    assert!(answer.ends_with(b"\0\0\0\x01c"), "the next connection is served: {answer:02x?}");
}

#[test]
fn other_protocols_are_recognised_and_closed_without_an_answer() {
    let filter = filter();
    for (bytes, looks_like) in [
        (&b"EHLO mail.example\r\n"[..], "this looks like SMTP: \"EHLO\""),
        (b"GET / HTTP/1.1\r\n\r\n", "this looks like HTTP: \"GET \""),
        (b"zINSTREAM\0", "this looks like text: \"zINS\""),
        (b"\x16\x03\x01\x02\x00\x01", "this looks like a TLS handshake"),
    ] {
        let (answer, time) = answer_to(&filter, bytes, false);
        assert_eq!(answer, b"", "{looks_like}");
        println!("{looks_like}: closed within {time:?}");
        let error = session_error(bytes);
        assert!(error.to_string().ends_with(looks_like), "{error}");
    }
}

#[test]
fn an_oversize_length_is_refused_on_its_four_bytes() {
    let filter = filter();
    for length in [65_537u32, 0x8000_0000, 0x8000_0001, u32::MAX] {
        let (answer, _) = answer_to(&filter, &length.to_be_bytes(), false);
        assert_eq!(answer, b"", "{length:#x}");
        let error = session_error(&length.to_be_bytes());
        assert!(
            matches!(error, Error::Packet(PacketError::TooLong { length: got, .. }) if got == length),
            "{error}"
        );
    }
    assert!(matches!(session_error(&[0; 4]), Error::Packet(PacketError::Empty)));
    let unknown = session_error(&[OFFER, b"\0\0\0\x01Z"].concat());
    assert!(matches!(unknown, Error::Decode(DecodeError::UnknownCommand(b'Z'))), "{unknown}");
}

/// The error that a session ends with.
fn session_error(bytes: &[u8]) -> Error {
    let mut session = Session::new(Wish::new());
    session.receive(bytes);
    loop {
        match session.step() {
            Ok(Step::Write(_) | Step::Event(_)) => {}
            Ok(Step::Read | Step::Close) => panic!("no error"),
            Err(error) => return error,
        }
    }
}
