//! Reads a payload's JSON object field by field, and says in words what is wrong with it.
//!
//! Pure. Owns the words for a JSON that cannot be read and for a field of another type or range; which fields there are
//! is `request.rs`'s matter. Input: payloads as the broker delivers them.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use crate::nearest::nearest;

/// Characters of a value that a mistake shows.
const MAX_SHOWN: usize = 40;

/// What is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The field it is about as the caller wrote it, with the number of the element where it is about one.
    written: String,
    /// Whether that is the name of a field there is, or nothing at all.
    is_known: bool,
    /// What was expected: our own words, nothing of the payload.
    expected: String,
    /// What came.
    came: Option<String>,
}

impl Mistake {
    /// A mistake of the whole payload.
    fn whole(expected: impl Into<String>) -> Mistake {
        Mistake { written: String::new(), is_known: true, expected: expected.into(), came: None }
    }

    /// A mistake of a field whose value says nothing about it.
    pub fn of(field: &'static str, expected: impl Into<String>) -> Mistake {
        Mistake { written: field.to_owned(), is_known: true, expected: expected.into(), came: None }
    }
}

impl Mistake {
    /// The same without anything of the payload, for the log. A field that is unknown is one nobody knows the name of.
    pub fn own_words(&self) -> String {
        match (self.is_known, self.written.is_empty()) {
            (true, false) => format!("{}: {}", self.written, self.expected),
            (true, true) => self.expected.clone(),
            (false, _) => format!("a field: {}", self.expected),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.written.is_empty() {
            write!(f, "{}: ", self.written)?;
        }
        f.write_str(&self.expected)?;
        self.came.iter().try_for_each(|came| write!(f, ", not {came}"))
    }
}

/// The members of a JSON object in the order they stand there, to be taken one by one.
#[derive(Debug, Default)]
pub struct Fields {
    members: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

/// A field that stands there: under which of its names, and its value.
pub struct Field {
    name: &'static str,
    written: String,
    value: Value,
}

impl Fields {
    /// Reads a payload that is to be one JSON object, such as `example`.
    pub fn read(payload: &[u8], example: &str) -> Result<Fields, Mistake> {
        let text = std::str::from_utf8(payload).map_err(|error| {
            Mistake::whole(format!(
                "not UTF-8 (octet {}); expected JSON such as {example}",
                error.valid_up_to() + 1
            ))
        })?;
        let begin = text.trim_start();
        if begin.is_empty() {
            return Err(Mistake::whole(format!("the payload is empty; expected JSON such as {example}")));
        }
        if !begin.starts_with('{') {
            return Err(Mistake::whole(match serde_json::from_str::<Value>(text) {
                Ok(value) => {
                    format!("not a JSON object but {}; expected JSON such as {example}", kind(&value))
                }
                Err(error) if begin.starts_with(['[', '"']) => broken(&error),
                Err(_) if begin.starts_with('\u{feff}') => {
                    "not JSON: a byte order mark stands before it; leave that out".to_owned()
                }
                Err(_) => format!("not JSON but a plain text; expected JSON such as {example}"),
            }));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let members = reader.deserialize_map(Members).and_then(|members| reader.end().map(|()| members));
        let members = members.map_err(|error| Mistake::whole(broken(&error)))?;
        Ok(Fields { members, known: Vec::new() })
    }

    /// The text of a member, whether it is legal or not.
    pub fn peek(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name)?.as_str())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Takes a field that may have several names; none where it is missing or `null`.
    ///
    /// # Errors
    /// It stands there more than once.
    pub fn take(&mut self, names: &[&'static str]) -> Result<Option<Field>, Mistake> {
        self.known.extend(names);
        let Some(&name) = names.first() else { return Ok(None) };
        let is_it = |(member, _): &(String, Value)| names.contains(&member.as_str());
        let (found, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.members).into_iter().partition(is_it);
        self.members = others;
        let mut found = found.into_iter().filter(|(_, value)| !value.is_null());
        let first = found.next().map(|(written, value)| Field { name, written, value });
        match (&first, found.next()) {
            (Some(first), Some((second, _))) if first.written == second => {
                Err(Mistake::of(name, "it stands there twice: give it once"))
            }
            (Some(first), Some((second, _))) => {
                let both = format!("`{}` and `{second}` mean the same: give one of them", first.written);
                Err(Mistake::of(name, both))
            }
            _ => Ok(first),
        }
    }

    /// Takes true or false.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Mistake> {
        let read = |field: Field| field.value.as_bool().ok_or_else(|| field.expected("true or false"));
        self.take(&[name])?.map(read).transpose()
    }

    /// Takes a whole number of this range.
    pub fn whole<T>(&mut self, name: &'static str, range: RangeInclusive<T>) -> Result<Option<T>, Mistake>
    where
        T: TryFrom<u64> + PartialOrd + fmt::Display,
    {
        let read = |field: Field| {
            let number = field.value.as_u64().and_then(|number| T::try_from(number).ok());
            number.filter(|number| range.contains(number)).ok_or_else(|| {
                field.expected(&format!("a whole number from {} to {}", range.start(), range.end()))
            })
        };
        self.take(&[name])?.map(read).transpose()
    }

    /// Takes a text that `read` can make something of; `expected` says what it makes something of.
    pub fn parsed<T>(
        &mut self,
        names: &[&'static str],
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let parse =
            |field: Field| field.value.as_str().and_then(read).ok_or_else(|| field.expected(expected));
        self.take(names)?.map(parse).transpose()
    }

    /// An error if anything is left: a field nobody knows must not be left out in silence.
    pub fn finish(self) -> Result<(), Mistake> {
        let Some((unknown, _)) = self.members.into_iter().next() else { return Ok(()) };
        let expected = match nearest(&unknown, self.known.iter().copied()) {
            Some(near) => format!("there is no such field; did you mean `{near}`?"),
            None => format!("there is no such field; there are {}", self.known.join(", ")),
        };
        let written = shortened(&unknown);
        Err(Mistake { written, is_known: false, expected, came: None })
    }
}

impl Field {
    /// Its value as a text or as an array of texts, each of them.
    pub fn into_texts(self, expected: &str) -> Result<Vec<String>, Mistake> {
        match self.value {
            Value::String(text) => Ok(vec![text]),
            Value::Array(ref values) if !values.is_empty() => {
                let read = |(at, value): (usize, &Value)| match value {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(Mistake {
                        written: format!("{}[{at}]", self.written),
                        came: Some(shown(other)),
                        ..Mistake::of(self.name, expected)
                    }),
                };
                values.iter().enumerate().map(read).collect()
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// It is not what was expected.
    pub fn expected(&self, expected: &str) -> Mistake {
        Mistake {
            written: self.written.clone(),
            came: Some(shown(&self.value)),
            ..Mistake::of(self.name, expected)
        }
    }
}

/// Collects the members of an object, those that stand twice too.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Where the JSON is broken, and how.
fn broken(error: &serde_json::Error) -> String {
    // A line break counts as what stands before the next line.
    let place = match (error.line(), error.column()) {
        (line, 0) => format!("the end of line {}", line.saturating_sub(1)),
        (line, column) => format!("line {line}, column {column}"),
    };
    if error.classify() == Category::Eof {
        return format!("not JSON: it ends too early, at {place}: a quote or a bracket is not closed");
    }
    // What people get wrong most. The library's own sentences are for programmers.
    const KNOWN: [(&str, &str); 8] = [
        ("control character", r"a line break stands inside a text: write \n for it"),
        ("trailing comma", "there is a comma too many"),
        ("key must be a string", "a field's name stands in double quotes"),
        ("trailing characters", "something follows after the end"),
        ("number", "this number cannot be"),
        ("escape", "there is no such escape; a backslash itself is written twice"),
        ("surrogate", "half a character: \\uD800 to \\uDFFF come in pairs"),
        ("recursion", "it is nested too deeply"),
    ];
    let said = error.to_string();
    let known = KNOWN.iter().find(|(word, _)| said.contains(word)).map(|(_, words)| *words);
    format!(
        "not JSON: a mistake at {place}: {}",
        known.unwrap_or("a quote, comma, colon or bracket is missing or wrong")
    )
}

/// What a value is.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text in quotes",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value as JSON, of which a long one is cut.
fn shown(value: &Value) -> String {
    // A long text need not be written whole to be cut.
    match value {
        Value::String(text) if text.chars().nth(MAX_SHOWN).is_some() => {
            shortened(&Value::String(text.chars().take(MAX_SHOWN + 1).collect()).to_string())
        }
        Value::Array(values) if !values.is_empty() => kind(value).to_owned(),
        Value::Object(members) if !members.is_empty() => kind(value).to_owned(),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
