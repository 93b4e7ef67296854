//! Reading what callers publish: requests to send, to cancel, and for USSD.
//!
//! Pure. Says what was asked for, or in words why that cannot be read; never whether it may be done. Input: payloads as
//! the broker delivers them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use smsbridge_codec::Encoding;

use crate::event::{MessageState, ResultFields, SendResult};
use crate::failure::{Failure, FailureCode, quoted};
use crate::message::{Name, UnixMs};
use crate::request::{Body, Content, SendRequest};
use crate::ussd_queue::{UssdAction, UssdRequest};

/// Octets of a payload without a readable id that its rejection repeats.
const MAX_PAYLOAD_SHOWN: usize = 200;

/// Characters of a USSD string (TS 23.038 5: 160 octets of packed septets).
const MAX_USSD_LENGTH: usize = 182;

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

impl Rejection {
    /// Rejects a payload, whatever it says.
    pub fn new(payload: &[u8], failure: Failure) -> Self {
        let value = read_object(payload).ok();
        let id = value.as_ref().and_then(readable_id);
        match (id, value) {
            (Some(id), Some(value)) => {
                Rejection { id: Some(id), to: readable_recipient(&value), payload: None, failure }
            }
            _ => Rejection::unreadable(payload, failure),
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

fn malformed(message: impl Into<String>) -> Failure {
    Failure::permanent(FailureCode::Malformed, message)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendForm {
    id: Option<String>,
    #[serde(alias = "number", alias = "target")]
    to: OneOrMany,
    #[serde(alias = "message", alias = "body")]
    text: Option<String>,
    data: Option<String>,
    destination_port: Option<u16>,
    modem: Option<String>,
    delivery_report: Option<bool>,
    ttl_s: Option<u32>,
    send_at: Option<Timestamp>,
    #[serde(default)]
    priority: u8,
    class: Option<u8>,
    #[serde(default)]
    flash: bool,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    transliterate: bool,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`to` must be a number as a string, or an array of them")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads a payload of `send`.
pub fn read_send(payload: &[u8]) -> Result<SendRequest, Box<Rejection>> {
    let value = read_object(payload).map_err(|failure| Box::new(Rejection::unreadable(payload, failure)))?;
    let (id, to) = (readable_id(&value), readable_recipient(&value));
    SendForm::deserialize(value)
        .map_err(|error| malformed(error.to_string()))
        .and_then(SendForm::into_request)
        .map_err(|failure| {
            let payload = id.is_none().then(|| beginning(payload));
            Box::new(Rejection { id, to, payload, failure })
        })
}

impl SendForm {
    fn into_request(self) -> Result<SendRequest, Failure> {
        if self.id.as_deref().is_some_and(|id| !is_legal_id(id)) {
            return Err(malformed("`id`: expected 1 to 64 of A-Z a-z 0-9 . _ ~ : -"));
        }
        let to = match self.to {
            OneOrMany::One(number) => vec![number],
            OneOrMany::Many(numbers) => numbers,
        };
        if to.is_empty() {
            return Err(malformed("`to`: expected at least one number"));
        }
        let content = match (self.text, self.data, self.destination_port) {
            (Some(text), None, None) => Content::Text(text),
            (None, Some(data), Some(destination_port)) => Content::Data {
                octets: BASE64.decode(data).map_err(|e| malformed(format!("`data`: not base64 ({e})")))?,
                destination_port,
            },
            (None, Some(_), None) => return Err(malformed("`data` needs a `destination_port`")),
            (Some(_), None, Some(_)) => {
                return Err(malformed("`destination_port` goes with `data`, not with `text`"));
            }
            (Some(_), Some(_), _) => return Err(malformed("`text` and `data`: give one of them, not both")),
            (None, None, _) => return Err(malformed("`text` is missing")),
        };
        let class = match (self.class, self.flash) {
            (Some(class @ 1..=3), false) => Some(class),
            (Some(0), _) | (None, true) => Some(0),
            (None, false) => None,
            (Some(1..=3), true) => return Err(malformed("`flash` means class 0, `class` says another")),
            (Some(_), _) => return Err(malformed("`class`: expected 0 to 3")),
        };
        if self.priority > 9 {
            return Err(malformed("`priority`: expected 0 to 9"));
        }
        let modem = self.modem.map(|name| name.parse::<Name>()).transpose();
        Ok(SendRequest {
            id: self.id,
            to,
            body: Body { content, class, encoding: self.encoding, transliterate: self.transliterate },
            modem: modem.map_err(|e| malformed(format!("`modem`: {e}")))?,
            delivery_report: self.delivery_report,
            ttl_s: self.ttl_s,
            send_at: self.send_at.map(Timestamp::as_millisecond),
            priority: self.priority,
            dry_run: self.dry_run,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelForm {
    id: String,
}

/// Reads a payload of `cancel`: the id of the request to cancel.
pub fn read_cancel(payload: &[u8]) -> Result<String, Box<Rejection>> {
    let read = read_object(payload)
        .and_then(|value| CancelForm::deserialize(value).map_err(|error| malformed(error.to_string())));
    read.map(|form| form.id).map_err(|failure| Box::new(Rejection::unreadable(payload, failure)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UssdForm {
    id: Option<String>,
    code: Option<String>,
    reply: Option<String>,
    #[serde(default)]
    cancel: bool,
}

/// A USSD payload that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UssdRejection {
    /// The caller's id, where that can be read.
    pub id: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// Reads a payload of `ussd/<modem>`.
pub fn read_ussd(payload: &[u8]) -> Result<UssdRequest, UssdRejection> {
    let value =
        read_object(payload).map_err(|failure| UssdRejection { id: None, reason: failure.message })?;
    let id = readable_id(&value);
    let rejection = |reason: String| UssdRejection { id: id.clone(), reason };
    let form = UssdForm::deserialize(value).map_err(|error| rejection(error.to_string()))?;
    let action = match (form.code, form.reply, form.cancel) {
        (Some(text), None, false) => UssdAction::Code(text),
        (None, Some(text), false) => UssdAction::Reply(text),
        (None, None, true) => UssdAction::Cancel,
        _ => return Err(rejection("expected one of `code`, `reply` and `cancel`".to_owned())),
    };
    // The string is quoted on the modem's line, and Ctrl-Z or the end of the line would end it.
    if let UssdAction::Code(text) | UssdAction::Reply(text) = &action
        && (text.is_empty()
            || text.len() > MAX_USSD_LENGTH
            || text.contains('"')
            || text.chars().any(char::is_control))
    {
        let reason = format!("expected 1 to {MAX_USSD_LENGTH} characters, no quotes or control characters");
        return Err(rejection(reason));
    }
    Ok(UssdRequest { id: form.id, action })
}

/// What the rejection of a payload quotes, as a payload: the rest need not be kept.
pub fn shortened(payload: &[u8]) -> Vec<u8> {
    let Ok(value) = read_object(payload) else {
        return payload[..payload.len().min(MAX_PAYLOAD_SHOWN)].to_vec();
    };
    match readable_id(&value) {
        Some(id) => json!({"id": id, "to": readable_recipient(&value)}).to_string().into_bytes(),
        None => payload[..payload.len().min(MAX_PAYLOAD_SHOWN)].to_vec(),
    }
}

fn read_object(payload: &[u8]) -> Result<Value, Failure> {
    let value = serde_json::from_slice::<Value>(payload).map_err(|error| {
        malformed(format!(
            r#"not JSON ({error}); expected JSON such as {{"to":"+4915112345678","text":"Hello"}}"#
        ))
    })?;
    if !value.is_object() {
        return Err(malformed(r#"not a JSON object; expected {"to": …, "text": …}"#));
    }
    Ok(value)
}

fn readable_recipient(value: &Value) -> Option<String> {
    ["to", "number", "target"].iter().find_map(|key| value.get(key)?.as_str()).map(quoted)
}

fn readable_id(value: &Value) -> Option<String> {
    value.get("id")?.as_str().filter(|id| is_legal_id(id)).map(str::to_owned)
}

/// Whether a request may have this id: 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`.
pub fn is_legal_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b':' | b'-'))
}

fn beginning(payload: &[u8]) -> String {
    String::from_utf8_lossy(&payload[..payload.len().min(MAX_PAYLOAD_SHOWN)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SendRequest {
        read_send(text.as_bytes()).unwrap_or_else(|e| panic!("{text} was rejected: {e:?}"))
    }

    #[test]
    fn aliases_of_other_gateways_are_accepted() {
        for text in [
            r#"{"to":"+491","text":"x"}"#,
            r#"{"number":"+491","message":"x"}"#,
            r#"{"target":["+491"],"body":"x"}"#,
        ] {
            let request = read(text);
            assert_eq!(request.to, ["+491"]);
            assert_eq!(request.body.content, Content::Text("x".to_owned()));
        }
    }

    #[test]
    fn a_rejection_says_what_is_wrong_and_keeps_the_id() {
        for (text, id, words) in [
            (r#"{"id":"a1","to":"+491","text":"x","ttl":5}"#, Some("a1"), "unknown field `ttl`"),
            (r#"{"id":"a1","to":"+491"}"#, Some("a1"), "`text` is missing"),
            (r#"{"id":"a 1","to":"+491","text":"x"}"#, None, "`id`"),
            (r#"{"to":5,"text":"x"}"#, None, "`to` must be"),
            (r#"{"to":[],"text":"x"}"#, None, "at least one"),
            (r#"{"to":"1","text":"x","class":4}"#, None, "`class`"),
            (r#"{"to":"1","data":"AA=="}"#, None, "destination_port"),
            ("Hello", None, "not JSON"),
            ("[1]", None, "not a JSON object"),
        ] {
            let rejection = read_send(text.as_bytes()).expect_err(text);
            assert!(rejection.failure.message.contains(words), "{text}: {}", rejection.failure.message);
            assert_eq!(rejection.id.as_deref(), id, "{text}");
            assert_eq!(rejection.payload.is_some(), id.is_none(), "{text}");
        }
    }

    #[test]
    fn hostile_payloads_are_rejected_and_shown_in_part() {
        let deep = "[".repeat(100_000);
        let invalid = [b'{', 0xff, 0xfe, 0];
        for payload in [deep.as_bytes(), &invalid, b"", b"\0"] {
            let rejection = read_send(payload).expect_err("a hostile payload was accepted");
            assert!(rejection.payload.is_some_and(|shown| shown.len() <= 3 * MAX_PAYLOAD_SHOWN));
        }
    }

    #[test]
    fn a_ussd_string_that_would_end_the_modems_line_is_rejected() {
        for text in [
            r#"{"code":""}"#,
            r#"{"code":"*1\u001a"}"#,
            r#"{"code":"*1\""}"#,
            r#"{"code":"1","cancel":true}"#,
        ] {
            read_ussd(text.as_bytes()).expect_err(text);
        }
        let request = read_ussd(br#"{"id":"u1","code":"*100#"}"#).unwrap();
        assert_eq!(request.action, UssdAction::Code("*100#".to_owned()));
        let rejection = read_ussd(br#"{"id":"u1"}"#).unwrap_err();
        assert_eq!(rejection.id.as_deref(), Some("u1"));
    }
}
