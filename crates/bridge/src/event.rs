//! What the gateway has to say: events (what happened) and states (what is).
//!
//! Events are stored until the broker has acknowledged them; [`Event::to_stored`] is their versioned form in the store.
//! States are never stored: they are true now or not at all. Pure data. Topics and JSON are `wire/`'s, SQL is `store/`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smsbridge_modem::status::Registration;

use crate::failure::Failure;
use crate::message::{Name, UnixMs};

/// The version of the stored form. A change that older rows cannot be read with raises it.
const STORED_VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A complete SMS came in.
    Received(Received),
    /// A request made a step.
    Result(SendResult),
    /// A call came in or was missed.
    Call(Call),
    /// A cell broadcast message came in.
    Broadcast(Broadcast),
    /// The network, or the gateway, answered a USSD request.
    UssdReply(UssdReply),
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredEventError {
    /// It is not of the stored form.
    #[error("the stored event cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version of smsbridge wrote it.
    #[error("the stored event has version {0}, this smsbridge reads version {STORED_VERSION}")]
    Version(u32),
}

#[derive(Serialize)]
struct StoredRef<'a> {
    version: u32,
    event: &'a Event,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Stored {
    event: Event,
}

impl Event {
    /// The form kept in the store.
    pub fn to_stored(&self) -> String {
        // Cannot fail: all keys are strings.
        serde_json::to_string(&StoredRef { version: STORED_VERSION, event: self }).unwrap_or_default()
    }

    /// Reads the form kept in the store.
    pub fn from_stored(text: &str) -> Result<Event, StoredEventError> {
        let Version { version } = serde_json::from_str(text)?;
        if version != STORED_VERSION {
            return Err(StoredEventError::Version(version));
        }
        let Stored { event } = serde_json::from_str(text)?;
        Ok(event)
    }
}

/// A complete incoming SMS: all parts joined, or what came of them in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// ULID, assigned when the message is stored.
    pub id: String,
    /// The modem it came in by.
    pub modem: Name,
    /// When the last part was read.
    pub received_at: UnixMs,
    /// What it says, or why it cannot be decoded.
    pub content: ReceivedContent,
    /// The PDUs in hex, in the order of their parts.
    pub pdus: Vec<String>,
    /// The rule that matched the text.
    pub rule: Option<RuleMatch>,
}

/// What an incoming message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceivedContent {
    /// A message that was decoded.
    Message(ReceivedMessage),
    /// One that could not be: the reason in words.
    Undecodable(String),
}

/// A decoded incoming message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceivedMessage {
    /// E.164 with `+`, digits as sent, or the alphanumeric sender.
    pub from: String,
    /// The text; none for 8-bit data.
    pub text: Option<String>,
    /// The octets of an 8-bit message.
    pub data: Option<Vec<u8>>,
    /// The service centre's time stamp, RFC 3339 with its own offset; none where unreadable.
    pub sent_at: Option<String>,
    /// The alphabet.
    pub encoding: MessageEncoding,
    /// Number of parts the sender made.
    pub parts: u8,
    /// Sequence numbers of the parts that did not come.
    pub missing: Vec<u8>,
    /// The id of the incomplete message this late part belongs to.
    pub late_for: Option<String>,
    /// Message class 0 to 3 (TS 23.038 clause 4).
    pub class: Option<u8>,
    /// Application ports: source, destination.
    pub ports: Option<(u16, u16)>,
    /// The service centre's number.
    pub service_center: Option<String>,
}

impl Received {
    /// The sender; empty where the message cannot be decoded.
    pub fn sender(&self) -> &str {
        match &self.content {
            ReceivedContent::Message(message) => &message.from,
            ReceivedContent::Undecodable(_) => "",
        }
    }

    /// The text of a message of which no part is missing.
    pub fn complete_text(&self) -> Option<&str> {
        match &self.content {
            ReceivedContent::Message(ReceivedMessage {
                text: Some(text), missing, late_for: None, ..
            }) if missing.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// The alphabet of a message (TS 23.038).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEncoding {
    /// GSM 7-bit default alphabet, with national tables.
    Gsm7,
    /// UCS-2, read as UTF-16.
    Ucs2,
    /// 8-bit data.
    EightBit,
}

/// What a rule found in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMatch {
    /// The rule's name.
    pub name: String,
    /// Its named captures.
    pub fields: BTreeMap<String, String>,
}

/// One step of one recipient's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendResult {
    /// The request's id; none where it could not be read.
    pub id: Option<String>,
    /// The recipient; none where it could not be read.
    pub to: Option<String>,
    /// The state reached.
    pub state: MessageState,
    /// Whether no other result follows.
    pub is_final: bool,
    /// When.
    pub at: UnixMs,
    /// What else is known.
    pub fields: ResultFields,
}

/// The optional members of a result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResultFields {
    /// The modem that sends or sent it.
    pub modem: Option<Name>,
    /// Number of parts.
    pub parts: Option<u32>,
    /// Number of parts the network accepted before the message failed.
    pub parts_sent: Option<u32>,
    /// When the last part reached the recipient, RFC 3339.
    pub delivered_at: Option<String>,
    /// No status report came in time.
    pub report_missing: bool,
    /// A repetition of an earlier result.
    pub duplicate: bool,
    /// This is the answer to a dry run: the encoding the message would have.
    pub dry_run: Option<MessageEncoding>,
    /// Why it failed or was rejected.
    pub error: Option<Failure>,
    /// The first octets of a payload without a readable id.
    pub payload: Option<String>,
}

/// How far a message has come. States only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Stored; it will be tried.
    Accepted,
    /// The network accepted every part.
    Sent,
    /// Every part reached the recipient.
    Delivered,
    /// It will not be tried again.
    Failed,
    /// It was never tried.
    Rejected,
    /// Its time to live ended.
    Expired,
    /// The caller cancelled it.
    Cancelled,
    /// It may or may not have been sent.
    Unknown,
}

impl MessageState {
    /// All states.
    pub const ALL: [MessageState; 8] = [
        MessageState::Accepted,
        MessageState::Sent,
        MessageState::Delivered,
        MessageState::Failed,
        MessageState::Rejected,
        MessageState::Expired,
        MessageState::Cancelled,
        MessageState::Unknown,
    ];

    /// The state as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageState::Accepted => "accepted",
            MessageState::Sent => "sent",
            MessageState::Delivered => "delivered",
            MessageState::Failed => "failed",
            MessageState::Rejected => "rejected",
            MessageState::Expired => "expired",
            MessageState::Cancelled => "cancelled",
            MessageState::Unknown => "unknown",
        }
    }
}

/// An incoming call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The modem that rang.
    pub modem: Name,
    /// The caller; none where the number is withheld.
    pub from: Option<String>,
    /// When.
    pub at: UnixMs,
    /// Whether it still rings.
    pub state: CallState,
}

/// The state of an incoming call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It rings.
    Ringing,
    /// It ended without an answer: nobody can answer it here.
    Missed,
}

/// A cell broadcast message (TS 23.041).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// The modem that received it.
    pub modem: Name,
    /// When its last page came.
    pub at: UnixMs,
    /// What it says.
    pub content: BroadcastContent,
}

/// What a cell broadcast says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BroadcastContent {
    /// A message that was decoded.
    Message(BroadcastMessage),
    /// A page that could not be.
    Undecodable {
        /// Why.
        error: String,
        /// The page in hex.
        pdu: String,
    },
}

/// A decoded cell broadcast message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastMessage {
    /// Message identifier (TS 23.041 9.4.1.2.2).
    pub channel: u16,
    /// Message code of the serial number.
    pub code: u16,
    /// Update number of the serial number, 0 to 15.
    pub update: u8,
    /// The text; none for 8-bit data.
    pub text: Option<String>,
    /// The octets of an 8-bit message.
    pub data: Option<Vec<u8>>,
    /// Language, ISO 639, where the message says it.
    pub language: Option<String>,
    /// Number of pages.
    pub pages: u8,
    /// Numbers of the pages that did not come.
    pub missing: Vec<u8>,
}

/// The answer to a USSD request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UssdReply {
    /// The modem that asked.
    pub modem: Name,
    /// The caller's id.
    pub id: Option<String>,
    /// What the network says, or why the request failed.
    pub text: Option<String>,
    /// Whether the session goes on.
    pub state: UssdState,
}

/// The state of a USSD session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UssdState {
    /// The session has ended.
    Done,
    /// The network waits for a reply.
    More,
    /// The request failed.
    Failed,
}

/// What is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The state of a modem.
    Modem(Box<ModemState>),
    /// The state of the gateway.
    Gateway(GatewayState),
    /// Whether a modem or the gateway is online.
    Availability(Subject, Availability),
}

/// Whom a state describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// This gateway.
    Gateway,
    /// The modem of that name.
    Modem(Name),
}

/// Whether somebody is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Online.
    Online,
    /// Offline.
    Offline,
}

/// The state of a modem; what is not known is none.
#[derive(Debug, Clone, PartialEq)]
pub struct ModemState {
    /// The modem's name.
    pub modem: Name,
    /// Where it is in its life.
    pub connection: ModemConnection,
    /// What is wrong, in words.
    pub problem: Option<String>,
    /// The network operator's name.
    pub operator: Option<String>,
    /// The radio technology.
    pub technology: Option<String>,
    /// Whether the network accepts it.
    pub registration: Option<Registration>,
    /// Why the network refused it (TS 24.008 10.5.3.6).
    pub registration_cause: Option<u16>,
    /// Signal strength and quality.
    pub signal: Signal,
    /// The SIM's own number, where it holds it.
    pub number: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// The modem's serial number (TS 23.003 6.2).
    pub imei: Option<String>,
    /// The SIM's serial number.
    pub iccid: Option<String>,
    /// The service centre's number.
    pub service_center: Option<String>,
    /// How full each message storage is.
    pub storage: Vec<StorageUse>,
    /// Counters since the gateway started.
    pub counters: ModemCounters,
}

impl ModemState {
    /// A modem of which nothing is known yet.
    pub fn new(modem: Name) -> Self {
        ModemState {
            modem,
            connection: ModemConnection::Connecting,
            problem: None,
            operator: None,
            technology: None,
            registration: None,
            registration_cause: None,
            signal: Signal::default(),
            number: None,
            manufacturer: None,
            model: None,
            firmware: None,
            imei: None,
            iccid: None,
            service_center: None,
            storage: Vec::new(),
            counters: ModemCounters::default(),
        }
    }
}

/// Whether a modem is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModemConnection {
    /// It is connected for the first time.
    Connecting,
    /// It is ready.
    Online,
    /// It is not; `problem` says why.
    Offline,
    /// The gateway was stopped.
    Stopped,
}

/// Signal strength and quality.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signal {
    /// Received signal strength.
    pub dbm: Option<i16>,
    /// The same on a scale of 0 to 100.
    pub percent: Option<u8>,
    /// LTE reference signal received power.
    pub rsrp_dbm: Option<i16>,
    /// LTE reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise ratio.
    pub sinr_db: Option<f32>,
}

/// How full a message storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageUse {
    /// `SM`, `ME`, … (TS 27.005 3.2.2).
    pub name: String,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// What a modem did since the gateway started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModemCounters {
    /// Short messages received.
    pub received: u64,
    /// Short messages the network accepted.
    pub sent: u64,
    /// Short messages it did not.
    pub not_sent: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Times message notifications had to be set again.
    pub announced_again: u64,
    /// Times a silent modem was asked whether it still answers.
    pub probed: u64,
    /// Times each recovery step was taken.
    pub resynchronised: u64,
    /// The port was closed and opened again.
    pub reopened: u64,
    /// The radio was switched off and on.
    pub radio_restarted: u64,
    /// The modem was reset.
    pub reset: u64,
}

/// The state of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayState {
    /// The version of smsbridge.
    pub version: &'static str,
    /// The MQTT client id, which names the store as well.
    pub instance: String,
    /// When it was started.
    pub started_at: UnixMs,
    /// The configured modems.
    pub modems: Vec<Name>,
    /// What waits.
    pub queue: QueueDepth,
    /// What is wrong, in words.
    pub problem: Option<String>,
}

/// How much waits in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Events the broker has not acknowledged.
    pub publish: u32,
    /// Messages that wait for a modem.
    pub send: u32,
    /// Events the broker refused for good.
    pub parked: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureCode;

    fn result() -> Event {
        Event::Result(SendResult {
            id: Some("order-17".to_owned()),
            to: Some("+491".to_owned()),
            state: MessageState::Failed,
            is_final: true,
            at: 1_795_331_735_002,
            fields: ResultFields {
                error: Some(Failure::permanent(FailureCode::Cms(38), "network out of order")),
                ..ResultFields::default()
            },
        })
    }

    #[test]
    fn an_event_is_read_back_as_it_was_stored() {
        let stored = result().to_stored();
        assert_eq!(Event::from_stored(&stored).unwrap(), result());
    }

    #[test]
    fn an_event_of_another_version_is_refused_in_words() {
        let stored = result().to_stored().replace("\"version\":1", "\"version\":2");
        let error = Event::from_stored(&stored).unwrap_err().to_string();
        assert!(error.contains("version 2"), "{error}");
        assert!(Event::from_stored("{}").is_err());
    }
}
