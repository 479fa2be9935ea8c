//! How a message changes: unified diffs of its envelope, its headers and its body.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use milter_proto::Message;
use similar::{ChangeTag, TextDiff};

use super::report::with_arguments;

/// Lines of a body's diff that are shown.
const MAX_BODY_LINES: usize = 60;
/// Octets of a body that are compared line by line, from the first difference on.
const MAX_BODY_OCTETS: usize = 1 << 20;
/// Characters of a line that are shown.
const MAX_LINE: usize = 500;
/// Lines around a change.
const CONTEXT: usize = 3;
/// After so long a coarser diff will do.
const TIMEOUT: Duration = Duration::from_millis(500);

/// How a message changes; displayed as unified diffs, empty if it does not.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    text: String,
}

impl Diff {
    /// How one message becomes another.
    pub fn between(before: &Message, after: &Message) -> Self {
        let mut diff = Self::default();
        diff.section("envelope", &envelope(before), &envelope(after), usize::MAX);
        let (old, new) = (before.to_bytes(), after.to_bytes());
        let old = old.strip_suffix(before.body()).unwrap_or_default();
        let new = new.strip_suffix(after.body()).unwrap_or_default();
        diff.section("headers", &lines(old), &lines(new), usize::MAX);
        diff.body(before.body(), after.body());
        diff
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn body(&mut self, old: &[u8], new: &[u8]) {
        if old == new {
            return;
        }
        let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        // Some lines of context, and whole lines.
        let start = same.saturating_sub(MAX_BODY_OCTETS / 4);
        let start = old[..start].iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        let part = |body: &[u8]| lines(&body[start..body.len().min(start + MAX_BODY_OCTETS)]);
        self.section("body", &part(old), &part(new), MAX_BODY_LINES);
        if old.len().max(new.len()) > start + MAX_BODY_OCTETS {
            let (old, new) = (old.len(), new.len());
            self.note(format_args!(
                "only the beginning is compared: the body had {old} octets and has {new}"
            ));
        }
    }

    fn section(&mut self, name: &str, old: &[String], new: &[String], max: usize) {
        if old == new {
            return;
        }
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let diff = TextDiff::configure().timeout(TIMEOUT).diff_slices(&old, &new);
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "--- {name}\n+++ {name}");
        let (mut shown, mut hidden) = (0, 0);
        for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
            if shown < max {
                let _ = writeln!(self.text, "{}", hunk.header());
            }
            for change in hunk.iter_changes() {
                if shown == max {
                    hidden += 1;
                    continue;
                }
                shown += 1;
                let sign = match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                };
                let _ = writeln!(self.text, "{sign}{}", change.value());
            }
        }
        if hidden > 0 {
            self.note(format_args!("{hidden} more lines"));
        }
    }

    fn note(&mut self, note: fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "\\ {note}");
    }
}

impl Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn envelope(message: &Message) -> Vec<String> {
    let line = |verb: &str, address| format!("{verb}:{}", shown(&with_arguments(address)));
    let mut envelope = vec![line("MAIL FROM", message.sender())];
    envelope.extend(message.recipients().iter().map(|recipient| line("RCPT TO", recipient)));
    envelope.extend(message.quarantined().map(|reason| format!("on hold: {}", shown(reason))));
    envelope
}

/// The lines of a text, without the line ends of SMTP.
fn lines(text: &[u8]) -> Vec<String> {
    text.split_inclusive(|octet| *octet == b'\n')
        .map(|line| shown(line.strip_suffix(b"\r\n").unwrap_or(line)))
        .collect()
}

/// Octets on one line of a terminal: what is no text, and no tab, is escaped.
fn shown(octets: &[u8]) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            count += 1;
            if count > MAX_LINE {
                shown.push('…');
                return shown;
            }
            match character {
                '\t' => shown.push('\t'),
                '"' | '\'' | '\\' => shown.push(character),
                _ => shown.extend(character.escape_debug()),
            }
        }
        count += chunk.invalid().len();
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", chunk.invalid().escape_ascii());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use milter_proto::{HeaderField, HeaderName, HeaderValue, Modification, ReplacementChunk};

    fn replaced(old: &[u8], new: &[u8]) -> String {
        let before = Message::parse(&[b"A: b\r\n\r\n", old].concat());
        let mut after = before.clone();
        for piece in ReplacementChunk::split(new) {
            after.apply(&Modification::ReplaceBody(piece));
        }
        Diff::between(&before, &after).to_string()
    }

    #[test]
    fn each_part_has_its_own() {
        let before = Message::parse(b"A: b\r\nC: d\r\n\r\nbody\r\n");
        let mut after = before.clone();
        assert!(Diff::between(&before, &after).is_empty());
        let field = HeaderField::new(HeaderName::new("a").unwrap(), HeaderValue::new("x\u{1b}[1m").unwrap());
        after.apply(&Modification::ChangeHeader { occurrence: 1, field: field.unwrap() });
        after.add_recipient("<e@f>");
        assert_eq!(
            Diff::between(&before, &after).to_string(),
            "--- envelope\n+++ envelope\n@@ -1 +1,2 @@\n MAIL FROM:<>\n+RCPT TO:<e@f>\n\
             --- headers\n+++ headers\n@@ -1,3 +1,3 @@\n-A: b\n+a: x\\u{1b}[1m\n C: d\n \n"
        );
    }

    #[test]
    fn bodies_are_cut() {
        assert_eq!(
            replaced(b"a\r\nb\r\n", b"a\nc\0"),
            "--- body\n+++ body\n@@ -1,2 +1,2 @@\n a\n-b\n+c\\0\n"
        );
        let diff = replaced(&b"old\r\n".repeat(100), b"new\r\n");
        assert_eq!(diff.lines().count(), 2 + 1 + MAX_BODY_LINES + 1);
        assert!(diff.ends_with("\n\\ 41 more lines\n"), "{diff}");
        let long = [&b"same\r\n".repeat(1_000_000)[..], b"end\r\n"].concat();
        let diff = replaced(&long, &[&long[..], b"footer\r\n"].concat());
        assert!(diff.contains(" end\n+footer\n"), "{diff}");
        assert!(replaced(&b"x".repeat(9_000_000), b"y").len() < 2000);
    }
}
