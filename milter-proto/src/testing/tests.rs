//! What a script says, and what is seen of the answers.

use super::*;
use crate::app::{BoxError, Milter};
use crate::command::{BodyChunk, Mail, Rcpt, Unknown};
use crate::packet::MAX_PAYLOAD;
use crate::response::SmtpReply;
use crate::verdict::{BodyVerdict, Verdict};
use alloc::format;
use alloc::vec;

fn packets(script: &Script) -> Vec<u8> {
    script.packets.iter().flat_map(|packet| packet.bytes.clone()).collect()
}

#[test]
fn each_command_is_one_packet() {
    let connected = Script::new().connect("192.0.2.1").connect("2001:db8::1").helo("h").unknown("VRFY");
    assert_eq!(
        packets(&connected),
        b"\0\0\0\x1dCclient.example\x004\x61\xa8192.0.2.1\0\
          \0\0\0\x1fCclient.example\x006\x61\xa82001:db8::1\0\
          \0\0\0\x03Hh\0\
          \0\0\0\x06UVRFY\0"
    );
    let envelope = Script::new()
        .macros(CommandKind::Mail, &[("i", "Q1"), ("{auth}", "")])
        .mail("<a>")
        .mail_with("<>", &["SIZE=1", "RET=FULL"])
        .rcpt("<b>")
        .rcpt_with("<b>", &["NOTIFY=NEVER"]);
    assert_eq!(
        packets(&envelope),
        b"\0\0\0\x0fDMi\0Q1\0{auth}\0\0\
          \0\0\0\x05M<a>\0\
          \0\0\0\x14M<>\0SIZE=1\0RET=FULL\0\
          \0\0\0\x05R<b>\0\
          \0\0\0\x12R<b>\0NOTIFY=NEVER\0"
    );
    let message = Script::new()
        .data()
        .header("X", "y")
        .end_of_headers()
        .body("z")
        .end_of_message()
        .abort()
        .quit()
        .quit_new_connection()
        .packet(b'?', "!");
    assert_eq!(
        packets(&message),
        b"\0\0\0\x01T\0\0\0\x05LX\0y\0\0\0\0\x01N\0\0\0\x02Bz\0\0\0\x01E\
          \0\0\0\x01A\0\0\0\x01Q\0\0\0\x01K\0\0\0\x02?!"
    );
}

/// Has a hook for the body only, and skips one that begins with x.
fn skipping() -> impl Application {
    Milter::per_message(|| ()).on_body(async |_: &mut (), chunk: BodyChunk<'_>, _: &mut Context| match chunk
        .as_bytes()
    {
        [b'x', ..] => BodyVerdict::Skip,
        _ => BodyVerdict::Continue,
    })
}

#[test]
fn what_the_filter_has_no_hook_for_and_the_rest_of_a_skipped_body_are_left_out() {
    let skipped = Script::new().mail("<a>").rcpt("<b>").body(vec![b'x'; MAX_PAYLOAD + 1]).end_of_message();
    let script = skipped.mail("<c>").body("y").body("y").end_of_message();
    assert_eq!(now(script.play(skipping())).letters(), "Oscccc");
}

#[test]
fn what_has_no_place_after_a_verdict_is_left_out() {
    let rejecting = Milter::per_message(|| ())
        .on_mail(async |_: &mut (), _: Mail<'_>, _: &mut Context| Verdict::Reject)
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| Verdict::Continue);
    let outcome = now(Script::new().mail("<a>").rcpt("<b>").mail("<c>").play(rejecting));
    assert_eq!((outcome.to_string().as_str(), outcome.error()), ("O, r, r", None));
}

#[test]
fn a_body_is_skipped_until_another_command_comes() {
    let script = Script::new().body("x").abort().body("y").end_of_message();
    assert_eq!(now(script.play(skipping())).letters(), "Oscc");
}

#[test]
fn a_packet_is_sent_whatever_was_negotiated() {
    let milter = Milter::per_message(|| ());
    let outcome = now(Script::new().packet(b'?', "").play(milter));
    assert!(matches!(outcome.error(), Some(Error::Decode(_))));
    assert_eq!(outcome.to_string(), "O");
}

#[test]
fn an_outcome_has_the_octets_that_were_written_and_why_hooks_failed() {
    let milter = Milter::per_connection(|| ())
        .on_rcpt(async |_: &mut (), _: Rcpt<'_>, _: &mut Context| {
            Err::<Verdict, BoxError>("no lookup".into())
        })
        .on_unknown(async |_: &mut (), _: Unknown<'_>, _: &mut Context| SmtpReply::reject("what?"));
    let outcome = now(Script::new().unknown("X").mail("<a>").rcpt("<b>").play(milter));
    assert_eq!(outcome.to_string(), "O, y 550 5.7.1 what?, t");
    assert!(outcome.bytes().ends_with(b"\0\0\0\x11y550 5.7.1 what?\0\0\0\0\x01t"));
    assert_eq!(outcome.failures(), ["the hook for rcpt failed: no lookup"]);
    assert!(outcome.error().is_none());
}

#[test]
fn a_detached_context_has_the_macros_that_it_was_given_up_to_a_nul() {
    let context = detached().with_macro("i", "Q1").with_macro("{auth\0x}", "me\0x");
    let get = |name| context.macros.get(name).map(|value| format!("{value:?}"));
    assert_eq!((get("i"), get("{auth")), (Some("\"Q1\"".into()), Some("\"me\"".into())));
}
