//! The file's text as TOML: its tables, where each key stands, and what is wrong with its syntax, in words.
//!
//! Pure. No words show what stands there: it may be a secret.

use std::collections::BTreeMap;

use toml::Table;
use toml::de::{DeTable, DeValue as Parsed, Error};

use super::mistake::{At, Mistake, shown};

/// A parsed file.
pub(super) struct Document<'a> {
    text: &'a str,
    /// Its tables; values with wrong syntax are left out.
    pub(super) tables: Table,
    /// Offsets of each key and of its value.
    places: BTreeMap<String, (usize, usize)>,
    /// What is wrong with the syntax: offset and words.
    pub(super) syntax: Vec<(usize, String)>,
    /// Whether the tables are as they were meant, but for values that are left out.
    pub(super) is_whole: bool,
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str) -> Document<'a> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document = Document {
            text,
            tables: Table::new(),
            places: BTreeMap::new(),
            syntax: Vec::new(),
            is_whole: errors.iter().all(is_of_a_value),
        };
        document.place_table("", table.get_ref());
        let mut lines = Vec::new();
        for error in &errors {
            let offset = error.span().map_or(0, |span| span.start);
            let line = line_of(text, offset).0;
            // One mistake can confuse the rest of its line.
            if !lines.contains(&line) {
                lines.push(line);
                document.syntax.push((offset, in_words(text, offset, error)));
            }
        }
        let bad: Vec<usize> = errors.iter().filter_map(|error| Some(error.span()?.start)).collect();
        document.tables = tables(table.get_ref(), &bad);
        document
    }

    fn place_table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match path {
                "" => key.get_ref().to_string(),
                path => format!("{path}.{}", key.get_ref()),
            };
            self.places.insert(path.clone(), (key.span().start, value.span().start));
            self.place_value(&path, value.get_ref());
        }
    }

    fn place_value(&mut self, path: &str, value: &Parsed<'_>) {
        match value {
            Parsed::Table(table) => {
                self.place_table(path, table);
                // One that should stand in two brackets is read as the first of several.
                if !path.contains(['.', '[']) {
                    self.place_table(&format!("{path}[0]"), table);
                }
            }
            Parsed::Array(values) => {
                // And the other way round.
                if let Some(Parsed::Table(table)) = values.first().map(|value| value.get_ref()) {
                    self.place_table(path, table);
                }
                for (n, value) in values.iter().enumerate() {
                    let path = format!("{path}[{n}]");
                    self.places.insert(path.clone(), (value.span().start, value.span().start));
                    self.place_value(&path, value.get_ref());
                }
            }
            _ => {}
        }
    }

    /// The offset of a mistake: its own, or that of the table it would stand in.
    pub(super) fn offset(&self, mistake: &Mistake) -> Option<usize> {
        let mut path = mistake.path.as_str();
        loop {
            if let Some((key, value)) = self.places.get(path) {
                // What is missing is missing in a table, which begins at its header.
                let is_itself = path == mistake.path;
                return Some(if is_itself && mistake.at == At::Value { *value } else { *key });
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// A mistake with its line and column.
    pub(super) fn with_place(&self, offset: usize, words: &str) -> String {
        let (line, column) = line_of(self.text, offset);
        format!("line {line}, column {column}: {words}")
    }

    /// The words of a mistake with its key.
    pub(super) fn with_key(mistake: &Mistake) -> String {
        format!("{}: {}", shown(&mistake.path), mistake.words)
    }
}

fn tables(table: &DeTable<'_>, bad: &[usize]) -> Table {
    let is_good = |value: &toml::Spanned<Parsed<'_>>| {
        let span = value.span();
        matches!(value.get_ref(), Parsed::Table(_))
            || !bad.iter().any(|at| (span.start..=span.end).contains(at))
    };
    let entries = table.iter().filter(|(_, value)| is_good(value));
    entries
        .filter_map(|(key, value)| Some((key.get_ref().to_string(), self::value(value.get_ref(), bad)?)))
        .collect()
}

fn value(value: &Parsed<'_>, bad: &[usize]) -> Option<toml::Value> {
    Some(match value {
        Parsed::String(text) => text.to_string().into(),
        Parsed::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX).into()
        }
        Parsed::Float(number) => number.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        Parsed::Boolean(flag) => (*flag).into(),
        Parsed::Datetime(time) => (*time).into(),
        Parsed::Array(values) => {
            let values: Option<Vec<_>> =
                values.iter().map(|value| self::value(value.get_ref(), bad)).collect();
            values?.into()
        }
        Parsed::Table(table) => tables(table, bad).into(),
    })
}

/// Line and column, from 1.
fn line_of(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// Whether only a value is wrong, so that everything else is as it was meant.
fn is_of_a_value(error: &Error) -> bool {
    let messages = [
        "unexpected leading zero",
        "string values must be quoted",
        "invalid boolean",
        "invalid float",
        "invalid integer",
    ];
    messages.iter().any(|message| error.message().contains(message))
}

/// What people get wrong most, in our words; the parser's otherwise.
fn in_words(text: &str, offset: usize, error: &Error) -> String {
    const KNOWN: [(&str, &str); 16] = [
        (
            "unexpected leading zero",
            "a number cannot begin with 0: a text of digits, such as a PIN, stands in quotes",
        ),
        ("string values must be quoted", "a text stands in quotes: write \"…\""),
        ("invalid boolean", "expected true or false in small letters, or a text in quotes"),
        ("invalid float", "this is no number; a text stands in quotes"),
        ("invalid integer", "this is no number; a text stands in quotes"),
        ("key with no value", "expected KEY = VALUE"),
        ("unclosed table", "a ] is missing behind the table's name"),
        ("unclosed array", "a ] is missing at the end of the list"),
        ("unclosed inline table", "a } is missing"),
        ("invalid basic string", "a \" is missing at the end of the text"),
        ("invalid literal string", "a ' is missing at the end of the text"),
        ("unexpected key or value", "one KEY = VALUE a line: something follows after the value"),
        (
            "unicode value digits",
            "\\u and \\U are escapes: write \\\\ for a backslash, or '…' for the whole text",
        ),
        ("escape", "there is no such escape: write \\\\ for a backslash, or '…' for the whole text"),
        ("invalid unquoted key", "a key is made of a-z, 0-9, _ and -"),
        ("invalid key-value pair", "expected KEY = VALUE, or [TABLE]"),
    ];
    if error.message().contains("duplicate key") {
        return twice(text, offset);
    }
    let known = KNOWN.iter().find(|(message, _)| error.message().contains(message));
    match known {
        Some((_, words)) => (*words).to_owned(),
        None => format!("this is no TOML: {}", error.message()),
    }
}

/// A key or a table stands twice.
fn twice(text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    let name: String = text
        .get(offset..)
        .unwrap_or_default()
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_-".contains(*c))
        .collect();
    match (line.trim(), super::keys::table(&name)) {
        ("[" | "[[", Some(table)) if table.is_several => {
            format!("{0} stands there as [{name}] too: write {0} each time", table.header())
        }
        ("[" | "[[", Some(table)) => format!("{} stands there twice: put its keys together", table.header()),
        ("[" | "[[", None) => "this table stands there twice".to_owned(),
        _ => "this key stands there twice: leave one of them".to_owned(),
    }
}
