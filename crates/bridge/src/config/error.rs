//! Mistakes in the configuration, as people read them.

use std::fmt;

/// What is wrong with the configuration: where it is and how to fix it.
#[derive(Debug)]
pub struct ConfigError {
    mistakes: Vec<String>,
}

impl ConfigError {
    /// A mistake at a place: a file, or a key.
    pub fn new(place: &str, message: impl fmt::Display) -> Self {
        ConfigError { mistakes: vec![format!("{place}: {message}")] }
    }

    /// Mistakes that say where they are themselves.
    pub fn all(mistakes: Vec<String>) -> Self {
        ConfigError { mistakes }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mistakes.len() > 1 {
            writeln!(f, "the configuration has {} mistakes:", self.mistakes.len())?;
        }
        f.write_str(&self.mistakes.join("\n"))
    }
}

impl std::error::Error for ConfigError {}
