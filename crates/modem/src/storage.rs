//! Names of message storages.

use std::fmt;
use std::str::FromStr;

/// The name of a message storage (TS 27.005 3.2.2), two capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Storage([u8; 2]);

impl Storage {
    /// On the SIM.
    pub const SM: Self = Self(*b"SM");
    /// In the modem.
    pub const ME: Self = Self(*b"ME");
    /// SIM and modem seen as one.
    pub const MT: Self = Self(*b"MT");
    /// Status reports.
    pub const SR: Self = Self(*b"SR");
    /// Cell broadcasts.
    pub const BM: Self = Self(*b"BM");
    /// In the terminal adaptor.
    pub const TA: Self = Self(*b"TA");

    /// Parses a name as written in a line, with or without quotes.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().trim_matches('"').to_ascii_uppercase().as_bytes() {
            [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => Some(Self([*a, *b])),
            _ => None,
        }
    }

    /// The name as the modem writes it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name).ok_or_else(|| format!("\"{name}\" is not the name of a message storage"))
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
