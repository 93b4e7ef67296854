//! What `check` says: a line each, and whether anything is wrong.

use std::fmt::Display;

use super::super::output::say;
use crate::escape::field;

/// Says findings as they come.
#[derive(Debug, Default)]
pub(super) struct Findings {
    is_wrong: bool,
}

impl Findings {
    /// Something is as it should be.
    pub(super) fn ok(&self, what: impl Display, words: impl Display) {
        line("ok   ", what, words);
    }

    /// Something to know that is no fault.
    pub(super) fn note(&self, what: impl Display, words: impl Display) {
        line("note ", what, words);
    }

    /// Something that has to be mended.
    pub(super) fn wrong(&mut self, what: impl Display, words: impl Display) {
        line("WRONG", what, words);
        self.is_wrong = true;
    }

    /// Either of two.
    pub(super) fn tell(&mut self, what: impl Display, found: Result<String, String>) {
        match found {
            Ok(words) => self.ok(what, words),
            Err(words) => self.wrong(what, words),
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn are_good(&self) -> bool {
        !self.is_wrong
    }
}

/// The words are partly the modem's, the broker's or a file's.
fn line(word: &str, what: impl Display, words: impl Display) {
    say(format!("{word} {}: {}", field(&what.to_string()), field(&words.to_string())));
}
