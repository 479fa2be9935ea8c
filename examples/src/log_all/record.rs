//! An event as a line of text or of JSON.

use std::fmt::{self, Display};

use milter_proto::{Arguments, Context};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::octets::Octets;

/// An event, with what is known beside it.
pub(super) struct Record<'a> {
    event: &'static str,
    connection: u64,
    message: u64,
    macros: Macros<'a>,
    fields: Vec<(&'static str, Value<'a>)>,
}

/// What a field is.
pub(super) enum Value<'a> {
    Octets(&'a [u8]),
    Arguments(Arguments<'a>),
    Number(usize),
}

impl<'a> Record<'a> {
    pub(super) fn new(
        cx: &'a Context,
        event: &'static str,
        fields: impl IntoIterator<Item = (&'static str, Value<'a>)>,
    ) -> Self {
        Self {
            event,
            connection: cx.connection_id(),
            message: cx.message_number(),
            macros: Macros::of(cx),
            fields: fields.into_iter().collect(),
        }
    }

    /// A JSON object and a line end.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Neither writing to a vector nor a key that is a string can fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// `connection 1 message 2: mail sender="<a@b>" … macros={j="mta.example" …}` and a line end.
    pub(super) fn to_text(&self) -> Vec<u8> {
        format!("{self}\n").into_bytes()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", self.event)?;
        map.serialize_entry("connection", &self.connection)?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("macros", &self.macros)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.connection)?;
        if self.message > 0 {
            write!(f, " message {}", self.message)?;
        }
        write!(f, ": {}", self.event)?;
        for (name, value) in &self.fields {
            write!(f, " {name}={value}")?;
        }
        write!(f, "{}", self.macros)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Octets(octets) => Octets(octets).serialize(serializer),
            Value::Arguments(arguments) => {
                serializer.collect_seq(arguments.iter().map(|argument| Octets(argument.raw().as_bytes())))
            }
            Value::Number(number) => number.serialize(serializer),
        }
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Octets(octets) => Octets(octets).fmt(f),
            Value::Arguments(arguments) => {
                let arguments =
                    arguments.iter().map(|argument| Octets(argument.raw().as_bytes()).to_string());
                write!(f, "[{}]", arguments.collect::<Vec<_>>().join(", "))
            }
            Value::Number(number) => number.fmt(f),
        }
    }
}

/// The macros that are known, each with the value that counts.
struct Macros<'a>(Vec<(String, Octets<'a>)>);

impl<'a> Macros<'a> {
    fn of(cx: &'a Context) -> Self {
        let mut macros: Vec<(String, Octets<'a>)> = Vec::new();
        for (name, value) in cx.macros.iter() {
            let name = name.to_string_lossy();
            if macros.iter().all(|(known, _)| *known != name) {
                macros.push((name.into_owned(), Octets(value.as_bytes())));
            }
        }
        Self(macros)
    }
}

impl Serialize for Macros<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Display for Macros<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let macros = self.0.iter().map(|(name, value)| format!("{}={value}", name.escape_debug()));
        write!(f, " macros={{{}}}", macros.collect::<Vec<_>>().join(" "))
    }
}
