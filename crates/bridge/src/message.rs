//! The things the gateway speaks of: names, identifiers, messages in, requests out, their states.
//!
//! Owns the vocabulary shared by the rooms of the bridge. Never does I/O and never knows JSON or SQL: `payload.rs`
//! and `store/` turn these values into their own forms. Values that exist are legal: names are checked when made.

use std::fmt;
use std::str::FromStr;

use ulid::Ulid;

/// Milliseconds since 1970-01-01T00:00:00Z, as kept in the store.
pub type UnixMs = i64;

/// The name of a modem or a gateway: 1 to 32 of `a-z 0-9 _ -`, so that it can stand in a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
            _ => Err(format!("{text:?} is not a name: 1 to 32 of a-z 0-9 _ - are expected")),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A new message identifier: a ULID, so that rows and messages sort by time.
pub fn new_id() -> String {
    Ulid::generate().to_string()
}

/// Where a stored PDU lies in a modem: the storage's name as 27.005 spells it, and the index in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    /// `SM`, `ME` or `SR`.
    pub storage: String,
    /// Index in that storage; 0 is valid.
    pub index: u16,
}

/// The SIM a message came by or goes out by: its ICCID, or the modem's name where the modem does not tell it.
pub type Sim = String;

/// One PDU as it came from a modem, before anything is known of its meaning.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The modem it came by.
    pub modem: Name,
    /// The SIM it came by.
    pub sim: Sim,
    /// The slot it still occupies; none for a PDU the modem handed over without storing it.
    pub slot: Option<Slot>,
    /// The PDU as hex, service centre address included (27.005).
    pub pdu: String,
    /// When the gateway read it.
    pub received_at: UnixMs,
}

/// A whole incoming message, ready to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// ULID, fixed when the message is stored.
    pub id: String,
    /// The modem it came by.
    pub modem: Name,
    /// When the last part was read.
    pub received_at: UnixMs,
    /// What it says, or why it cannot be read.
    pub content: Content,
    /// The raw PDUs in the order of their parts.
    pub pdus: Vec<String>,
}

/// What an incoming message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A message that could be decoded.
    Readable(Readable),
    /// One that could not: the reason in words.
    Undecodable(String),
}

/// A decoded incoming message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readable {
    /// E.164 with `+`, digits as sent, or the alphanumeric sender.
    pub from: String,
    /// The text; none for 8-bit data.
    pub text: Option<String>,
    /// The octets of an 8-bit message.
    pub data: Option<Vec<u8>>,
    /// The service centre's time stamp, RFC 3339 with its own offset; none where unreadable.
    pub sent_at: Option<String>,
    /// `gsm7`, `ucs2` or `8bit`.
    pub encoding: &'static str,
    /// How many parts the sender made.
    pub parts: u8,
    /// The sequence numbers that never came.
    pub missing: Vec<u8>,
    /// The id of the incomplete message this late part belongs to.
    pub late_for: Option<String>,
    /// Message class 0 to 3 (TS 23.038 clause 4).
    pub class: Option<u8>,
    /// Application ports, source and destination.
    pub ports: Option<(u16, u16)>,
    /// The service centre's number.
    pub service_center: Option<String>,
}

/// What a caller asks to be sent, after its form has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The caller's id; none where the gateway makes one up.
    pub id: Option<String>,
    /// What makes two requests with one id the same: all the caller wrote but the id, in one fixed form.
    pub content: String,
    /// Recipients, each once, as normalised numbers; with it, why one may not be sent to.
    pub to: Vec<(String, Option<Failure>)>,
    /// Parts each takes.
    pub parts: u8,
    /// What to send.
    pub body: Body,
    /// The only modem that may send it.
    pub modem: Option<Name>,
    /// Whether a status report is asked for.
    pub delivery_report: bool,
    /// When to give up.
    pub expires_at: Option<UnixMs>,
    /// Not before.
    pub send_at: Option<UnixMs>,
    /// 0 to 9, higher first.
    pub priority: u8,
    /// Where results go besides `sms/result`, with the caller's correlation data.
    pub respond_to: Option<ResponseTopic>,
}

/// What an outgoing message carries and how it is to be encoded.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Body {
    /// Text, or data for a port.
    pub content: Outgoing,
    /// Message class 0 to 3.
    pub class: Option<u8>,
    /// The alphabet asked for.
    pub encoding: Encoding,
    /// Fold to GSM 7-bit where a character has a plain likeness.
    pub transliterate: bool,
}

/// Text, or octets for an application port.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outgoing {
    /// Text in any script.
    Text(String),
    /// 8-bit data for the port.
    Data {
        /// The octets.
        octets: Vec<u8>,
        /// The application port they are for (TS 23.040 9.2.3.24.4).
        destination_port: u16,
    },
}

/// The alphabet a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// GSM 7-bit where it fits, else UCS-2.
    #[default]
    Auto,
    /// GSM 7-bit default alphabet with its extension.
    Gsm7,
    /// UCS-2 (as UTF-16).
    Ucs2,
}

/// An MQTT 5 response topic with its correlation data.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseTopic {
    /// The topic results also go to.
    pub topic: String,
    /// Handed back as it came.
    pub correlation: Option<Vec<u8>>,
}

/// How far a request has come. States go forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Stored; it will be tried.
    Accepted,
    /// Every part was taken by the network.
    Sent,
    /// Every part reached the recipient.
    Delivered,
    /// It will not be tried again.
    Failed,
    /// It was never tried.
    Rejected,
    /// Its time ran out.
    Expired,
    /// The caller withdrew it.
    Cancelled,
    /// It may or may not have been sent.
    Unknown,
}

impl State {
    /// The word on `sms/result` and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Accepted => "accepted",
            State::Sent => "sent",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Rejected => "rejected",
            State::Expired => "expired",
            State::Cancelled => "cancelled",
            State::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was refused or given up, as it stands under `error` in a result.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// A short stable word, such as `cms-38` or `id-conflict`.
    pub code: String,
    /// What was wrong and what to do, in words.
    pub message: String,
    /// Whether trying the same again can never help.
    pub permanent: bool,
}

impl Failure {
    /// A failure the caller must mend; trying again does not help.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Failure { code: code.into(), message: message.into(), permanent: true }
    }

    /// A failure that may pass.
    pub fn passing(code: impl Into<String>, message: impl Into<String>) -> Self {
        Failure { code: code.into(), message: message.into(), permanent: false }
    }
}

/// One step of one recipient's message, as published on `sms/result`.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The request's id; none where it could not be read.
    pub id: Option<String>,
    /// The recipient; none where it could not be read.
    pub to: Option<String>,
    /// How far it came.
    pub state: State,
    /// Whether this is the last word on it.
    pub is_final: bool,
    /// When.
    pub at: UnixMs,
    /// What else is known of it.
    pub details: Details,
}

/// The optional members of a result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// The modem that has it.
    pub modem: Option<String>,
    /// Parts it takes.
    pub parts: Option<u32>,
    /// Parts the network took before it failed.
    pub parts_sent: Option<u32>,
    /// RFC 3339 time the last part reached the recipient.
    pub delivered_at: Option<String>,
    /// No status report came in time.
    pub report_missing: bool,
    /// A repetition of an earlier result.
    pub duplicate: bool,
    /// Encoding a dry run found.
    pub dry_run: Option<&'static str>,
    /// Why.
    pub error: Option<Failure>,
    /// The first octets of a payload nothing could be read from.
    pub payload: Option<String>,
}

/// The network's word on a sent part, decoded from a status report (TS 23.040 9.2.2.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// TP-MR of the part it speaks of.
    pub mr: u8,
    /// The recipient's number as the network gives it.
    pub to: String,
    /// When the service centre took the message, Unix seconds; none where unreadable.
    pub sent_at: Option<i64>,
    /// RFC 3339 time of delivery or of the last try.
    pub discharged_at: Option<String>,
    /// TP-ST, the raw octet.
    pub status: u8,
    /// What it means for us.
    pub fate: Fate,
}

/// What a status report says became of a part (TS 23.040 9.2.3.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reached the recipient.
    Delivered,
    /// The service centre still tries.
    Pending,
    /// It gave up.
    Failed,
}

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
