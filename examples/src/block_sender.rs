//! Rejects the messages of some senders.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use milter_proto::{Application, Context, Mail, Milter, SmtpReply, Verdict, With};

/// The filter: rejects messages whose envelope sender is one of these, by that reply.
pub fn milter(senders: Vec<Sender>, reply: SmtpReply) -> impl Application {
    Milter::per_message(|| ()).on_mail(With(Blocked { senders, reply }, Blocked::mail))
}

struct Blocked {
    senders: Vec<Sender>,
    reply: SmtpReply,
}

impl Blocked {
    async fn mail(&self, _: &mut (), mail: Mail<'_>, _: &mut Context) -> Verdict {
        let address = mail.address().to_string_lossy().to_lowercase();
        if self.senders.iter().any(|sender| sender.is(&address)) {
            Verdict::Reply(self.reply.clone())
        } else {
            Verdict::Continue
        }
    }
}

/// Which senders are meant: `user@example.org`, or `@example.org` for all of this domain (but not of those below it).
///
/// Case does not count. That is so for domains; for what stands before the `@` the site of the sender might see it
/// otherwise, but hardly any does, and a blocked sender could change the case at will. Addresses are compared as the
/// client wrote them, quotes and source routes included. The null sender, that of bounces, is never meant.
#[derive(Clone, Debug)]
pub struct Sender {
    /// In lower case.
    pattern: String,
}

impl Sender {
    /// Whether this address, in lower case, is meant.
    fn is(&self, address: &str) -> bool {
        let part = if self.pattern.starts_with('@') { domain(address) } else { address };
        part == self.pattern
    }
}

/// The domain of an address, with its `@`. Empty if there is none.
fn domain(address: &str) -> &str {
    address.rfind('@').map_or("", |at| &address[at..])
}

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
        // One that can never match would block nothing, without a word.
        let never_matches = |c: char| c.is_control() || c.is_whitespace() || c == ',';
        if domain(bare).len() < 2 || bare.contains(never_matches) {
            return Err(
                "expected one address (user@example.org) or domain (@example.org); repeat --sender for more",
            );
        }
        Ok(Self { pattern: bare.to_lowercase() })
    }
}

/// Reads senders from a file, one a line. Empty lines and those that begin with `#` do not count.
pub fn read_senders(file: &Path) -> Result<Vec<Sender>, FileError> {
    let text = fs::read_to_string(file)
        .map_err(|error| FileError { place: file.display().to_string(), error: error.to_string() })?;
    let lines = text.lines().map(str::trim).enumerate();
    let senders = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let parsed = senders.map(|(index, line)| {
        let place = || format!("{}:{}", file.display(), index + 1);
        line.parse().map_err(|error: &str| FileError { place: place(), error: error.to_owned() })
    });
    parsed.collect()
}

/// A file of senders that cannot be used.
#[derive(Clone, Debug)]
pub struct FileError {
    place: String,
    error: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.error)
    }
}

impl std::error::Error for FileError {}

#[cfg(test)]
mod tests {
    use milter_proto::testing::{Script, now};

    use super::*;

    #[test]
    fn blocked_senders_are_rejected_and_no_others() {
        let senders = ["Bad@one.example", "<also@one.example>", "@two.example", "zoë@bücher.example"];
        for (address, blocked) in [
            ("<bad@one.example>", true),
            ("bad@one.example", true),
            ("<BAD@ONE.EXAMPLE>", true),
            ("<Also@One.Example>", true),
            ("<good@one.example>", false),
            ("<bad@one.example.org>", false),
            ("<very.bad@one.example>", false),
            ("<@relay.example:bad@one.example>", false),
            ("<anyone@two.example>", true),
            ("<\"a@b\"@Two.Example>", true),
            ("<@relay.example:a@two.example>", true),
            ("<anyone@below.two.example>", false),
            ("<anyone@nottwo.example>", false),
            ("<two.example>", false),
            ("<ZOË@BÜCHER.example>", true),
            ("<>", false),
            ("", false),
        ] {
            let senders = senders.map(|sender| sender.parse().unwrap()).to_vec();
            let milter = milter(senders, "550 5.7.1 100% no".parse().unwrap());
            let outcome = now(Script::new().mail(address).rcpt("<c@d>").play(milter)).to_string();
            assert_eq!(outcome, if blocked { "O, y 550 5.7.1 100% no" } else { "O, c" }, "{address}");
        }
    }

    #[test]
    fn a_file_names_its_wrong_line() {
        let file = std::env::temp_dir().join(format!("senders-{}", std::process::id()));
        fs::write(&file, "# known spammers\n\n bad@one.example \n@two.example\n").unwrap();
        let senders = read_senders(&file).unwrap();
        assert_eq!(
            senders.iter().map(|sender| &*sender.pattern).collect::<Vec<_>>(),
            ["bad@one.example", "@two.example"]
        );
        fs::write(&file, "@two.example\nthree.example\n").unwrap();
        let wrong = read_senders(&file).unwrap_err().to_string();
        fs::remove_file(&file).unwrap();
        assert!(wrong.starts_with(&format!("{}:2: expected one address", file.display())), "{wrong}");
        assert!(read_senders(&file).unwrap_err().to_string().contains("No such file"));
    }

    #[test]
    fn what_could_never_match_is_refused() {
        for text in ["", "<>", "@", "user", "example.org", "user@", "user@example.org\n"] {
            assert!(text.parse::<Sender>().is_err(), "{text:?}");
        }
    }
}
