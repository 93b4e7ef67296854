//! Reading what callers publish: requests to send, to cancel, and for USSD.
//!
//! Pure. Says what was asked for, or in words why that cannot be read; never whether it may be done. Input: payloads as
//! the broker delivers them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde::de::value::StrDeserializer;
use serde_json::json;
use smsbridge_codec::Encoding;

use super::fields::{Fields, Mistake};
use crate::event::{MessageState, ResultFields, SendResult};
use crate::failure::{Failure, FailureCode, quoted};
use crate::message::UnixMs;
use crate::request::{Body, Content, SendRequest};
use crate::ussd_queue::{UssdAction, UssdRequest};

/// Octets of a payload without a readable id that its rejection repeats.
const MAX_PAYLOAD_SHOWN: usize = 200;

/// Characters of a USSD string (TS 23.038 5: 160 octets of packed septets).
pub(super) const MAX_USSD_LENGTH: usize = 182;

/// A request that is rejected as a whole, with what can still be said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Its id, where that can be read.
    pub id: Option<String>,
    /// Its recipient, where that can be read.
    pub to: Option<String>,
    /// The beginning of the payload, where there is no id.
    pub payload: Option<String>,
    /// Why it is rejected.
    pub failure: Failure,
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Failure {
        let logged = mistake.own_words();
        Failure::permanent(FailureCode::Malformed, mistake.to_string()).logged_as(logged)
    }
}

impl Rejection {
    /// Rejects a payload, whatever it says.
    pub fn new(payload: &[u8], failure: impl Into<Failure>) -> Self {
        let failure = failure.into();
        match Fields::read(payload, EXAMPLE).ok().and_then(|fields| Some((readable_id(&fields)?, fields))) {
            Some((id, fields)) => {
                Rejection { id: Some(id), to: readable_recipient(&fields), payload: None, failure }
            }
            None => Rejection::unreadable(payload, failure),
        }
    }

    fn unreadable(payload: &[u8], failure: Failure) -> Self {
        Rejection { id: None, to: None, payload: Some(beginning(payload)), failure }
    }

    /// The result that says so.
    pub fn into_result(self, at: UnixMs) -> SendResult {
        SendResult {
            id: self.id,
            to: self.to,
            contact: None,
            state: MessageState::Rejected,
            is_final: true,
            at,
            fields: ResultFields {
                error: Some(self.failure),
                payload: self.payload,
                ..ResultFields::default()
            },
        }
    }
}

/// Reads a payload of `send`.
pub fn read_send(payload: &[u8]) -> Result<SendRequest, Box<Rejection>> {
    let fields = Fields::read(payload, EXAMPLE)
        .map_err(|mistake| Box::new(Rejection::unreadable(payload, mistake.into())))?;
    send_request(fields).map_err(|mistake| Box::new(Rejection::new(payload, mistake)))
}

fn send_request(mut fields: Fields) -> Result<SendRequest, Mistake> {
    let id = fields.parsed(&["id"], LEGAL_ID, legal_id)?;
    let to =
        fields.take(&["to", "number", "target"])?.map(|field| field.into_texts(RECIPIENTS)).transpose()?;
    let text = fields.parsed(&TEXT, "a text of at least one character", not_empty)?;
    let data = fields.parsed(&["data"], "at least one octet as base64", |text| {
        BASE64.decode(text).ok().filter(|octets| !octets.is_empty())
    })?;
    let destination_port = fields.whole("destination_port", 0..=u16::MAX)?;
    let modem =
        fields.parsed(&["modem"], "a modem's name, 1 to 32 of a-z 0-9 _ -", |text| text.parse().ok())?;
    let delivery_report = fields.flag("delivery_report")?;
    let ttl_s = fields.whole("ttl_s", 0..=u32::MAX)?;
    let send_at =
        fields.parsed(&["send_at"], "a time with its zone, such as \"2026-11-22T10:00:00Z\"", |text| {
            text.parse().ok().map(Timestamp::as_millisecond)
        })?;
    let priority = fields.whole("priority", 0..=9)?;
    let class = fields.whole("class", 0..=3)?;
    let is_flash = fields.flag("flash")?.unwrap_or_default();
    let encoding = fields.parsed(&["encoding"], "\"auto\", \"gsm7\" or \"ucs2\"", encoding)?;
    let transliterate = fields.flag("transliterate")?;
    let dry_run = fields.flag("dry_run")?;
    fields.finish()?;
    // Only now: what is missing may stand there under a misspelt name.
    let to = to.ok_or_else(|| Mistake::of("to", format!("it is missing: {RECIPIENTS}")))?;
    let class = match (class, is_flash) {
        (None, true) => Some(0),
        (Some(1..=3), true) => {
            return Err(Mistake::of("flash", "true means class 0, and `class` says another"));
        }
        (class, _) => class,
    };
    Ok(SendRequest {
        id,
        to,
        body: Body {
            content: content(text, data, destination_port)?,
            class,
            encoding: encoding.unwrap_or_default(),
            transliterate: transliterate.unwrap_or_default(),
        },
        modem,
        delivery_report,
        ttl_s,
        send_at,
        priority: priority.unwrap_or_default(),
        dry_run: dry_run.unwrap_or_default(),
    })
}

fn content(
    text: Option<String>,
    data: Option<Vec<u8>>,
    destination_port: Option<u16>,
) -> Result<Content, Mistake> {
    match (text, data, destination_port) {
        (Some(text), None, None) => Ok(Content::Text(text)),
        (None, Some(octets), Some(destination_port)) => Ok(Content::Data { octets, destination_port }),
        (None, Some(_), None) => {
            Err(Mistake::of("destination_port", "it is missing: `data` is for an application's port"))
        }
        (Some(_), None, Some(_)) => {
            Err(Mistake::of("destination_port", "it goes with `data`, not with `text`"))
        }
        (Some(_), Some(_), _) => {
            Err(Mistake::of("data", "it stands beside `text`: give one of them, not both"))
        }
        (None, None, _) => {
            Err(Mistake::of("text", "it is missing: the message, or `data` with a `destination_port`"))
        }
    }
}

/// The least a request has.
const EXAMPLE: &str = r#"{"to":"+4915112345678","text":"Hello"}"#;

/// The names of the text.
const TEXT: [&str; 3] = ["text", "message", "body"];

const RECIPIENTS: &str = "a phone number in quotes such as \"+4915112345678\", or an array of them";

const LEGAL_ID: &str = "1 to 64 of A-Z a-z 0-9 . _ ~ : - in quotes";

fn not_empty(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn legal_id(id: &str) -> Option<String> {
    Some(id.to_owned()).filter(|id| is_legal_id(id))
}

fn encoding(word: &str) -> Option<Encoding> {
    Encoding::deserialize(StrDeserializer::<serde::de::value::Error>::new(word)).ok()
}

/// Reads a payload of `cancel`: the id of the request to cancel.
pub fn read_cancel(payload: &[u8]) -> Result<String, Box<Rejection>> {
    let read = |mut fields: Fields| {
        let id = fields.parsed(&["id"], LEGAL_ID, legal_id)?;
        fields.finish()?;
        id.ok_or_else(|| Mistake::of("id", "it is missing: that of the request to cancel"))
    };
    let id = Fields::read(payload, r#"{"id":"order-17"}"#).and_then(read);
    // Not under the id that it names: that request has results of its own.
    id.map_err(|mistake| Box::new(Rejection::unreadable(payload, mistake.into())))
}

/// A USSD payload that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UssdRejection {
    /// The caller's id, where that can be read.
    pub id: Option<String>,
    /// What is wrong.
    pub mistake: Mistake,
}

/// Reads a payload of `ussd/<modem>`.
pub fn read_ussd(payload: &[u8]) -> Result<UssdRequest, UssdRejection> {
    let rejection = |mistake| UssdRejection { id: request_id(payload), mistake };
    Fields::read(payload, r#"{"code":"*100#"}"#).and_then(ussd_request).map_err(rejection)
}

fn ussd_request(mut fields: Fields) -> Result<UssdRequest, Mistake> {
    let expected =
        format!("1 to {MAX_USSD_LENGTH} characters in quotes, no quotes or control characters among them");
    let id = fields.parsed(&["id"], LEGAL_ID, legal_id)?;
    let code = fields.parsed(&["code"], &expected, ussd_string)?;
    let reply = fields.parsed(&["reply"], &expected, ussd_string)?;
    let is_cancelled = fields.flag("cancel")?.unwrap_or_default();
    fields.finish()?;
    let action = match (code, reply, is_cancelled) {
        (Some(text), None, false) => UssdAction::Code(text),
        (None, Some(text), false) => UssdAction::Reply(text),
        (None, None, true) => UssdAction::Cancel,
        (None, None, false) => {
            return Err(Mistake::of("code", "it is missing: expected one of `code`, `reply` and `cancel`"));
        }
        _ => return Err(Mistake::of("code", "expected one of `code`, `reply` and `cancel`, not several")),
    };
    Ok(UssdRequest { id, action })
}

/// The string is quoted on the modem's line, and Ctrl-Z or the end of the line would end it.
fn ussd_string(text: &str) -> Option<String> {
    let is_legal = (1..=MAX_USSD_LENGTH).contains(&text.chars().count())
        && !text.contains('"')
        && !text.chars().any(char::is_control);
    is_legal.then(|| text.to_owned())
}

/// What a payload of `restart/<modem>` is, where it is no JSON.
pub const RESTART: &str = "restart";

/// Reads a payload of `restart/<modem>`: the word, or an object without anything but an id.
pub fn read_restart(payload: &[u8]) -> Result<(), Mistake> {
    if payload == RESTART.as_bytes() {
        return Ok(());
    }
    let mut fields = Fields::read(payload, "{}")?;
    fields.parsed(&["id"], LEGAL_ID, legal_id)?;
    fields.finish()
}

/// The id of a request, where that can be read.
pub fn request_id(payload: &[u8]) -> Option<String> {
    readable_id(&Fields::read(payload, EXAMPLE).ok()?)
}

/// What the rejection of a payload quotes, as a payload: the rest need not be kept.
pub fn shortened(payload: &[u8]) -> Vec<u8> {
    let fields = Fields::read(payload, EXAMPLE).ok();
    match fields.and_then(|fields| Some((readable_id(&fields)?, readable_recipient(&fields)))) {
        Some((id, to)) => json!({"id": id, "to": to}).to_string().into_bytes(),
        None => payload[..payload.len().min(MAX_PAYLOAD_SHOWN)].to_vec(),
    }
}

fn readable_recipient(fields: &Fields) -> Option<String> {
    fields.peek(&["to", "number", "target"]).map(quoted)
}

fn readable_id(fields: &Fields) -> Option<String> {
    fields.peek(&["id"]).filter(|id| is_legal_id(id)).map(str::to_owned)
}

/// Whether a request may have this id: 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`.
pub fn is_legal_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b':' | b'-'))
}

fn beginning(payload: &[u8]) -> String {
    String::from_utf8_lossy(&payload[..payload.len().min(MAX_PAYLOAD_SHOWN)]).into_owned()
}
