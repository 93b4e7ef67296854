//! A mistake in the configuration.

use std::fmt;

/// A mistake in the configuration: where it is and how to fix it.
#[derive(Debug)]
pub struct ConfigError {
    place: String,
    message: String,
}

impl ConfigError {
    /// A mistake at a place: a file, or a key.
    pub fn new(place: &str, message: impl Into<String>) -> Self {
        ConfigError { place: place.to_owned(), message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ConfigError {}
