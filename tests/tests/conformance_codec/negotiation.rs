//! Statements 31 and 32: lists of macros; 38 to 42: macros. 16, 33, 35, 36 and 46 as far as they are the codec's.

use crate::{canonical, command, command_error, encoded, response};
use milter_proto::{
    Actions, Command, CommandKind, DecodeError, DefineMacros, MacroPairsBuf, MacroRequestsBuf, MacroStage,
    Options, OptionsAnswer, Protocol, Response, Version,
};
use milter_vectors::Side;

const WORDS: &[u8] = b"\0\0\0\x06\0\0\x01\0\0\0\0\0";

/// The lists of an answer: stage and names.
fn lists(lists: &[u8]) -> Vec<(u32, Vec<String>)> {
    let payload = [WORDS, lists].concat();
    let found = response(b'O', &payload, |response| {
        let Response::Negotiate(answer) = response else { panic!("{response:?}") };
        let names = |names: milter_proto::MacroNames<'_>| {
            names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
        };
        answer.macros().iter().map(|(stage, list)| (stage, names(list))).collect()
    });
    found.unwrap()
}

fn pairs(payload: &[u8]) -> (u8, Vec<(String, String)>) {
    let found = command(b'D', payload, |command| {
        let Command::DefineMacros(define) = command else { panic!("{command:?}") };
        let pairs = define.macros().iter().map(|(name, value)| (name.to_string(), value.to_string()));
        (define.stage(), pairs.collect())
    });
    found.unwrap()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn statement_016_octets_after_the_twelfth_of_an_offer_are_ignored() {
    let offer = [&b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"[..], b"and more"].concat();
    assert_eq!(command(b'O', &offer, |command| command == Command::Negotiate(Options::CURRENT)), Ok(true));
}

#[test]
fn statement_031_lists_are_pairs_of_a_stage_and_a_string() {
    let wire = b"\0\0\0\0j {client_addr}\0\0\0\0\x05i\0\0\0\0\x06i\0";
    canonical(Side::Filter, b'O', &[WORDS, wire].concat());
    let expected = [(0, vec!["j", "{client_addr}"]), (5, vec!["i"]), (6, vec!["i"])];
    assert_eq!(
        lists(wire),
        expected.map(|(stage, names)| (stage, names.into_iter().map(String::from).collect()))
    );

    let mut requests = MacroRequestsBuf::new();
    requests.request(MacroStage::Connect, "j {client_addr}");
    requests.request(MacroStage::EndOfMessage, "i");
    let options =
        Options { version: Version::CURRENT, actions: Actions::REQUEST_MACROS, protocol: Protocol::empty() };
    let answer = OptionsAnswer::new(options, requests.view()).unwrap();
    assert_eq!(encoded(|out| Response::Negotiate(answer).encode(out))[5..], [WORDS, wire].concat());
}

#[test]
fn statement_032_a_list_may_be_empty() {
    canonical(Side::Filter, b'O', &[WORDS, b"\0\0\0\x01\0"].concat());
    assert_eq!(lists(b"\0\0\0\x01\0"), [(1, Vec::new())]);
}

#[test]
fn statement_033_an_unknown_stage_does_not_spoil_the_rest() {
    let found = lists(b"\0\0\0\x07i\0\xff\xff\xff\xff\0\0\0\0\x06i\0");
    assert_eq!(found, [(7, vec!["i".into()]), (u32::MAX, Vec::new()), (6, vec!["i".into()])]);
    assert_eq!(
        (MacroStage::from_number(7), MacroStage::from_number(6)),
        (None, Some(MacroStage::EndOfHeaders))
    );
}

#[test]
fn statement_035_names_are_separated_by_white_space_and_commas() {
    let found = lists(b"\0\0\0\x02i,{auth_type}  {mail_addr}\t,j\0");
    assert_eq!(found, [(2, ["i", "{auth_type}", "{mail_addr}", "j"].map(String::from).to_vec())]);
}

#[test]
fn statement_036_lists_are_no_packet_of_their_own() {
    assert_eq!(crate::response_error(b'l', b"\0\0\0\0j\0"), DecodeError::UnknownResponse(b'l'));
}

#[test]
fn statement_038_macros_are_a_letter_and_pairs() {
    let payload = b"Cj\0mta.example\0{daemon_name}\0smtpd\0";
    canonical(Side::Mta, b'D', payload);
    assert_eq!(pairs(payload), (b'C', vec![pair("j", "mta.example"), pair("{daemon_name}", "smtpd")]));

    let mut macros = MacroPairsBuf::new();
    macros.push("j", "mta.example").unwrap();
    macros.push("{daemon_name}", "smtpd").unwrap();
    let define = DefineMacros::new(CommandKind::Connect, macros.view()).unwrap();
    assert_eq!(encoded(|out| Command::DefineMacros(define).encode(out))[5..], *payload);
}

#[test]
fn statement_039_there_may_be_no_pairs() {
    canonical(Side::Mta, b'D', b"H");
    assert_eq!(pairs(b"H"), (b'H', Vec::new()));
    // Statement 44: nor need the letter be one that we know.
    assert_eq!(pairs(b"\xff"), (0xff, Vec::new()));
}

#[test]
fn statement_040_no_payload_is_an_error() {
    let missing = DecodeError::Truncated { packet: "SMFIC_MACRO", field: "the letter of a command", got: 0 };
    assert_eq!(command_error(b'D', b""), missing);
}

#[test]
fn statement_041_empty_values_are_kept() {
    canonical(Side::Mta, b'D', b"M{mail_addr}\0\0i\0\0");
    assert_eq!(pairs(b"M{mail_addr}\0\0i\0\0").1, [pair("{mail_addr}", ""), pair("i", "")]);
}

#[test]
fn statement_042_odd_strings_and_a_missing_nul_are_errors() {
    assert_eq!(command_error(b'D', b"Cj\0"), DecodeError::MacroWithoutValue);
    assert_eq!(command_error(b'D', b"C\0\0\0"), DecodeError::MacroWithoutValue);
    let unterminated = DecodeError::Unterminated { packet: "SMFIC_MACRO", field: "a macro" };
    assert_eq!(command_error(b'D', b"Cj\0mta"), unterminated);
    assert_eq!(command_error(b'D', b"Cj"), unterminated);
}

#[test]
fn statement_046_names_are_kept_in_the_spelling_that_came() {
    for spelling in ["i", "{i}", "auth_type", "{auth_type}"] {
        let payload = format!("M{spelling}\0Q1\0");
        canonical(Side::Mta, b'D', payload.as_bytes());
        assert_eq!(pairs(payload.as_bytes()).1, [pair(spelling, "Q1")]);
    }
}
