//! Requests to send: as the caller wrote them, and as they are stored once they are judged.
//!
//! Pure data. `wire/` reads them from JSON, `intake.rs` judges them, `store/` keeps them.

use serde::{Deserialize, Serialize};
use smsbridge_codec::Encoding;

use crate::failure::Failure;
use crate::message::{Name, UnixMs};

/// What is asked for, by the topic of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Send a message.
    Send {
        /// Through this modem.
        modem: Option<Name>,
    },
    /// Cancel a request.
    Cancel,
    /// Send a USSD code.
    Ussd {
        /// Through this modem.
        modem: Name,
    },
    /// Restart a modem.
    Restart {
        /// This one.
        modem: Name,
    },
}

/// A request to send, read but not judged yet.
#[derive(Debug, Clone, PartialEq)]
pub struct SendRequest {
    /// The caller's id.
    pub id: Option<String>,
    /// Recipients as written: numbers, and names of contacts.
    pub to: Vec<String>,
    /// What to send.
    pub body: Body,
    /// The modem to use.
    pub modem: Option<Name>,
    /// Whether to ask for a status report.
    pub delivery_report: Option<bool>,
    /// Seconds until it is given up; 0 for never.
    pub ttl_s: Option<u32>,
    /// Do not send before.
    pub send_at: Option<UnixMs>,
    /// 0 to 9, higher first.
    pub priority: u8,
    /// Do not send; say what it would take.
    pub dry_run: bool,
}

impl SendRequest {
    /// What makes two requests with one id the same: all the caller wrote but the id, in one fixed form. `modem` is
    /// the one named by the topic or the request.
    pub fn fingerprint(&self, modem: Option<&Name>) -> String {
        #[derive(Serialize)]
        struct Fingerprint<'a> {
            to: &'a [String],
            body: &'a Body,
            modem: Option<&'a Name>,
            delivery_report: Option<bool>,
            ttl_s: Option<u32>,
            send_at: Option<UnixMs>,
            priority: u8,
        }
        let fingerprint = Fingerprint {
            to: &self.to,
            body: &self.body,
            modem,
            delivery_report: self.delivery_report,
            ttl_s: self.ttl_s,
            send_at: self.send_at,
            priority: self.priority,
        };
        // Cannot fail: all keys are strings.
        serde_json::to_string(&fingerprint).unwrap_or_default()
    }
}

/// A judged request, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The caller's id; none where the gateway assigns one.
    pub id: Option<String>,
    /// See [`SendRequest::fingerprint`]; empty for a rule's reply.
    pub fingerprint: String,
    /// The recipients, each once.
    pub to: Vec<Recipient>,
    /// Parts each takes.
    pub parts: u8,
    /// What to send.
    pub body: Body,
    /// The only modem that may send it.
    pub modem: Option<Name>,
    /// Whether to ask for a status report.
    pub delivery_report: bool,
    /// When to give up.
    pub expires_at: Option<UnixMs>,
    /// Do not send before.
    pub send_at: Option<UnixMs>,
    /// 0 to 9, higher first.
    pub priority: u8,
    /// Where results go besides the result topic.
    pub reply_to: Option<ReplyTo>,
    /// The caller asked for copies of results where none may go: the first results say so.
    pub response_refused: bool,
    /// Where it comes from.
    pub source: Source,
}

/// A recipient of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The number as it will be dialled; as written where it is not a number.
    pub number: String,
    /// The name of the contact it was written as.
    pub contact: Option<String>,
    /// Why nothing may be sent to it.
    pub refusal: Option<Failure>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The broker delivered it.
    Broker(Origin),
    /// A rule replies to a received message.
    Rule,
}

/// Which PUBLISH brought a request: tells a redelivery from a new request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Packet identifier; 0 at QoS 0.
    pub packet_id: u16,
    /// The DUP flag.
    pub redelivered: bool,
    /// The MQTT session it came in.
    pub session: i64,
}

/// Where a caller wants a copy of each result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// The response topic.
    pub topic: String,
    /// Correlation data, returned unchanged.
    pub correlation: Option<Vec<u8>>,
}

/// What an outgoing message carries and how it is to be encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Text, or data for an application port.
    pub content: Content,
    /// Message class 0 to 3 (TS 23.038 clause 4).
    pub class: Option<u8>,
    /// The requested alphabet.
    pub encoding: Encoding,
    /// Replace characters the GSM alphabet lacks by similar ones.
    pub transliterate: bool,
}

/// Text, or octets for an application port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Text in any script.
    Text(String),
    /// 8-bit data.
    Data {
        /// The octets.
        octets: Vec<u8>,
        /// The application port they are for (TS 23.040 9.2.3.24.4).
        destination_port: u16,
    },
}
