//! Why a request was refused or given up: a code for programs and words for people.
//!
//! Owns the closed set of codes under `error.code` of a result (docs/contract.md, "sms/result"). Pure. A new code is a
//! new variant here and a word in the contract; a test holds the two together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smsbridge_modem::AtError;

/// Why a request was refused or given up.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason, for programs.
    pub code: FailureCode,
    /// What is wrong and what to do about it, for people.
    pub message: String,
    /// Whether trying the same again can never help.
    pub permanent: bool,
    /// The reason in our own words alone, for the log: the message may quote a number or a text. Not stored: of a
    /// failure that was read back there is the code.
    #[serde(skip)]
    pub logged: Option<String>,
}

/// What is logged of it is no part of a failure.
impl PartialEq for Failure {
    fn eq(&self, other: &Failure) -> bool {
        (self.code, &self.message, self.permanent) == (other.code, &other.message, other.permanent)
    }
}

/// Characters of a failure's message: it may quote what a caller wrote, and a result is to be small whatever that was.
const MAX_MESSAGE: usize = 400;

/// Characters of a recipient that is quoted.
const MAX_QUOTED: usize = 64;

impl Failure {
    /// A failure that trying again cannot help, in our own words.
    pub fn permanent(code: FailureCode, message: impl Into<String>) -> Self {
        Failure { permanent: true, ..Failure::transient(code, message) }
    }

    /// A failure that may pass, in our own words.
    pub fn transient(code: FailureCode, message: impl Into<String>) -> Self {
        let message = beginning(message.into(), MAX_MESSAGE);
        Failure { code, logged: Some(message.clone()), message, permanent: false }
    }

    /// The same of a message that quotes what a caller wrote: the log has these words instead.
    #[must_use]
    pub fn logged_as(self, words: impl Into<String>) -> Self {
        Failure { logged: Some(words.into()), ..self }
    }
}

/// A recipient as it was written, of which a long one is cut.
pub fn quoted(recipient: &str) -> String {
    beginning(recipient.to_owned(), MAX_QUOTED)
}

fn beginning(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The reason for a failure, as a stable short word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FailureCode {
    /// The payload is not a request.
    Malformed,
    /// The payload is larger than a request may be.
    TooLarge,
    /// The request was published with the retain flag.
    Retained,
    /// A recipient is not a phone number.
    BadNumber,
    /// The configuration forbids the recipient.
    Denied,
    /// There is no modem of that name.
    UnknownModem,
    /// Another gateway takes the same requests.
    NoShare,
    /// The text cannot be written in the requested alphabet.
    Unencodable,
    /// The message takes more parts than allowed.
    TooLong,
    /// The id belongs to an earlier request with other content.
    IdConflict,
    /// The request has more recipients than allowed.
    TooMany,
    /// Another gateway of this name may have sent it.
    Stale,
    /// The message can no longer be cancelled.
    TooLate,
    /// Nobody knows whether the message was sent.
    Unknown,
    /// `+CMS ERROR: n` (TS 27.005 3.2.5).
    Cms(u16),
    /// `+CME ERROR: n` (TS 27.007 9.2).
    Cme(u16),
    /// The modem refused without a number.
    Error,
    /// The modem did not answer or cannot be used.
    Modem,
    /// The stored request cannot be read, or the rest of its parts no longer fits to those sent.
    Store,
    /// TP-ST of a status report (TS 23.040 9.2.3.15).
    Status(u8),
}

impl FailureCode {
    /// The codes that are a word alone.
    pub const WORDS: [(FailureCode, &'static str); 17] = [
        (FailureCode::Malformed, "malformed"),
        (FailureCode::TooLarge, "too-large"),
        (FailureCode::Retained, "retained"),
        (FailureCode::BadNumber, "bad-number"),
        (FailureCode::Denied, "denied"),
        (FailureCode::UnknownModem, "unknown-modem"),
        (FailureCode::NoShare, "no-share"),
        (FailureCode::Unencodable, "unencodable"),
        (FailureCode::TooLong, "too-long"),
        (FailureCode::IdConflict, "id-conflict"),
        (FailureCode::TooMany, "too-many"),
        (FailureCode::Stale, "stale"),
        (FailureCode::TooLate, "too-late"),
        (FailureCode::Unknown, "unknown"),
        (FailureCode::Error, "error"),
        (FailureCode::Modem, "modem"),
        (FailureCode::Store, "store"),
    ];
}

impl From<&AtError> for FailureCode {
    fn from(error: &AtError) -> Self {
        match (error, error.code()) {
            (AtError::Cms(_), Some(code)) => FailureCode::Cms(code),
            (AtError::Cme(_), Some(code)) => FailureCode::Cme(code),
            _ => FailureCode::Error,
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FailureCode::Cms(code) => write!(f, "cms-{code}"),
            FailureCode::Cme(code) => write!(f, "cme-{code}"),
            FailureCode::Status(status) => write!(f, "status-{status:02x}"),
            word => f.write_str(
                Self::WORDS.iter().find(|(code, _)| code == word).map_or("error", |(_, word)| word),
            ),
        }
    }
}

impl FromStr for FailureCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbered = match text.split_once('-') {
            Some(("cms", code)) => code.parse().ok().map(FailureCode::Cms),
            Some(("cme", code)) => code.parse().ok().map(FailureCode::Cme),
            Some(("status", status)) => u8::from_str_radix(status, 16).ok().map(FailureCode::Status),
            _ => None,
        };
        let named = || Self::WORDS.iter().find(|(_, word)| *word == text).map(|(code, _)| *code);
        numbered.or_else(named).ok_or_else(|| format!("{text:?} is not a failure code"))
    }
}

impl TryFrom<String> for FailureCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<FailureCode> for String {
    fn from(code: FailureCode) -> String {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        let contract = include_str!("../../../docs/contract.md");
        let (_, after) = contract.split_once("\nCodes: ").expect("docs/contract.md lists the codes");
        let (list, _) = after.split_once(".\n").expect("the list of codes ends with a full stop");
        let written: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
        let mut known: BTreeSet<&str> = FailureCode::WORDS.iter().map(|(_, word)| *word).collect();
        known.extend(["cms-N", "cme-N", "status-XX"]);
        assert_eq!(written, known);
    }

    #[test]
    fn a_code_is_read_back_from_its_word() {
        let numbered = [FailureCode::Cms(38), FailureCode::Cme(10), FailureCode::Status(0x45)];
        for code in FailureCode::WORDS.map(|(code, _)| code).into_iter().chain(numbered) {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        assert!("cms-x".parse::<FailureCode>().is_err());
    }
}
