//! The options found in a file, and the account of them: each is taken over, or it is left with a reason.

use std::collections::{BTreeMap, BTreeSet};

/// One option as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its line, from 1.
    pub(super) line: usize,
    /// How many headers of sections stand before it: a section may begin several times.
    pub(super) block: usize,
    /// The section it stands in; empty before the first, and where a format has none.
    pub(super) section: String,
    /// As written; compared without case.
    pub(super) key: String,
    /// Without the space around it.
    pub(super) value: String,
}

impl Entry {
    /// The value as it was meant: without quotes around it and a comment behind it.
    pub(super) fn word(&self) -> &str {
        let value = self.value.trim();
        for quote in ['"', '\''] {
            if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
                return inner;
            }
        }
        let end = [" #", "\t#", " ;", "\t;"].iter().filter_map(|mark| value.find(mark)).min();
        value[..end.unwrap_or(value.len())].trim_end()
    }

    /// Whether its value is better not shown a second time.
    pub(super) fn is_secret(&self) -> bool {
        let key = self.key.to_ascii_lowercase();
        (key.contains("password") && !key.ends_with("prompt"))
            || ["pin", "phonecode", "networkcode"].contains(&&*key)
            || self.value.to_ascii_uppercase().contains("CPIN")
    }
}

/// A line of a file that is no option, and no comment either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    /// Its line, from 1.
    pub(super) line: usize,
    /// What stands there.
    pub(super) text: String,
}

/// All options of a file.
#[derive(Debug, Default)]
pub(super) struct Options {
    entries: Vec<Entry>,
    /// Of each section and key, in small letters, the option that counts.
    counts: BTreeMap<(String, String), usize>,
    /// Lines of those that were taken over, or of which all is said.
    done: BTreeSet<usize>,
}

impl Options {
    /// Of a section that begins twice the first one counts, and in it the last line of a key: gammu-smsd and SMS Server
    /// Tools read it so, and Docker the last of all.
    pub(super) fn new(entries: Vec<Entry>) -> Options {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for (n, entry) in entries.iter().enumerate() {
            let first = counts.entry(name_of(&entry.section, &entry.key)).or_insert(n);
            if entries[*first].block == entry.block {
                *first = n;
            }
        }
        Options { entries, counts, done: BTreeSet::new() }
    }

    /// The names of its sections, in order.
    pub(super) fn sections(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.entries
            .iter()
            .map(|entry| entry.section.clone())
            .filter(|name| seen.insert(name.clone()))
            .collect()
    }

    /// The option that counts; it is done with this.
    pub(super) fn take(&mut self, section: &str, key: &str) -> Option<Entry> {
        let entry = self.entries[*self.counts.get(&name_of(section, key))?].clone();
        self.done.insert(entry.line);
        Some(entry)
    }

    /// Every option of a section, in order; all are done with this.
    pub(super) fn take_all(&mut self, section: &str) -> Vec<Entry> {
        let all: Vec<Entry> = self.entries.iter().filter(|entry| entry.section == section).cloned().collect();
        self.done.extend(all.iter().map(|entry| entry.line));
        all
    }

    /// What is not done, each with the line of the same option that was taken instead, if there is one.
    pub(super) fn rest(&self) -> Vec<(Entry, Option<usize>)> {
        let rest = self.entries.iter().filter(|entry| !self.done.contains(&entry.line));
        rest.map(|entry| {
            let counts = self.counts.get(&name_of(&entry.section, &entry.key));
            let line = counts.map(|n| self.entries[*n].line).filter(|line| self.done.contains(line));
            (entry.clone(), line)
        })
        .collect()
    }
}

fn name_of(section: &str, key: &str) -> (String, String) {
    (section.to_owned(), key.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: usize, block: usize, value: &str) -> Entry {
        Entry { line, block, section: "smsd".to_owned(), key: "PIN".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn the_last_line_of_the_first_section_counts_and_the_others_are_told_apart() {
        let mut options = Options::new(vec![entry(1, 1, "a"), entry(2, 1, "b"), entry(5, 2, "c")]);
        assert_eq!(options.take("smsd", "pin").map(|entry| entry.value), Some("b".to_owned()));
        let rest: Vec<_> = options.rest().into_iter().map(|(entry, counts)| (entry.line, counts)).collect();
        assert_eq!(rest, [(1, Some(2)), (5, Some(2))]);
    }

    #[test]
    fn a_word_has_no_quotes_and_no_comment() {
        for (value, word) in [
            ("\"1234\"", "1234"),
            ("'1234' # the SIM", "1234"),
            ("/dev/ttyUSB0 # modem", "/dev/ttyUSB0"),
            ("yes\t; always", "yes"),
            ("*100#", "*100#"),
            ("\"", "\""),
            ("#", "#"),
        ] {
            assert_eq!(entry(1, 1, value).word(), word, "{value}");
        }
    }
}
