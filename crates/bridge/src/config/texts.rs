//! Several texts, as a file or an environment variable gives them.

use serde::{Deserialize, Serialize};

/// An array, or one text with commas between them, as an environment variable has to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Texts {
    /// One, or several with commas.
    One(String),
    /// One or several.
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Texts::Many(Vec::new())
    }
}

impl Texts {
    /// Each of them.
    pub(super) fn each(&self) -> Vec<&str> {
        match self {
            Texts::One(text) => text.split(',').map(str::trim).collect(),
            Texts::Many(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}
