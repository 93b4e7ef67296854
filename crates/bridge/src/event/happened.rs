//! Events: a received message, a step of a request, a call, a cell broadcast, a USSD reply.
//!
//! The words serde has for kinds and states are those of the contract too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::message::{Name, UnixMs};

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

/// A complete incoming SMS: all parts joined, or what came of them in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// ULID, assigned when the message is stored.
    pub id: String,
    /// The modem it came in by.
    pub modem: Name,
    /// When the last part was read.
    pub received_at: UnixMs,
    /// It lay on the SIM before the gateway was there: read by somebody else, or over a day old.
    #[serde(default)]
    pub was_stored: bool,
    /// What it says, or why it cannot be decoded.
    pub content: ReceivedContent,
    /// The PDUs in hex, in the order of their parts.
    pub pdus: Vec<String>,
    /// The contact whose number the sender's is.
    pub contact: Option<String>,
    /// The rule that matched the text.
    pub rule: Option<RuleMatch>,
}

/// What an incoming message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceivedContent {
    /// A message that was decoded.
    Message(Box<ReceivedMessage>),
    /// One that could not be: the reason in words.
    Undecodable(String),
}

/// A decoded incoming message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceivedMessage {
    /// E.164 with `+`, digits as sent, or the alphanumeric sender.
    pub from: String,
    /// The sender's type of number in one word; none in what earlier versions stored.
    pub from_type: Option<String>,
    /// What it is for; none for a message to be read.
    pub kind: Option<MessageKind>,
    /// The text; of 8-bit data only where that is one.
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
    /// User data is missing from the end of a part: the modem gave less than the message has.
    #[serde(default)]
    pub truncated: bool,
    /// The id of the incomplete message this late part belongs to.
    pub late_for: Option<String>,
    /// Message class 0 to 3 (TS 23.038 clause 4).
    pub class: Option<u8>,
    /// Application ports: source, destination.
    pub ports: Option<(u16, u16)>,
    /// What waits elsewhere, such as voice mail.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
    /// Which of the sender's seven replaceable messages it replaces (TS 23.040 9.2.3.9).
    pub replaces: Option<u8>,
    /// The multimedia message it tells of.
    pub mms: Option<MmsWaiting>,
    /// The service centre's number.
    pub service_center: Option<String>,
}

/// What a message is for that is not simply to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// To be acknowledged and not shown (short message type 0).
    Silent,
    /// Tells what waits elsewhere.
    Waiting,
    /// Tells of a multimedia message.
    Mms,
    /// For an application, the phone or the SIM.
    Data,
}

/// Messages of a kind that wait elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// `voicemail`, `fax`, `email`, `video` or `other`.
    pub kind: String,
    /// Whether any wait.
    pub active: bool,
    /// How many, where told; 255 means 255 or more.
    pub count: Option<u8>,
}

/// A multimedia message that waits at the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MmsWaiting {
    /// Its sender.
    pub from: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its size in octets.
    pub size: Option<u64>,
    /// The URL to fetch it from, in the operator's network.
    pub location: Option<String>,
}

impl Received {
    /// The message; none where it cannot be decoded.
    pub fn message(&self) -> Option<&ReceivedMessage> {
        match &self.content {
            ReceivedContent::Message(message) => Some(message),
            ReceivedContent::Undecodable(_) => None,
        }
    }

    /// Whether a person sent it to be read, so that a reply makes sense.
    pub fn is_to_be_read(&self) -> bool {
        self.message().is_some_and(|message| message.kind.is_none())
    }

    /// The sender; empty where the message cannot be decoded.
    pub fn sender(&self) -> &str {
        self.message().map_or("", |message| &message.from)
    }

    /// The text of a message of which nothing is missing.
    pub fn complete_text(&self) -> Option<&str> {
        let message = self.message()?;
        let is_whole = message.missing.is_empty() && !message.truncated && message.late_for.is_none();
        message.text.as_deref().filter(|_| is_whole)
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
    /// The name of the contact the recipient was written as.
    pub contact: Option<String>,
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
    /// Copies of the results may not go where the caller wants them.
    #[serde(default)]
    pub response_refused: bool,
    /// It answers a request that was refused or only asked about, and whose id belongs to another one.
    #[serde(default)]
    pub is_conflict: bool,
}

/// How far a message has come. States only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
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
    /// The contact whose number that is.
    pub contact: Option<String>,
    /// When.
    pub at: UnixMs,
    /// Whether it still rings.
    pub state: CallState,
}

/// The state of an incoming call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
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
    /// An ETWS primary notification, which has no text.
    pub warning: Option<Warning>,
}

/// An ETWS primary notification (TS 23.041 9.3.24).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Of what it warns, in words.
    pub kind: String,
    /// Whether users are to be alerted.
    pub alert: bool,
    /// Whether it is to be shown at once.
    pub popup: bool,
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
    /// Why it failed, in our own words alone, for the log; not stored.
    #[serde(skip)]
    pub logged: Option<String>,
}

/// The state of a USSD session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum UssdState {
    /// The session has ended.
    Done,
    /// The network waits for a reply.
    More,
    /// The request failed.
    Failed,
}
