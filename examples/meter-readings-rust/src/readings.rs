//! What a message says, and what is answered. Pure: it knows neither MQTT nor the database.

use std::collections::HashMap;

use serde::Deserialize;

/// A payload of `sms/received`: the keys this service needs.
#[derive(Deserialize)]
pub struct Message {
    pub id: String,
    pub modem: String,
    #[serde(rename = "from")]
    pub sender: String,
    pub text: String,
    pub received_at: String,
    from_type: String,
    sent_at: Option<String>,
    complete: bool,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    fields: HashMap<String, String>,
}

pub enum Outcome {
    Stored,
    Corrected { before: i64 },
    UnknownAccount,
    Unreadable,
}

/// Reads a payload. None: not a text that waits for an answer. An error: not of this contract.
pub fn read_message(payload: &[u8]) -> serde_json::Result<Option<Message>> {
    let received: serde_json::Value = serde_json::from_slice(payload)?;
    let has = |key| received.get(key).is_some();
    if !has("text") || has("kind") || has("late_for") {
        return Ok(None);
    }
    serde_json::from_value(received).map(Some)
}

impl Message {
    /// The account and the reading: of the gateway's rule where it captured both, else the two numbers of the text.
    pub fn reading(&self) -> Option<(String, i64)> {
        // Part of a text may be a part of a number.
        if !self.complete || self.truncated {
            return None;
        }
        let text = match (self.fields.get("account"), self.fields.get("reading")) {
            (Some(account), Some(reading)) => format!("{account} {reading}"),
            _ => self.text.clone(),
        };
        let numbers: Vec<&str> =
            text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).collect();
        match numbers[..] {
            [account, reading] if account.len() <= 12 && reading.len() <= 9 => {
                Some((account.to_owned(), reading.parse().ok()?))
            }
            _ => None,
        }
    }

    /// The month it is for, such as 2026-11: on the sender's clock, where the network told it.
    pub fn month(&self) -> &str {
        let time = self.sent_at.as_ref().unwrap_or(&self.received_at);
        time.get(..7).unwrap_or(time)
    }

    /// A name cannot be answered, even one that looks like a number; nor should a short code be.
    pub fn is_answerable(&self) -> bool {
        let digits = self.sender.strip_prefix('+').unwrap_or(&self.sender);
        matches!(self.from_type.as_str(), "international" | "national" | "unknown")
            && (7..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    }

    /// The words for an outcome, in Russian to whom wrote in Cyrillic.
    pub fn answer(&self, outcome: &Outcome) -> String {
        let russian = self.text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
        let (account, reading) = self.reading().unwrap_or_default();
        match (outcome, russian) {
            (Outcome::Stored, false) => format!("Thank you. Account {account}, reading {reading}"),
            (Outcome::Stored, true) => format!("Принято. Абонент {account}, показание {reading}"),
            (Outcome::Corrected { before }, false) => {
                format!("Corrected. Account {account}, reading {reading} instead of {before}")
            }
            (Outcome::Corrected { before }, true) => {
                format!("Исправлено. Абонент {account}, показание {reading} вместо {before}")
            }
            (Outcome::UnknownAccount, false) => {
                format!("There is no account {account}. Please look at your bill")
            }
            (Outcome::UnknownAccount, true) => {
                format!("Нет абонента {account}. Проверьте номер на квитанции")
            }
            // Without digits: if another such service received it, it would not be a reading.
            (Outcome::Unreadable, false) => {
                "Please send the account, a space and the reading as a whole number, nothing else".to_owned()
            }
            (Outcome::Unreadable, true) => {
                "Пришлите номер абонента, пробел и показание целым числом".to_owned()
            }
        }
    }
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::Corrected { .. } => "corrected",
            Outcome::UnknownAccount => "unknown account",
            Outcome::Unreadable => "unreadable",
        }
    }
}
