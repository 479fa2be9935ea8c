use crate::{ParseError, Side};

/// One conformance example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The statement that it illustrates.
    pub statement: u16,
    /// Who sends the bytes.
    pub sender: Side,
    /// What becomes of them.
    pub class: Class,
    /// The bytes from the length word on, frame by frame; only in a [`Class::Sequence`] more than one.
    pub frames: Vec<Vec<u8>>,
    /// Its line in the file, counted from 1.
    pub line: usize,
}

impl Example {
    /// The bytes of all frames.
    pub fn wire(&self) -> Vec<u8> {
        self.frames.concat()
    }
}

/// What a decoder makes of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It decodes, and encodes to the same bytes.
    Valid,
    /// It decodes, and encodes to the canonical form.
    Tolerated,
    /// It is refused.
    Invalid,
    /// It is known, and refused by name.
    Unsupported,
    /// Several frames, each of them valid; the last may be cut.
    Sequence,
    /// The beginning of a valid frame.
    Prefix,
}

/// Parses the conformance examples: `statement direction class hex`, with ` / ` between frames.
///
/// # Errors
///
/// For the first line that is not in the format; `file` is named in the error.
pub fn parse_examples(file: &str, text: &str) -> Result<Vec<Example>, ParseError> {
    (text.lines().zip(1..))
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(text, line)| {
            example(text, line).map_err(|message| ParseError { file: file.to_owned(), line, message })
        })
        .collect()
}

fn example(text: &str, line: usize) -> Result<Example, String> {
    let mut words = text.splitn(4, ' ');
    let mut word = |name| words.next().ok_or_else(|| format!("no {name}"));
    let statement = word("statement")?;
    let statement = statement.parse().map_err(|_| format!("`{statement}` is not a statement's number"))?;
    let sender = match word("direction")? {
        "milter" => Side::Mta,
        "mta" => Side::Filter,
        other => return Err(format!("`{other}` is not a direction: milter or mta")),
    };
    let class = match word("class")? {
        "valid" => Class::Valid,
        "tolerated" => Class::Tolerated,
        "invalid" => Class::Invalid,
        "unsupported" => Class::Unsupported,
        "sequence" => Class::Sequence,
        "prefix" => Class::Prefix,
        other => return Err(format!("`{other}` is not a class")),
    };
    let frames: Vec<_> = word("bytes")?.split(" / ").map(hex).collect::<Result<_, _>>()?;
    if frames.len() > 1 && class != Class::Sequence {
        return Err("several frames in what is not a sequence".into());
    }
    Ok(Example { statement, sender, class, frames, line })
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for word in text.split(' ') {
        for pair in word.as_bytes().chunks(2) {
            let value =
                pair.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?));
            match value.and_then(|value| u8::try_from(value).ok()) {
                Some(byte) if pair.len() == 2 => bytes.push(byte),
                _ => return Err(format!("`{word}` is not whole bytes in hex")),
            }
        }
    }
    Ok(bytes)
}
