//! Names, identifiers and times: the small types every part of the bridge uses.
//!
//! Pure. Values that exist are legal: a name is checked when it is made. Requests are in `request.rs`, what is published
//! in `event/`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;

/// A duration in milliseconds, to be added to a [`UnixMs`]; bounded so that the sum does not overflow.
pub fn millis(duration: std::time::Duration) -> UnixMs {
    UnixMs::try_from(duration.as_millis()).unwrap_or(UnixMs::MAX / 4)
}

/// The name of a modem or a gateway: 1 to 32 of `a-z 0-9 _ -`, so that it can be a level of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let legal = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        match text.len() {
            1..=32 if text.bytes().all(legal) => Ok(Name(text.to_owned())),
            _ => Err(format!("{text:?} is not a name: expected 1 to 32 of a-z 0-9 _ -")),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A new message identifier: a ULID, so that ids sort by time.
pub fn new_id() -> String {
    Ulid::generate().to_string()
}

/// A place in a modem's message storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    /// `SM`, `ME` or `SR` (TS 27.005 3.2.2).
    pub storage: String,
    /// Index in that storage; 0 is valid.
    pub index: u16,
}

/// The identity of a SIM: its ICCID, or the modem's name where the modem does not tell the ICCID.
pub type Sim = String;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_inject_a_topic_is_refused() {
        for bad in ["", "a/b", "+", "#", "Main", "ä", "x".repeat(33).as_str(), "a b"] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} was taken for a name");
        }
        assert_eq!("main-2_b".parse::<Name>().unwrap().as_str(), "main-2_b");
    }
}
