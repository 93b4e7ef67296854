//! What came out of a foreign configuration: tables of ours, and what is left, each with the line it comes from.

use super::options::{Entry, Odd};
use crate::escape;

/// Longest part of a foreign line that is shown.
const MAX_SHOWN: usize = 80;

/// A configuration of ours that is being made.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What only a person can know: sentences.
    pub(super) fill_in: Vec<String>,
    pub(super) mqtt: Table,
    pub(super) modems: Vec<Table>,
    pub(super) inbound: Table,
    pub(super) outbound: Table,
    pub(super) hooks: Vec<Table>,
    pub(super) left: Vec<Left>,
}

impl Draft {
    /// Leaves an option out.
    pub(super) fn leave(&mut self, entry: &Entry, why: impl Into<String>) {
        self.left.push(Left { origin: Origin::of(entry), why: why.into() });
    }

    /// Leaves out lines that are no options.
    pub(super) fn leave_odd(&mut self, odd: &[Odd]) {
        for Odd { line, text } in odd {
            let origin = Origin { line: *line, words: shown(text) };
            self.left.push(Left { origin, why: "No option: a line of another form.".to_owned() });
        }
    }
}

/// One of our tables.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Sentences above its keys.
    pub(super) notes: Vec<String>,
    pub(super) keys: Vec<Key>,
    /// It is written as a comment.
    pub(super) is_off: bool,
}

impl Table {
    /// Sets a key to what an option says.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Setting>, entry: &Entry) -> &mut Key {
        self.put(name, value.into(), vec![Origin::of(entry)])
    }

    /// Sets a key to what no option says.
    pub(super) fn set_ours(&mut self, name: &'static str, value: impl Into<Setting>) -> &mut Key {
        self.put(name, value.into(), Vec::new())
    }

    fn put(&mut self, name: &'static str, value: Setting, from: Vec<Origin>) -> &mut Key {
        self.keys.push(Key { name, value, from, note: String::new() });
        self.keys.last_mut().expect("it was just put there")
    }

    /// Sets a key that several options may set; false where another one has set it to something else.
    pub(super) fn set_once(&mut self, name: &'static str, value: impl Into<Setting>, entry: &Entry) -> bool {
        let value = value.into();
        match self.key(name) {
            None => {
                self.set(name, value, entry);
                true
            }
            Some(key) if key.value == value => {
                if key.from.iter().all(|origin| origin.line != entry.line) {
                    key.also_from(entry);
                }
                true
            }
            Some(_) => false,
        }
    }

    pub(super) fn key(&mut self, name: &str) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.name == name)
    }

    /// Adds texts to a list, which is begun where it is not there.
    pub(super) fn add(&mut self, name: &'static str, texts: Vec<String>, entry: &Entry) {
        if texts.is_empty() {
            return;
        }
        let key = match self.keys.iter().position(|key| key.name == name) {
            Some(at) => &mut self.keys[at],
            None => self.put(name, Setting::List(Vec::new()), Vec::new()),
        };
        key.from.push(Origin::of(entry));
        if let Setting::List(list) = &mut key.value {
            list.extend(texts);
        }
    }
}

/// A key of ours, with its value and where it comes from.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) value: Setting,
    pub(super) from: Vec<Origin>,
    /// Sentences; empty where there is nothing to say.
    pub(super) note: String,
}

impl Key {
    /// Adds a sentence.
    pub(super) fn note(&mut self, sentence: &str) -> &mut Key {
        if !self.note.is_empty() {
            self.note.push(' ');
        }
        self.note.push_str(sentence);
        self
    }

    /// It comes from this option, too.
    pub(super) fn also_from(&mut self, entry: &Entry) -> &mut Key {
        self.from.push(Origin::of(entry));
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Text(String),
    Number(u32),
    Flag(bool),
    List(Vec<String>),
}

impl From<String> for Setting {
    fn from(text: String) -> Setting {
        Setting::Text(text)
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Setting {
        Setting::Text(text.to_owned())
    }
}

impl From<u32> for Setting {
    fn from(number: u32) -> Setting {
        Setting::Number(number)
    }
}

impl From<bool> for Setting {
    fn from(flag: bool) -> Setting {
        Setting::Flag(flag)
    }
}

impl From<Vec<String>> for Setting {
    fn from(list: Vec<String>) -> Setting {
        Setting::List(list)
    }
}

/// An option that has no counterpart here, or none that could be set.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) origin: Origin,
    /// Why, and what to do: sentences.
    pub(super) why: String,
}

/// A line of the foreign configuration, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) line: usize,
    pub(super) words: String,
}

impl Origin {
    pub(super) fn of(entry: &Entry) -> Origin {
        let words = match entry.is_secret() {
            true => format!("{} = (not shown)", shown(&entry.key)),
            false => shown(&format!("{} = {}", entry.key, entry.value)),
        };
        Origin { line: entry.line, words }
    }
}

/// A foreign text, short enough for a line and without anything that a terminal obeys.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escape::field(&short).trim_end().to_owned()
}
