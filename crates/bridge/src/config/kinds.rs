//! What kinds of values keys have, and the words for a value of another one. No words show the value: it may be a
//! secret.

use toml::Value as Toml;

/// What a key's value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text, such as this one.
    Text(&'static str),
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// Texts in square brackets, such as this one.
    Texts(&'static str),
    /// A text, such as this one, or several in square brackets.
    TextOrTexts(&'static str),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// Whether several values can stand there, which no environment variable can give.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Kind::Texts(_))
    }

    /// In words why a value is none; nothing where it is one.
    pub(super) fn mistake(self, value: &Toml) -> Option<String> {
        let is_text = value.is_str();
        let are_texts = || value.as_array().is_some_and(|values| values.iter().all(Toml::is_str));
        let fits = match self {
            Kind::Text(_) => is_text,
            Kind::Flag => value.is_bool(),
            Kind::Whole(min, max) => {
                value.as_integer().is_some_and(|number| (i64::from(min)..=i64::from(max)).contains(&number))
            }
            Kind::Texts(_) => are_texts(),
            Kind::TextOrTexts(_) => is_text || are_texts(),
            Kind::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        };
        (!fits).then(|| match (self, value) {
            // What came is of the right kind, and saying so would explain nothing.
            (Kind::Whole(..), Toml::Integer(_)) | (Kind::OneOf(_), Toml::String(_)) => self.expected(),
            (Kind::Texts(_) | Kind::TextOrTexts(_), Toml::Array(values)) => {
                let other = values.iter().find(|value| !value.is_str()).map_or("a list", kind);
                format!("{}; {other} is among them", self.expected())
            }
            (Kind::Whole(..) | Kind::Flag, Toml::String(_)) => {
                format!("{} without quotes, not a text", self.expected())
            }
            _ => format!("{}, not {}", self.expected(), kind(value)),
        })
    }

    /// What is expected.
    fn expected(self) -> String {
        match self {
            Kind::Text(example) => format!("expected a text in quotes, such as {example:?}"),
            Kind::Flag => "expected true or false".to_owned(),
            Kind::Whole(min, max) => format!("expected a whole number from {min} to {max}"),
            Kind::Texts(example) => format!("expected texts in square brackets, such as [{example:?}]"),
            Kind::TextOrTexts(example) => {
                format!("expected a text in quotes, such as {example:?}, or several in square brackets")
            }
            Kind::OneOf(words) => format!("expected {}", one_of(words)),
        }
    }

    /// The value that a variable's text gives: a text as it is, which a password of digits must stay.
    pub(super) fn read_variable(self, text: &str) -> Result<Toml, String> {
        let value = match (self, text.trim()) {
            (Kind::Flag, "true") => true.into(),
            (Kind::Flag, "false") => false.into(),
            (Kind::Whole(..), number) => match number.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => return Err(self.expected()),
            },
            (Kind::Flag, _) => return Err(self.expected()),
            _ => text.into(),
        };
        self.mistake(&value).map_or(Ok(value), Err)
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// What a value is.
pub(super) fn kind(value: &Toml) -> &'static str {
    match value {
        Toml::String(_) => "a text",
        Toml::Integer(_) => "a number",
        Toml::Float(_) => "a number with a fraction",
        Toml::Boolean(_) => "true or false",
        Toml::Datetime(_) => "a date",
        Toml::Array(_) => "a list",
        Toml::Table(_) => "a table",
    }
}
