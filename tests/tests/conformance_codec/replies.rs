//! Statements 80 to 102: replies and modifications, as far as they are the codec's.

use crate::{canonical, encoded, response, response_error};
use milter_proto::error::{Excerpt, TextKind, UnsupportedResponse};
use milter_proto::{
    Address, AddressAndArguments, ArgumentText, DecodeError, HeaderField, HeaderName, HeaderValue,
    Modification, Reason, ReplacementChunk, ReplyError, Response, SmtpReply, TextError,
};
use milter_vectors::Side;

const BARE: [(u8, Response<'_>, &str); 7] = [
    (b'c', Response::Continue, "SMFIR_CONTINUE"),
    (b'a', Response::Accept, "SMFIR_ACCEPT"),
    (b'd', Response::Discard, "SMFIR_DISCARD"),
    (b'r', Response::Reject, "SMFIR_REJECT"),
    (b't', Response::TempFail, "SMFIR_TEMPFAIL"),
    (b's', Response::Skip, "SMFIR_SKIP"),
    (b'p', Response::Progress, "SMFIR_PROGRESS"),
];

/// Checks that a modification encodes to this payload, and that the payload decodes to it.
fn both_ways(modification: Modification<'_>, letter: u8, payload: &[u8]) {
    let expected = Response::Modification(modification);
    assert_eq!(encoded(|out| expected.encode(out)), crate::frame(letter, payload));
    assert_eq!(response(letter, payload, |response| response == expected), Ok(true));
}

fn reply_wire(reply: &SmtpReply) -> Vec<u8> {
    let wire = encoded(|out| Response::Reply(reply.view()).encode(out));
    canonical(Side::Filter, b'y', &wire[5..]);
    wire[5..].to_vec()
}

fn reply_error(payload: &[u8]) -> ReplyError {
    match response_error(b'y', payload) {
        DecodeError::Reply(error) => error,
        other => panic!("{other:?}"),
    }
}

fn field<'a>(name: &'a str, value: &'a str) -> HeaderField<'a> {
    HeaderField::new(HeaderName::new(name).unwrap(), HeaderValue::new(value).unwrap()).unwrap()
}

fn text_error(packet: &'static str, error: TextError) -> DecodeError {
    DecodeError::Text { packet, error }
}

#[test]
fn statement_080_bare_replies_have_no_payload() {
    for (letter, bare, _) in BARE {
        assert_eq!(encoded(|out| bare.encode(out)), [0, 0, 0, 1, letter]);
        assert_eq!(response(letter, b"", |response| response == bare), Ok(true));
    }
}

#[test]
fn statement_081_payload_of_a_bare_reply_is_an_error() {
    for (letter, _, packet) in BARE {
        assert_eq!(response_error(letter, b"\0x"), DecodeError::Excess { packet, count: 2 });
    }
}

#[test]
fn statement_082_a_reply_ends_in_exactly_one_nul() {
    assert_eq!(reply_wire(&SmtpReply::new(550, "5.7.1", "no").unwrap()), b"550 5.7.1 no\0");
    assert_eq!(reply_error(b"550 5.7.1 no\0\0"), ReplyError::Control { octet: 0 });
    let unterminated = DecodeError::Unterminated { packet: "SMFIR_REPLYCODE", field: "the reply" };
    assert_eq!(response_error(b'y', b"550 5.7.1 no"), unterminated);
    assert_eq!(response_error(b'y', b""), unterminated);
}

#[test]
fn statement_083_the_enhanced_code_may_be_missing_and_the_text_empty() {
    assert_eq!(reply_wire(&SmtpReply::new(550, None, "no").unwrap()), b"550 no\0");
    assert_eq!(reply_wire(&SmtpReply::new(550, None, "").unwrap()), b"550 \0");
    assert_eq!(reply_wire(&SmtpReply::new(550, "5.7.1", "").unwrap()), b"550 5.7.1\0");
    assert_eq!(reply_error(b"550\0"), ReplyError::Line { got: Excerpt::of(b"550") });
    let view = |payload: &[u8]| {
        let found = response(b'y', payload, |response| match response {
            Response::Reply(view) => (view.code(), view.enhanced().map(str::to_owned), view.text().collect()),
            other => panic!("{other:?}"),
        });
        found.unwrap()
    };
    assert_eq!(view(b"550 \0"), (550, None, vec![b"".to_vec()]));
    assert_eq!(view(b"450 4.2.0\0"), (450, Some("4.2.0".into()), vec![b"4.2.0".to_vec()]));
    // An enhanced code that not every line has is text.
    assert_eq!(view(b"550-5.7.1 a\r\n550 b\0"), (550, None, vec![b"5.7.1 a".to_vec(), b"b".to_vec()]));
}

#[test]
fn statement_084_lines_repeat_their_codes() {
    let reply = SmtpReply::lines(550, "5.7.1", ["a", "", "b"]).unwrap();
    assert_eq!(reply_wire(&reply), b"550-5.7.1 a\r\n550-5.7.1\r\n550 5.7.1 b\0");
    assert_eq!(reply_wire(&SmtpReply::lines(451, None, ["a", "b"]).unwrap()), b"451-a\r\n451 b\0");
    for wrong in [&b"550 a\r\n550 b\0"[..], b"550-a\0", b"550-a\r\n550-b\0", b"550-a\r\nb\0", b"550_a\0"] {
        assert!(matches!(reply_error(wrong), ReplyError::Line { .. }));
    }
}

#[test]
fn statement_085_codes_must_be_failures_and_agree() {
    for code in [0, 99, 250, 354, 399, 600, 5500] {
        let got = Excerpt::of(code.to_string().as_bytes());
        assert_eq!(SmtpReply::new(code, None, "ok"), Err(ReplyError::Code { got }));
    }
    for enhanced in ["4.7.1", "2.0.0", "5.7", "5.7.1 ", "5.1234.1", "x"] {
        let got = Excerpt::of(enhanced.as_bytes());
        assert_eq!(SmtpReply::new(550, enhanced, "x"), Err(ReplyError::EnhancedCode { got }), "{enhanced}");
    }
    let got = Excerpt::of(b"4.7.1 x");
    assert_eq!(SmtpReply::new(550, None, "4.7.1 x"), Err(ReplyError::EnhancedCode { got }));
    assert_eq!(reply_error(b"250 2.0.0 ok\0"), ReplyError::Code { got: Excerpt::of(b"250") });
    assert_eq!(reply_error(b"650 ok\0"), ReplyError::Code { got: Excerpt::of(b"650") });
    assert_eq!(reply_error(b"5x0 ok\0"), ReplyError::Code { got: Excerpt::of(b"5x0") });
    assert_eq!(reply_error(b"\0"), ReplyError::Code { got: Excerpt::of(b"") });
    assert_eq!(reply_error(b"550-a\r\n551 b\0"), ReplyError::Line { got: Excerpt::of(b"551 b") });
    assert_eq!(reply_error(b"550 4.7.1 x\0"), ReplyError::EnhancedCode { got });
}

#[test]
fn statement_086_no_line_ends_inside_or_behind_a_line() {
    for octet in (0..32).chain([127]) {
        let text = char::from(octet).to_string();
        assert_eq!(SmtpReply::new(550, None, &text), Err(ReplyError::Control { octet }));
        assert_eq!(reply_error(&[b"550 a", &[octet][..], b"b\0"].concat()), ReplyError::Control { octet });
    }
    assert_eq!(reply_error(b"550 a\r\n\0"), ReplyError::Line { got: Excerpt::of(b"550 a") });
    assert_eq!(reply_error(b"550-a\r\n\0"), ReplyError::Line { got: Excerpt::of(b"") });
    assert_eq!(reply_error(b"550 a\r\0"), ReplyError::Control { octet: b'\r' });
    assert_eq!(reply_wire(&SmtpReply::reject("a\r\nRSET\0\u{7f}é")), b"550 5.7.1 a??RSET???\0");
    canonical(Side::Filter, b'y', b"550 caf\xc3\xa9 \xff\0");
}

#[test]
fn statement_087_percent_signs_are_doubled() {
    let reply = SmtpReply::new(550, "5.7.1", "100% sure, 5%%").unwrap();
    assert_eq!(reply_wire(&reply), b"550 5.7.1 100%% sure, 5%%%%\0");
    assert_eq!(reply.to_string(), "550 5.7.1 100% sure, 5%%");
    assert_eq!(reply_wire(&SmtpReply::temp_fail("%d")), b"451 4.7.1 %%d\0");
}

#[test]
fn statement_088_a_lone_percent_sign_is_an_error() {
    for lone in [&b"550 %d\0"[..], b"550 %\0", b"550 %%%\0", b"550 %d%%\0", b"550-%\r\n550 %\0"] {
        assert_eq!(reply_error(lone), ReplyError::Percent);
    }
}

#[test]
fn statement_089_lines_and_their_number_are_bounded_when_they_are_built() {
    let (line, longer) = ("%".repeat(980), "%".repeat(981));
    let largest = SmtpReply::lines(550, "5.123.123", [&line; 32]).unwrap();
    assert_eq!(reply_wire(&largest).len(), 32 * (4 + 10 + 2 * 980) + 31 * 2 + 1);
    assert_eq!(SmtpReply::new(550, None, &longer), Err(ReplyError::LineTooLong { length: 981 }));
    assert_eq!(SmtpReply::lines(550, None, [""; 33]), Err(ReplyError::TooManyLines));
    assert_eq!(SmtpReply::lines(550, None, [""; 0]), Err(ReplyError::NoLines));
    assert_eq!(reply_wire(&SmtpReply::reject(&longer)).len(), 10 + 2 * 980 + 1);
    // What is received is bounded by the packet only.
    canonical(Side::Filter, b'y', format!("{}550 {}\0", "550-\r\n".repeat(40), "x".repeat(2000)).as_bytes());
}

#[test]
fn statement_090_add_header_is_name_and_value() {
    both_ways(Modification::AddHeader(field("X-A", "v")), b'h', b"X-A\0v\0");
    both_ways(Modification::AddHeader(field("X-A", "")), b'h', b"X-A\0\0");
    let empty = text_error("SMFIR_ADDHEADER", TextError::Empty(TextKind::HeaderName));
    assert_eq!(response_error(b'h', b"\0v\0"), empty);
    assert_eq!(HeaderName::new(""), Err(TextError::Empty(TextKind::HeaderName)));
}

#[test]
fn statement_091_insert_and_change_header_have_an_index() {
    both_ways(Modification::InsertHeader { index: 0, field: field("X-I", "v") }, b'i', b"\0\0\0\0X-I\0v\0");
    let changed = Modification::ChangeHeader { occurrence: 0x0102_0304, field: field("Subject", "new") };
    both_ways(changed, b'm', b"\x01\x02\x03\x04Subject\0new\0");
    let cut = |packet| DecodeError::Truncated { packet, field: "the index", got: 3 };
    assert_eq!(response_error(b'i', b"\0\0\0"), cut("SMFIR_INSHEADER"));
    assert_eq!(response_error(b'm', b"\0\0\0"), cut("SMFIR_CHGHEADER"));
    let excess = DecodeError::Excess { packet: "SMFIR_CHGHEADER", count: 1 };
    assert_eq!(response_error(b'm', b"\0\0\0\x01S\0v\0x"), excess);
}

#[test]
fn statement_092_an_empty_value_deletes_a_header() {
    both_ways(
        Modification::ChangeHeader { occurrence: 1, field: field("X-D", "") },
        b'm',
        b"\0\0\0\x01X-D\0\0",
    );
}

#[test]
fn statement_096_values_fold_with_lf_and_have_no_final_line_end() {
    both_ways(Modification::AddHeader(field("X", "a\n\tb\n c")), b'h', b"X\0a\n\tb\n c\0");
    assert_eq!(&*HeaderValue::unfold_crlf(b"a\r\n\tb"), b"a\n\tb");
    for (value, octet, at) in [
        ("a\r\n b", b'\r', 1),
        ("a\n", b'\n', 1),
        ("a\nX-B: c", b'\n', 1),
        ("a\rb", b'\r', 1),
        ("\n", b'\n', 0),
    ] {
        let error = TextError::Octet { kind: TextKind::HeaderValue, octet, at };
        assert_eq!(HeaderValue::new(value), Err(error));
        assert_eq!(
            response_error(b'h', format!("X\0{value}\0").as_bytes()),
            text_error("SMFIR_ADDHEADER", error)
        );
    }
}

#[test]
fn statement_098_arguments_are_one_string_or_none() {
    let address = Address::new("<n@x>").unwrap();
    let arguments = ArgumentText::new("RET=HDRS ENVID=q").unwrap();
    for (arguments, payload) in [(None, &b"<n@x>\0"[..]), (Some(arguments), b"<n@x>\0RET=HDRS ENVID=q\0")] {
        let both = AddressAndArguments::new(address, arguments);
        both_ways(Modification::ChangeSender(both), b'e', payload);
        both_ways(Modification::AddRecipientWithArguments(both), b'2', payload);
    }
    let empty = AddressAndArguments::new(address, Some(ArgumentText::new("").unwrap()));
    both_ways(Modification::ChangeSender(empty), b'e', b"<n@x>\0\0");
    for (letter, packet) in [(b'e', "SMFIR_CHGFROM"), (b'2', "SMFIR_ADDRCPT_PAR")] {
        assert_eq!(response_error(letter, b"<n@x>\0a\0b\0"), DecodeError::Excess { packet, count: 2 });
        let unterminated = DecodeError::Unterminated { packet, field: "the arguments" };
        assert_eq!(response_error(letter, b"<n@x>\0a"), unterminated);
    }
}

#[test]
fn statement_099_recipients_are_one_address_brackets_included() {
    for address in ["<r@x>", "r@x"] {
        let payload = format!("{address}\0");
        let address = Address::new(address).unwrap();
        both_ways(Modification::AddRecipient(address), b'+', payload.as_bytes());
        both_ways(Modification::DeleteRecipient(address), b'-', payload.as_bytes());
    }
    for (letter, packet) in [(b'+', "SMFIR_ADDRCPT"), (b'-', "SMFIR_DELRCPT")] {
        let unterminated = DecodeError::Unterminated { packet, field: "the address" };
        assert_eq!(response_error(letter, b"<r@x>"), unterminated);
        assert_eq!(response_error(letter, b"<r@x>\0a\0"), DecodeError::Excess { packet, count: 2 });
        let error = TextError::Octet { kind: TextKind::Address, octet: b'\n', at: 5 };
        assert_eq!(response_error(letter, b"<r@x>\nDATA\0"), text_error(packet, error));
    }
}

#[test]
fn statement_100_a_replaced_body_is_raw_and_may_be_empty() {
    for body in [&b"hi\r\n"[..], b"", b"\0\xff"] {
        let chunks: Vec<_> = ReplacementChunk::split(body).collect();
        assert_eq!(chunks.len(), 1);
        both_ways(Modification::ReplaceBody(chunks[0]), b'b', body);
    }
    let lengths =
        ReplacementChunk::split(&[b'x'; 65536]).map(|chunk| chunk.as_bytes().len()).collect::<Vec<_>>();
    assert_eq!(lengths, [65535, 1]);
}

#[test]
fn statement_101_a_quarantine_has_a_reason() {
    both_ways(Modification::Quarantine(Reason::new("virus").unwrap()), b'q', b"virus\0");
    assert_eq!(Reason::new(""), Err(TextError::Empty(TextKind::Reason)));
    let empty = text_error("SMFIR_QUARANTINE", TextError::Empty(TextKind::Reason));
    assert_eq!(response_error(b'q', b"\0"), empty);
}

#[test]
fn statement_102_connection_failure_and_shutdown_are_named_and_refused() {
    for (letter, unsupported) in
        [(b'f', UnsupportedResponse::ConnectionFail), (b'4', UnsupportedResponse::Shutdown)]
    {
        assert_eq!(response_error(letter, b""), DecodeError::Unsupported(unsupported));
    }
    assert_eq!(reply_wire(&SmtpReply::new(421, "4.7.0", "closing").unwrap()), b"421 4.7.0 closing\0");
}
