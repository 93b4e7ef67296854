//! A mistake that the parser found, in words: where it is and which key it is about, never what stands there.
//!
//! The value may be a PIN without quotes, and a secret may stand on the same line.

use std::ops::Range;

use toml::de::Error;

/// Line, column, what is wrong, and the key; `text` is what was parsed.
pub(super) fn in_words(text: &str, error: &Error) -> String {
    let place = error.span().map(|span| format!("TOML parse error at {}: ", place(text, &span)));
    // Without its text the parser names the key instead of showing the line.
    let mut bare = error.clone();
    bare.set_input(None);
    let bare = bare.to_string();
    let key = bare.rsplit_once("\nin `").and_then(|(_, key)| key.trim_end().strip_suffix('`'));
    let key = key.map(|key| format!("{key}: ")).unwrap_or_default();
    with_nearest_key(format!("{}{key}{}", place.unwrap_or_default(), without_value(error.message())))
}

fn place(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {}, column {column}", before.matches('\n').count() + 1)
}

/// `invalid type: integer 7, expected a string` without the 7.
fn without_value(message: &str) -> String {
    let has_value = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    let begin = message.find(['`', '"']).filter(|_| has_value);
    let end = message.rfind(", expected");
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => {
            let (what, expected) = (message.get(..begin), message.get(end..));
            format!("{}{}", what.unwrap_or_default().trim_end(), expected.unwrap_or_default())
        }
        _ => message.to_owned(),
    }
}

/// Adds "did you mean" to an error that lists the known keys after an unknown one.
fn with_nearest_key(message: String) -> String {
    let Some((_, about)) = message.split_once("unknown field ") else { return message };
    let mut quoted = about.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.by_ref().next() else { return message };
    let nearest =
        quoted.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
    match nearest {
        Some(known) => format!("{}\ndid you mean `{known}`?", message.trim_end()),
        None => message,
    }
}
