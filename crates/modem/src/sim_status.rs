//! What the SIM asks for (TS 27.007 8.3).

use std::fmt;

/// What the SIM asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimStatus {
    /// Nothing.
    Ready,
    /// Its PIN.
    PinRequired {
        /// Tries left, where the modem reports them.
        tries_left: Option<u8>,
    },
    /// Its PUK: too many wrong PINs. A person must act.
    PukRequired,
    /// There is none.
    Missing,
    /// Something else, in the modem's words.
    Other(String),
}

impl fmt::Display for SimStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("the SIM is ready"),
            Self::PinRequired { tries_left: Some(n) } => {
                write!(f, "the SIM requires its PIN ({n} tries left)")
            }
            Self::PinRequired { tries_left: None } => f.write_str("the SIM requires its PIN"),
            Self::PukRequired => f.write_str("the SIM is locked and requires its PUK"),
            Self::Missing => f.write_str("there is no SIM"),
            Self::Other(words) => write!(f, "the SIM is not usable: {words}"),
        }
    }
}
