//! A message from a file, as an SMTP client would hand it over.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Larger messages are refused. Postfix takes 10 240 000 octets unless it is told otherwise.
pub const MAX_OCTETS: u64 = 100 << 20;

/// Reads a message from a file, or from standard input (`-`).
pub fn read(path: &Path) -> Result<Vec<u8>, InputError> {
    let wrong = |source| InputError::Unreadable { path: path.to_owned(), source };
    let mut message = Vec::new();
    // One octet more than is taken shows that there is more.
    if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_OCTETS + 1).read_to_end(&mut message).map_err(wrong)?;
    } else {
        File::open(path)
            .and_then(|file| file.take(MAX_OCTETS + 1).read_to_end(&mut message))
            .map_err(wrong)?;
    }
    if message.len() as u64 > MAX_OCTETS {
        return Err(InputError::TooLarge { path: path.to_owned() });
    }
    Ok(message)
}

/// A message that cannot be tried.
#[derive(Debug)]
#[non_exhaustive]
pub enum InputError {
    /// It cannot be read.
    Unreadable {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is larger than [`MAX_OCTETS`].
    TooLarge {
        /// Where it is.
        path: PathBuf,
    },
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::TooLarge { path } => {
                write!(f, "{} is larger than {} MiB", path.display(), MAX_OCTETS >> 20)
            }
        }
    }
}

impl std::error::Error for InputError {}

/// Ends each line by CR LF, also the last one, as SMTP does, and notes it.
pub(super) fn as_sent(message: Vec<u8>, notes: &mut Vec<String>) -> Vec<u8> {
    let lines = || message.split_inclusive(|octet| *octet == b'\n');
    let bare = lines().filter(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n")).count();
    let is_ended = message.is_empty() || message.ends_with(b"\n");
    if bare == 0 && is_ended {
        return message;
    }
    if bare > 0 {
        notes.push(format!("{bare} lines ended by LF alone: they end by CR LF here, as in SMTP"));
    }
    if !is_ended {
        notes.push("the last line had no end: it has one here, as in SMTP".to_owned());
    }
    let mut sent = Vec::with_capacity(message.len() + bare + 2);
    for line in lines() {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        sent.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        sent.extend_from_slice(b"\r\n");
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_smtp() {
        for (message, expected, noted) in [
            ("", "", 0),
            ("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", 0),
            ("a\n\nb\n", "a\r\n\r\nb\r\n", 1),
            ("a\r\nb", "a\r\nb\r\n", 1),
            ("a\nb\r\nc", "a\r\nb\r\nc\r\n", 2),
            ("a\rb\r\n", "a\rb\r\n", 0),
            ("\r", "\r\n", 1),
        ] {
            let mut notes = Vec::new();
            let sent = as_sent(message.into(), &mut notes);
            assert_eq!(String::from_utf8(sent).unwrap(), expected);
            assert_eq!(notes.len(), noted, "{message:?}: {notes:?}");
        }
    }
}
