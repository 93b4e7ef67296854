//! Mistakes in the configuration: each with its key and what to write instead, never with what stands there.
//!
//! The value may be a PIN without quotes, and a secret may stand on the same line.

/// Where in the file a mistake is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the key.
    Key,
    /// At its value.
    Value,
}

/// A mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Its key, such as `mqtt.url`, `modem[1].pin` or `outbound.deny[2]`.
    pub(super) path: String,
    pub(super) at: At,
    /// What is wrong and what to write.
    pub(super) words: String,
}

/// All mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Adds one, unless that key has one already.
    pub(super) fn add(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.add_at(At::Value, path.into(), words.into());
    }

    /// Adds one that is about a key itself.
    pub(super) fn add_key(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.add_at(At::Key, path.into(), words.into());
    }

    fn add_at(&mut self, at: At, path: String, words: String) {
        if !self.has(&path) {
            self.0.push(Mistake { path, at, words });
        }
    }

    /// The value, or none and a mistake.
    pub(super) fn keep<T>(&mut self, path: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|words| self.add(path, words)).ok()
    }

    /// Whether a key has one.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.iter().any(|mistake| mistake.path == path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_vec(self) -> Vec<Mistake> {
        self.0
    }
}

/// A path as people know it: without the numbers of tables and elements, which the line tells.
pub(super) fn shown(path: &str) -> String {
    let mut shown = String::new();
    let mut is_number = false;
    for c in path.chars() {
        match c {
            '[' => is_number = true,
            ']' => is_number = false,
            c if !is_number => shown.push(c),
            _ => {}
        }
    }
    shown
}
