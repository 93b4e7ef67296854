//! Text that others wrote (senders, modems, brokers, programs) made fit for people's eyes and terminals.
//!
//! Pure. A terminal obeys control characters, and people believe what they see: a line break in a sender's name would
//! make a line of its own, and a change of direction another number. Ordinary writing stays as it is, emoji and their
//! joiners included.

use std::fmt::Write as _;

/// Whether a character is obeyed instead of shown, or is there and cannot be seen. The joiners of emoji and of Persian
/// and Indian words, and the tags of flags, are not: without them the text would read differently.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        )
}

/// A field of a line: what is hidden is written as Rust would (`\n`, `\u{202e}`), and so is a backslash, so that nobody
/// can write an escape that is none.
pub fn field(text: &str) -> String {
    escaped(text, |character| match character {
        '\\' | '\n' | '\r' | '\t' => Some(character.escape_default().to_string()),
        _ => None,
    })
}

/// Whole lines of our own, in which fields are escaped already: whatever is still hidden there, but line breaks.
pub fn lines(text: &str) -> String {
    escaped(text, |character| (character == '\n').then(|| "\n".to_owned()))
}

/// A text with `special` in the place of some characters, and what else is hidden as Rust would write it.
fn escaped(text: &str, special: impl Fn(char) -> Option<String>) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match special(character) {
            Some(instead) => shown.push_str(&instead),
            None if is_hidden(character) => shown.extend(character.escape_unicode()),
            None => shown.push(character),
        }
    }
    shown
}

/// A text as a string of TOML, in quotes, with what is hidden written `\uXXXX`.
pub fn toml(text: &str) -> String {
    let inner = escaped(text, |character| match character {
        '"' | '\\' => Some(format!("\\{character}")),
        // None of them needs more than four digits.
        hidden if is_hidden(hidden) => Some(format!("\\u{:04x}", u32::from(hidden))),
        _ => None,
    });
    format!("\"{inner}\"")
}

/// A JSON text on one line that is the same JSON: what is hidden in its strings is written `\uXXXX`. Line breaks and
/// tabs can only stand between its parts, where a space means the same.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            hidden if is_hidden(hidden) => {
                // Cannot fail: a `String` takes it. None of them needs two units.
                let _ = write!(shown, "\\u{:04x}", u32::from(hidden));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (text, expect) in [
            ("Bank\n+4911", "Bank\\n+4911"),
            ("\x1b]0;owned\x07", "\\u{1b}]0;owned\\u{7}"),
            ("\u{9b}2J\0\x08\x7f", "\\u{9b}2J\\u{0}\\u{8}\\u{7f}"),
            ("+49\u{202e}0051", "+49\\u{202e}0051"),
            ("a\u{2066}b\u{200f}c\u{2028}d\u{feff}", "a\\u{2066}b\\u{200f}c\\u{2028}d\\u{feff}"),
            ("an escape: \\n", "an escape: \\\\n"),
        ] {
            assert_eq!(field(text), expect);
        }
    }

    #[test]
    fn a_string_of_toml_shows_what_is_hidden_and_is_the_same_text() {
        for text in ["", "a \"b\" \\ 'c'", "\u{1b}[2J\n\t\0\u{7f}", "\u{202e}\u{feff}ä👩\u{200d}👧"] {
            let written = toml(text);
            assert!(!written.chars().any(is_hidden), "{written:?}");
            let table: ::toml::Table = format!("key = {written}").parse().unwrap();
            assert_eq!(table["key"].as_str(), Some(text), "{written}");
        }
    }

    #[test]
    fn ordinary_writing_stays_as_it_is() {
        let flag = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in [
            "Счёт 12345",
            "您的验证码",
            "تم استلام",
            "می\u{200c}خواهم",
            "👩\u{200d}👧 👋🏽 ❤\u{fe0f}",
            "naïve",
            flag,
        ] {
            assert_eq!(field(text), text);
            assert_eq!(lines(text), text);
            assert_eq!(json(text), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_nothing_is_confused(text in "(?s).{0,40}", other in "(?s).{0,40}") {
            prop_assert!(!field(&text).chars().any(is_hidden));
            prop_assert!(!lines(&text).chars().any(|c| c != '\n' && is_hidden(c)));
            prop_assert_eq!(field(&text) == field(&other), text == other);
        }

        #[test]
        fn json_stays_the_same_json(text in "(?s).{0,40}") {
            let plain = serde_json::to_string(&text).unwrap();
            let shown = json(&plain);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
