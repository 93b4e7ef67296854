//! People to send to by name: what a name looks like, and who is meant by one. Pure.
//!
//! A name begins with a letter and a number has none, so that no text can be both. Names are compared as people read
//! them: without case, and whatever spaces stand around them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::nearest::nearest;
use crate::number;

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

/// Characters of a name.
const MAX_NAME: usize = 64;

/// Whether a text can be the name of a contact; see [`EXPECTED_NAME`]. Letters are those of any script.
pub fn is_name(text: &str) -> bool {
    // Some scripts write a letter as several characters, the others of which are marks.
    static NAME: LazyLock<Result<Regex, regex::Error>> =
        LazyLock::new(|| Regex::new(r"^\p{L}[\p{L}\p{M}\p{N} ._'-]*$"));
    let is_long = text.chars().nth(MAX_NAME).is_some();
    !is_long && !text.ends_with(' ') && NAME.as_ref().is_ok_and(|name| name.is_match(text))
}

/// What all spellings of one name have in common.
pub fn key(name: &str) -> String {
    // Some letters have a capital and no small one of their own, and the other way round.
    let folded = name.to_uppercase().to_lowercase();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All contacts, to be found by any spelling of their names, and by their numbers.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    by_key: BTreeMap<String, Contact>,
    /// The name a number stands for.
    by_number: BTreeMap<String, String>,
    default_country: String,
}

impl Contacts {
    /// The contacts of a configuration, whose names differ; `default_country` is put before senders' numbers without a
    /// country code.
    pub fn new(contacts: &[Contact], default_country: &str) -> Contacts {
        let by_key = contacts.iter().map(|contact| (key(&contact.name), contact.clone())).collect();
        // Of several the one with the fewest numbers: a person rather than a group with that person in it.
        let mut few_first: Vec<&Contact> = contacts.iter().collect();
        few_first.sort_by_key(|contact| contact.numbers.len());
        let mut by_number = BTreeMap::new();
        for Contact { name, numbers } in few_first {
            for number in numbers {
                by_number.entry(number.clone()).or_insert_with(|| name.clone());
            }
        }
        Contacts { by_key, by_number, default_country: default_country.to_owned() }
    }

    /// The contact of that name.
    pub fn named(&self, written: &str) -> Option<&Contact> {
        if self.is_empty() { None } else { self.by_key.get(&key(written)) }
    }

    /// The name that a text was probably meant to be.
    pub fn nearest(&self, written: &str) -> Option<&str> {
        let near = nearest(&key(written), self.by_key.keys().map(String::as_str))?;
        self.by_key.get(near).map(|contact| contact.name.as_str())
    }

    /// The name of the contact a sender or caller is, by number and type of number.
    pub fn name_of_sender(&self, from: &str, from_type: &str) -> Option<&str> {
        let number = number::of_sender(from, from_type, &self.default_country)?;
        self.by_number.get(&number).map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
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

    #[test]
    fn a_sender_is_known_by_number_and_never_by_what_only_looks_like_one() {
        let contact = |name: &str, numbers: &[&str]| Contact {
            name: name.to_owned(),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
        };
        let (anna, bob) = ("+491511234567", "+491701234567");
        let contacts = [contact("All", &[anna, bob]), contact("Anna", &[anna]), contact("Sister", &[anna])];
        let contacts = Contacts::new(&contacts, "49");
        for (from, from_type, expected) in [
            (anna, "international", Some("Anna")),
            ("01511234567", "unknown", Some("Anna")),
            ("1511234567", "national", Some("Anna")),
            (bob, "international", Some("All")),
            ("+491701234568", "international", None),
            (anna, "alphanumeric", None),
            ("Anna", "alphanumeric", None),
            ("", "unknown", None),
        ] {
            assert_eq!(contacts.name_of_sender(from, from_type), expected, "{from} {from_type}");
        }
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
