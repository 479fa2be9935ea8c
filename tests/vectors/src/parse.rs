use crate::{Connection, Event, How, Mark, Packet, ParseError, Session, Side, term};

/// Parses the text of one session file, whose name without its ending is `name`.
///
/// # Errors
///
/// For the first line that is not in the format.
pub fn parse_session(name: &str, text: &str) -> Result<Session, ParseError> {
    let error = |line, message| ParseError { file: format!("{name}.txt"), line, message };
    let mut mta = None;
    let mut description = None;
    let mut breaks_rules = None;
    let mut notes = Vec::new();
    let mut connections: Vec<Connection> = Vec::new();

    for (line, number) in text.lines().zip(1..) {
        let result = if let Some(comment) = line.strip_prefix('#') {
            let (key, value) = comment.trim().split_once(": ").unwrap_or_default();
            match key {
                _ if !connections.is_empty() => Ok(()),
                "mta" => set_once(&mut mta, key, value),
                "description" => set_once(&mut description, key, value),
                "session" => set_once(&mut breaks_rules, key, value),
                "note" => {
                    notes.push(value.to_owned());
                    Ok(())
                }
                _ => Ok(()),
            }
        } else if line.is_empty() {
            Ok(())
        } else if let Some(count) = line.strip_prefix("connection ") {
            connections.push(Connection::default());
            let expected = connections.len().to_string();
            if count == expected { Ok(()) } else { Err(format!("connection {expected} was expected")) }
        } else if let Some(connection) = connections.last_mut() {
            parse_event(line, number).map(|event| connection.events.push(event))
        } else {
            Err("an event before the first connection".into())
        };
        result.map_err(|message| error(number, message))?;
    }

    Ok(Session {
        name: name.to_owned(),
        mta: mta.ok_or_else(|| error(1, "no `# mta: …` line".into()))?,
        description: description.ok_or_else(|| error(1, "no `# description: …` line".into()))?,
        breaks_rules,
        notes,
        connections,
    })
}

/// Parses the line of one event; `number` is the line that a packet will remember.
///
/// # Errors
///
/// With what is wrong, for a line that is not in the format.
pub fn parse_event(line: &str, number: usize) -> Result<Event, String> {
    let (head, rest) = line.split_once(' ').ok_or("neither an event nor a comment")?;
    let side = match head.as_bytes().first() {
        Some(b'M') => Side::Mta,
        Some(b'F') => Side::Filter,
        _ => return Err(format!("`{head}` is not a side: M or F")),
    };
    match (&head[1..], rest) {
        ("", "eof") => return Ok(Event::End { side, how: How::Eof }),
        ("", "reset") => return Ok(Event::End { side, how: How::Reset }),
        ("", "refused") => return Ok(Event::End { side, how: How::Refused }),
        ("", rest) if rest.starts_with("partial ") => {
            let (bytes, comment) = term::parse(&rest["partial ".len()..])?;
            return match comment {
                None => Ok(Event::Partial { side, bytes }),
                Some(_) => Err("a comment without a mark".into()),
            };
        }
        _ => {}
    }

    let (letter, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    let letter = parse_letter(letter).ok_or_else(|| format!("`{letter}` is neither a letter nor an end"))?;
    let (payload, comment) = term::parse(rest)?;
    let mark = match (&head[1..], comment) {
        ("", None) => Mark::Legal,
        ("", Some(_)) => return Err("a comment without a mark".into()),
        (_, None | Some("")) => return Err("a mark without its reason".into()),
        ("!", Some(reason)) => Mark::Illegal(reason.to_owned()),
        ("?", Some(reason)) => {
            let kind = reason.strip_prefix("unsupported: ").ok_or("the reason lacks `unsupported: `")?;
            Mark::Unsupported(kind.to_owned())
        }
        (mark, Some(_)) => return Err(format!("`{mark}` is not a mark: ! or ?")),
    };
    Ok(Event::Packet(Packet { side, letter, payload, mark, line: number }))
}

fn parse_letter(text: &str) -> Option<u8> {
    match *text.as_bytes() {
        [letter] if letter.is_ascii_graphic() && !matches!(letter, b'"' | b'#' | b'\\') => Some(letter),
        [b'\\', ..] => {
            let (letter, rest) = term::unescape(&text[1..]).ok()?;
            rest.is_empty().then_some(letter)
        }
        _ => None,
    }
}

fn set_once(field: &mut Option<String>, key: &str, value: &str) -> Result<(), String> {
    match field.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(format!("a second `# {key}: …` line")),
    }
}
