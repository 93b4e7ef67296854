//! People to send to by name: what a name looks like, and who is meant by one. Pure.
//!
//! A name begins with a letter and a number has none, so that no text can be both. Names are compared as people read
//! them: without case, and whatever spaces stand around them.

use std::sync::LazyLock;

use regex::Regex;

/// Somebody messages are sent to by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The name as it is configured; see [`is_name`].
    pub name: String,
    /// At least one, each once, as it is dialled: `+` and digits, or a short code.
    pub numbers: Vec<String>,
}

/// What a name of a contact is, for those who wrote something else.
pub const EXPECTED_NAME: &str =
    "a letter first, then letters, digits, spaces and . _ - ', 64 characters at most, no space at the end";

/// Whether a text can be the name of a contact; see [`EXPECTED_NAME`]. Letters are those of any script.
pub fn is_name(text: &str) -> bool {
    // Some scripts write a letter as several characters, the others of which are marks.
    static NAME: LazyLock<Result<Regex, regex::Error>> =
        LazyLock::new(|| Regex::new(r"^\p{L}(?:[\p{L}\p{M}\p{N} ._'-]{0,62}[\p{L}\p{M}\p{N}._'-])?$"));
    NAME.as_ref().is_ok_and(|name| name.is_match(text))
}

/// What all spellings of one name have in common.
pub fn key(name: &str) -> String {
    // Some letters have a capital and no small one of their own, and the other way round.
    let folded = name.to_uppercase().to_lowercase();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::{dialled, normalise};

    #[test]
    fn a_name_begins_with_a_letter_of_any_script() {
        let longest = "x".repeat(64);
        for name in [
            "Anna",
            "a",
            "Jean-Luc",
            "O'Brien",
            "Dr. Who_2",
            "Über",
            "Ольга",
            "陳大文",
            "अश्विनी",
            "محمد",
            &longest,
        ] {
            assert!(is_name(name), "{name:?} was not taken for a name");
        }
        let too_long = "x".repeat(65);
        for text in [
            "",
            " ",
            "4711",
            "+49 Anna",
            "1a",
            ".a",
            "-a",
            "'a",
            "_a",
            " Anna",
            "Anna ",
            "a@b",
            "a/b",
            "a\nb",
            "Anna\n",
            "a\u{202e}b",
            "a\u{a0}b",
            "a,b",
            "a;b",
            "(a)",
            "a\"b",
            "\u{301}a",
            "٣a",
            &too_long,
        ] {
            assert!(!is_name(text), "{text:?} was taken for a name");
        }
    }

    #[test]
    fn one_name_has_one_key_however_it_is_written() {
        for (one, other) in [
            ("Anna", " ANNA\t"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("Anna  Meier", "anna meier"),
            ("İnci", "i̇nci"),
        ] {
            assert_eq!(key(one), key(other), "{one:?} and {other:?}");
        }
        assert_ne!(key("Anna"), key("Anne"));
    }

    proptest! {
        #[test]
        fn no_text_is_both_a_name_and_a_number(
            text in "(\\PC{0,20}|[+0-9a-zA-Z ().'/_-]{0,20}|[0-9+][0-9 ]{3,12})",
            country in "(|49|39|1)",
        ) {
            let is_number = normalise(&text, &country).is_ok() || dialled(&text, &["10086".to_owned()], &country).is_ok();
            prop_assert!(!(is_name(&text) && is_number), "{:?}", text);
            prop_assert!(!is_number || !key(&text).chars().any(char::is_alphabetic), "{:?}", text);
        }

        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,20}") {
            prop_assert_eq!(key(&key(&text)), key(&text));
        }
    }
}
