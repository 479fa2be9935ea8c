//! Statements 53 to 74: commands, as far as they are the codec's.

use crate::{canonical, command, command_error, encoded};
use milter_proto::{BodyChunk, Command, Connect, Data, DecodeError, EndOfHeaders, Header, Peer, Text};
use milter_vectors::Side;
use std::net::IpAddr;

fn text(text: &str) -> Text<'_> {
    Text::try_from(text).unwrap()
}

fn connect<T>(payload: &[u8], then: impl FnOnce(Connect<'_>) -> T) -> T {
    let found = command(b'C', payload, |command| match command {
        Command::Connect(connect) => then(connect),
        other => panic!("{other:?}"),
    });
    found.unwrap()
}

fn ip(family: &str, address: &str) -> Option<IpAddr> {
    let payload = format!("h\0{family}\0\x19{address}\0");
    canonical(Side::Mta, b'C', payload.as_bytes());
    connect(payload.as_bytes(), |connect| {
        assert_eq!(connect.peer().text(), address);
        connect.ip()
    })
}

fn truncated(packet: &'static str, field: &'static str, got: usize) -> DecodeError {
    DecodeError::Truncated { packet, field, got }
}

fn unterminated(packet: &'static str, field: &'static str) -> DecodeError {
    DecodeError::Unterminated { packet, field }
}

#[test]
fn statement_053_connect_over_ipv4() {
    canonical(Side::Mta, b'C', b"mail.example\x00409192.0.2.1\0");
    connect(b"mail.example\x00409192.0.2.1\0", |connect| {
        assert_eq!(connect.hostname(), "mail.example");
        assert_eq!(connect.peer(), Peer::Ipv4 { port: 0x3039, address: text("192.0.2.1") });
        assert_eq!((connect.ip(), connect.peer().port()), ("192.0.2.1".parse().ok(), Some(12345)));
    });
}

#[test]
fn statement_054_ipv6_with_and_without_prefix() {
    let expected = "2001:db8::1".parse().ok();
    for prefix in ["", "IPv6:", "ipv6:", "IPV6:", "iPv6:"] {
        assert_eq!(ip("6", &format!("{prefix}2001:db8::1")), expected, "{prefix}");
    }
    assert_eq!(ip("6", "IPv6:0:0:0:0:0:0:0:1"), "::1".parse().ok());
}

#[test]
fn statement_055_ipv6_in_brackets() {
    assert_eq!(ip("6", "[2001:db8::1]"), "2001:db8::1".parse().ok());
    assert_eq!(ip("6", "[2001:db8::1"), None);
}

#[test]
fn statement_056_unix_sockets_have_a_port_of_zero() {
    canonical(Side::Mta, b'C', b"localhost\0L\0\0/run/s\0");
    connect(b"localhost\0L\0\0/run/s\0", |connect| {
        assert_eq!(connect.peer(), Peer::Local { path: text("/run/s") });
        assert_eq!((connect.ip(), connect.peer().port()), (None, None));
    });
    // Another port is ignored, as libmilter does, and not sent again.
    connect(b"h\0L\x01\x02\0", |connect| {
        assert_eq!(encoded(|out| Command::Connect(connect).encode(out)), b"\0\0\0\x07Ch\0L\0\0\0");
    });
}

#[test]
fn statement_057_nothing_follows_an_unknown_family() {
    canonical(Side::Mta, b'C', b"localhost\0U");
    for tail in ["", "\0\0x\0", "x", "\0"] {
        connect(format!("localhost\0U{tail}").as_bytes(), |connect| {
            assert_eq!((connect.peer(), connect.ip()), (Peer::Unknown, None));
            assert_eq!(encoded(|out| Command::Connect(connect).encode(out))[5..], *b"localhost\0U");
        });
    }
}

#[test]
fn statement_058_malformed_connects_are_errors() {
    const PACKET: &str = "SMFIC_CONNECT";
    assert_eq!(command_error(b'C', b""), truncated(PACKET, "the host name", 0));
    assert_eq!(command_error(b'C', b"host"), unterminated(PACKET, "the host name"));
    assert_eq!(command_error(b'C', b"host\0"), truncated(PACKET, "the address family", 0));
    assert_eq!(command_error(b'C', b"h\x004"), truncated(PACKET, "the port", 0));
    assert_eq!(command_error(b'C', b"h\x0040"), truncated(PACKET, "the port", 1));
    assert_eq!(command_error(b'C', b"h\x00409"), truncated(PACKET, "the address", 0));
    assert_eq!(command_error(b'C', b"h\x00409192.0.2.1"), unterminated(PACKET, "the address"));
    assert_eq!(command_error(b'C', b"h\x00409a\0b"), DecodeError::Excess { packet: PACKET, count: 1 });
    for family in (0..=u8::MAX).filter(|family| !b"U46L".contains(family)) {
        assert_eq!(command_error(b'C', &[b'h', 0, family, 0, 0, 0]), DecodeError::UnknownFamily(family));
    }
}

#[test]
fn statement_059_address_text_that_does_not_parse_is_kept() {
    for address in ["unknown", "", "192.0.2.256", "::1"] {
        assert_eq!(ip("4", address), None);
    }
    assert_eq!(ip("6", "unknown"), None);
    canonical(Side::Mta, b'C', b"h\x004\0\0\xff\xfe\0");
}

#[test]
fn statement_062_helo_is_one_string() {
    for name in ["cli", ""] {
        canonical(Side::Mta, b'H', format!("{name}\0").as_bytes());
        let same = command(
            b'H',
            format!("{name}\0").as_bytes(),
            |command| matches!(command, Command::Helo(helo) if helo.name() == name),
        );
        assert_eq!(same, Ok(true));
    }
    assert_eq!(command_error(b'H', b""), truncated("SMFIC_HELO", "the name", 0));
    assert_eq!(command_error(b'H', b"cli"), unterminated("SMFIC_HELO", "the name"));
    assert_eq!(command_error(b'H', b"cli\0x"), DecodeError::Excess { packet: "SMFIC_HELO", count: 1 });
}

#[test]
fn statement_064_mail_and_rcpt_are_an_address_and_arguments() {
    let payload = b"<a@b>\0SIZE=10\0\0BODY=8BITMIME\0";
    for letter in [b'M', b'R'] {
        canonical(Side::Mta, letter, payload);
        let found = command(letter, payload, |command| {
            let (address, arguments) = match command {
                Command::Mail(mail) => (mail.sender(), mail.arguments()),
                Command::Rcpt(rcpt) => (rcpt.recipient(), rcpt.arguments()),
                other => panic!("{other:?}"),
            };
            assert_eq!(address, "<a@b>");
            arguments.iter().map(|argument| argument.raw().to_string()).collect::<Vec<_>>()
        });
        assert_eq!(found.unwrap(), ["SIZE=10", "", "BODY=8BITMIME"]);
    }
}

#[test]
fn statement_065_null_senders_and_bare_addresses() {
    for (sender, address) in [("<>", ""), ("", ""), ("a@b", "a@b"), ("<a@b>", "a@b"), ("<a@b", "<a@b")] {
        canonical(Side::Mta, b'M', format!("{sender}\0").as_bytes());
        let found = command(b'M', format!("{sender}\0").as_bytes(), |command| match command {
            Command::Mail(mail) => {
                assert!(mail.arguments().is_empty());
                (mail.sender().to_string(), mail.address().to_string())
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(found.unwrap(), (sender.to_owned(), address.to_owned()));
    }
}

#[test]
fn statement_066_malformed_mail_and_rcpt_are_errors() {
    for (letter, packet, field) in [(b'M', "SMFIC_MAIL", "the sender"), (b'R', "SMFIC_RCPT", "the recipient")]
    {
        assert_eq!(command_error(letter, b""), truncated(packet, field, 0));
        assert_eq!(command_error(letter, b"<a@b>"), unterminated(packet, field));
        assert_eq!(command_error(letter, b"<a@b>\0SIZE=1"), unterminated(packet, "an ESMTP argument"));
    }
}

#[test]
fn statement_067_header_values_are_kept_octet_by_octet() {
    for value in [&b" two"[..], b"\tx", b"one\n two", b"\xff\xfe", b"caf\xc3\xa9", b" \r\n", b": x"] {
        let payload = [b"Subject\0", value, b"\0"].concat();
        canonical(Side::Mta, b'L', &payload);
        let same = command(
            b'L',
            &payload,
            |command| matches!(command, Command::Header(header) if header.value().as_bytes() == value),
        );
        assert_eq!(same, Ok(true));
    }
}

#[test]
fn statement_068_header_values_may_be_empty() {
    canonical(Side::Mta, b'L', b"X-Empty\0\0");
    let header = Header::new(text("X-Empty"), text("")).unwrap();
    assert_eq!(encoded(|out| Command::Header(header).encode(out)), b"\0\0\0\x0aLX-Empty\0\0");
}

#[test]
fn statement_069_malformed_headers_are_errors() {
    const PACKET: &str = "SMFIC_HEADER";
    assert_eq!(command_error(b'L', b"\0v\0"), DecodeError::Empty { packet: PACKET, field: "the name" });
    assert_eq!(command_error(b'L', b""), truncated(PACKET, "the name", 0));
    assert_eq!(command_error(b'L', b"S"), unterminated(PACKET, "the name"));
    assert_eq!(command_error(b'L', b"S\0"), truncated(PACKET, "the value", 0));
    assert_eq!(command_error(b'L', b"S\0x"), unterminated(PACKET, "the value"));
    assert_eq!(command_error(b'L', b"S\0x\0y\0"), DecodeError::Excess { packet: PACKET, count: 2 });
}

#[test]
fn statement_070_body_octets_pass_unchanged() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for body in [&b"a\0b\r\n"[..], b"\r", b"\n", b".\r\n", &all] {
        canonical(Side::Mta, b'B', body);
        let same = command(
            b'B',
            body,
            |command| matches!(command, Command::Body(chunk) if chunk.as_bytes() == body),
        );
        assert_eq!(same, Ok(true));
    }
    assert_eq!(BodyChunk::split(b"").count(), 0);
}

#[test]
fn statement_072_the_end_of_the_message_may_carry_body_octets() {
    canonical(Side::Mta, b'E', b"x\r\n");
    canonical(Side::Mta, b'E', b"");
    let same = command(
        b'E',
        b"x\r\n",
        |command| matches!(command, Command::EndOfMessage(Some(chunk)) if chunk.as_bytes() == b"x\r\n"),
    );
    assert_eq!(same, Ok(true));
    assert_eq!(command(b'E', b"", |command| command == Command::EndOfMessage(None)), Ok(true));
}

#[test]
fn statement_073_an_unknown_command_is_one_line() {
    canonical(Side::Mta, b'U', b"FOO bar\0");
    let same = command(
        b'U',
        b"FOO bar\0",
        |command| matches!(command, Command::Unknown(unknown) if unknown.line() == "FOO bar"),
    );
    assert_eq!(same, Ok(true));
    assert_eq!(command_error(b'U', b"FOO"), unterminated("SMFIC_UNKNOWN", "the line"));
    assert_eq!(command_error(b'U', b"FOO\0\0"), DecodeError::Excess { packet: "SMFIC_UNKNOWN", count: 1 });
}

#[test]
fn statement_074_payload_of_what_has_none_is_ignored_and_never_sent() {
    for (letter, expected) in [
        (b'A', Command::Abort),
        (b'Q', Command::Quit),
        (b'K', Command::QuitNewConnection),
        (b'T', Command::Data(Data)),
        (b'N', Command::EndOfHeaders(EndOfHeaders)),
    ] {
        for payload in [&b""[..], b"x", b"\0"] {
            let again = command(letter, payload, |command| {
                assert_eq!(command, expected);
                encoded(|out| command.encode(out))
            });
            assert_eq!(again, Ok(vec![0, 0, 0, 1, letter]));
        }
    }
}
