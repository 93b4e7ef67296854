//! Lists of numbers in files of their own: one a line.

use super::draft::{Draft, Table};
use super::files::Files;
use super::options::Entry;
use super::text::decode;
use crate::number::NumberPattern;

/// Reads the file an option names and adds what `pattern` makes of each line to a list; lines it makes nothing of are
/// told.
pub(super) fn add_file(
    (table, key): (&mut Table, &'static str),
    entry: &Entry,
    draft: &mut Draft,
    files: &dyn Files,
    pattern: impl Fn(&str) -> Line,
) {
    let text = match files.read(entry.word()) {
        Ok(octets) => decode(&octets).text,
        Err(words) => {
            draft.fill_in.push(format!(
                "line {}: the numbers of {}: {words}. They belong into `{key}`.",
                entry.line,
                super::draft::shown(entry.word())
            ));
            return draft
                .leave(entry, format!("The list could not be read: {words}. Put its numbers into `{key}`."));
        }
    };
    let (mut patterns, mut not_taken) = (Vec::new(), Vec::new());
    for (n, line) in text.split('\n').enumerate() {
        match pattern(line.trim()) {
            Line::Pattern(text) => patterns.push(text),
            Line::Nothing => {}
            Line::No => not_taken.push((n + 1).to_string()),
        }
    }
    if !not_taken.is_empty() || patterns.is_empty() {
        let words = match not_taken.is_empty() {
            true => "The list is empty.".to_owned(),
            false => format!(
                "Lines of that file that are not taken over: {}. Look at them yourself.",
                listed(&not_taken)
            ),
        };
        draft.leave(entry, words);
    }
    table.add(key, patterns, entry);
}

/// What a line of a list says.
pub(super) enum Line {
    Pattern(String),
    /// A comment, or empty.
    Nothing,
    /// It has no counterpart.
    No,
}

/// A sender as gammu-smsd compares it: all of it.
pub(super) fn sender(line: &str) -> Line {
    match line {
        "" => Line::Nothing,
        // A pattern here, and none there.
        text if text.ends_with('*') || text.chars().any(char::is_control) => Line::No,
        text => match NumberPattern::of_senders(text) {
            Ok(_) => Line::Pattern(text.to_owned()),
            Err(_) => Line::No,
        },
    }
}

/// A recipient as SMS Server Tools compares it: the beginning of a number without its `+`.
pub(super) fn beginning(line: &str) -> Line {
    let text = line.split('#').next().unwrap_or_default().trim();
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.is_empty() {
        return Line::Nothing;
    }
    let pattern = format!("+{}*", digits.strip_prefix('+').unwrap_or(&digits));
    match NumberPattern::of_numbers(&pattern, "") {
        Ok(found) if found.has_country() => Line::Pattern(pattern),
        _ => Line::No,
    }
}

/// The first of them, and how many there are besides.
fn listed(lines: &[String]) -> String {
    const MAX_LISTED: usize = 10;
    let shown = lines[..lines.len().min(MAX_LISTED)].join(", ");
    match lines.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
