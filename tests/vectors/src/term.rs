//! Payloads as text: quoted bytes, repeated or not, and big-endian integers.

/// Longer payloads are taken for a slip of the pen.
const MAX_PAYLOAD: usize = 16 << 20;

/// Reads terms up to the end of the line or its comment, which is handed back without its `#`.
pub(crate) fn parse(text: &str) -> Result<(Vec<u8>, Option<&str>), String> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    loop {
        if rest.is_empty() {
            return Ok((bytes, None));
        }
        if let Some(comment) = rest.strip_prefix('#') {
            return Ok((bytes, Some(comment.trim())));
        }
        let after = term(rest, &mut bytes)?;
        rest = after.trim_start_matches(' ');
        if rest.len() == after.len() && !rest.is_empty() {
            return Err(format!("no space before `{}`", excerpt(rest)));
        }
    }
}

/// One byte of a term, escaped where it cannot stand for itself.
pub(crate) fn escape(byte: u8, out: &mut String) {
    match byte {
        b'\0' => out.push_str("\\0"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b' '..=b'~' => out.push(char::from(byte)),
        _ => out.push_str(&format!("\\x{byte:02x}")),
    }
}

/// Reads what follows a backslash; hands back the byte and the rest.
pub(crate) fn unescape(text: &str) -> Result<(u8, &str), String> {
    let mut chars = text.chars();
    let byte = match chars.next() {
        Some('0') => b'\0',
        Some('n') => b'\n',
        Some('r') => b'\r',
        Some('t') => b'\t',
        Some('"') => b'"',
        Some('\\') => b'\\',
        Some('x') => {
            let digits =
                text.get(1..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return byte.map(|byte| (byte, &text[3..])).ok_or_else(|| "\\x without two hex digits".into());
        }
        Some(other) => return Err(format!("unknown escape \\{other}")),
        None => return Err("nothing after a backslash".into()),
    };
    Ok((byte, chars.as_str()))
}

fn term<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    if let Some(rest) = text.strip_prefix('"') {
        let (string, rest) = quoted(rest)?;
        let Some(rest) = rest.strip_prefix('*') else {
            bytes.extend(string);
            return Ok(rest);
        };
        let (digits, rest) = word(rest);
        let count: usize = digits.parse().map_err(|_| format!("`{digits}` is not a number of repeats"))?;
        if count.saturating_mul(string.len()) > MAX_PAYLOAD {
            return Err(format!("more than {MAX_PAYLOAD} bytes"));
        }
        bytes.extend(string.repeat(count));
        return Ok(rest);
    }
    let (word, rest) = word(text);
    if let Some(digits) = word.strip_prefix("u32:0x") {
        let hex = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        bytes.extend(value.ok_or_else(|| format!("`{word}` does not have eight hex digits"))?.to_be_bytes());
    } else if let Some(digits) = word.strip_prefix("u16:") {
        let value: u16 = digits.parse().map_err(|_| format!("`{word}` is not a number below 65536"))?;
        bytes.extend(value.to_be_bytes());
    } else {
        return Err(format!("`{}` is not a term", excerpt(word)));
    }
    Ok(rest)
}

fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            Some('"') => return Ok((bytes, chars.as_str())),
            Some('\\') => {
                let (byte, after) = unescape(chars.as_str())?;
                bytes.push(byte);
                rest = after;
            }
            Some(plain @ ' '..='~') => {
                bytes.push(plain as u8);
                rest = chars.as_str();
            }
            Some(other) => return Err(format!("{other:?} must be written as an escape")),
            None => return Err("a quote is not closed".into()),
        }
    }
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(' ').unwrap_or(text.len()))
}

fn excerpt(text: &str) -> String {
    text.chars().take(20).collect()
}
