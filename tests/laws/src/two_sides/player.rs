//! A filter that answers by turns, always by something that the stage takes, and records modifications now and then.

use crate::session::Wanted;
use milter_proto::{BodyVerdict, CommandKind as C, Context, Event, SmtpReply};

/// The answer, if the event is one to answer, and the letter of what the filter thinks.
pub(super) fn answer(
    wanted: Wanted,
    turn: u8,
    event: &Event<'_>,
    context: &mut Context,
) -> (Option<BodyVerdict>, u8) {
    if turn & 0x40 != 0 {
        // Each is refused where its action was not agreed.
        let _ = context.add_header("X-Added", "yes");
        let _ = context.change_header("Subject", 1, "new");
        let _ = context.add_recipient("<new@d>");
        let _ = context.quarantine("odd");
        let _ = context.replace_body("new\r\n");
    }
    let kind = event.kind();
    let in_message = !matches!(kind, C::Connect | C::Helo | C::Unknown);
    let verdict = match turn & 0x0f {
        0 => BodyVerdict::Accept,
        1 => BodyVerdict::Reject,
        2 => BodyVerdict::TempFail,
        3 => SmtpReply::reject("no, 100%").into(),
        4 if in_message => BodyVerdict::Discard,
        5 | 6 if kind == C::Body => BodyVerdict::Skip,
        _ => BodyVerdict::Continue,
    };
    // What is only watched is not answered: the session does that, where an MTA must have an answer.
    let is_watched = kind != C::EndOfMessage && !wanted.answers(kind);
    let verdict = if is_watched { BodyVerdict::Continue } else { verdict };
    let chosen = letter(&verdict);
    (Some(verdict).filter(|_| !is_watched && !matches!(kind, C::Abort | C::Quit)), chosen)
}

pub(super) const fn letter(verdict: &BodyVerdict) -> u8 {
    match verdict {
        BodyVerdict::Continue => b'c',
        BodyVerdict::Accept => b'a',
        BodyVerdict::Reject => b'r',
        BodyVerdict::TempFail => b't',
        BodyVerdict::Reply(_) => b'y',
        BodyVerdict::Discard => b'd',
        BodyVerdict::Skip => b's',
    }
}

/// Whether a filter that answered `chosen` may be heard as `heard`.
pub(super) fn fits(command: C, chosen: u8, heard: u8) -> bool {
    match (chosen, heard) {
        _ if chosen == heard => true,
        // Nothing to accept there, or modifications that are still to be sent.
        (b'a', b'c') => command != C::EndOfMessage,
        // And that is where they are sent.
        (b'c', b'a') => command == C::EndOfMessage,
        // An MTA that cannot skip.
        (b's', b'c') => command == C::Body,
        _ => false,
    }
}
