//! What an application may pass on that an attacker wrote: it must not reach the wire.

use milter_proto::{Context, SmtpReply};

/// How many hostile values there are.
pub(crate) const HOSTILE_VALUES: usize = 20;

/// Tries every hostile value, and tells how many were refused.
pub(super) fn refused(cx: &mut Context) -> String {
    let too_long = "x".repeat(1 << 16);
    let attempts: [bool; HOSTILE_VALUES] = [
        cx.add_header("X-Evil\r\nBcc", "1").is_err(),
        cx.add_header("X-Evil: 1", "1").is_err(),
        cx.add_header("", "1").is_err(),
        cx.add_header("X-Ev\0il", "1").is_err(),
        cx.add_header("X-Evil", "1\r\nBcc: victim@example.org").is_err(),
        cx.add_header("X-Evil", "1\nBcc: victim@example.org").is_err(),
        cx.add_header("X-Evil", "1\r.\r2").is_err(),
        cx.add_header("X-Evil", "1\x002").is_err(),
        cx.add_header("X-Evil", &too_long).is_err(),
        cx.insert_header(u32::MAX, "X-Evil", "1\n\n2").is_err(),
        cx.change_header("X-Evil", 0, "1").is_err(),
        cx.change_sender("a@b>\r\nRCPT TO:<c@d", None).is_err(),
        cx.add_recipient("a@b\0c").is_err(),
        cx.add_recipient("a@b>\r\nDATA\r\n").is_err(),
        cx.quarantine("why\r\nnot").is_err(),
        // Was not declared.
        cx.delete_recipient("user@example.org").is_err(),
        SmtpReply::new(550, None, "no\r\n250 2.0.0 yes").is_err(),
        SmtpReply::new(250, None, "yes").is_err(),
        SmtpReply::new(550, Some("4.7.1"), "no").is_err(),
        SmtpReply::new(421, None, "no\0").is_err(),
    ];
    let refused = attempts.iter().filter(|refused| **refused).count();
    format!("{refused} of {HOSTILE_VALUES}")
}
