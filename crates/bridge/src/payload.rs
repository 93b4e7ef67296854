//! The JSON contract: what a caller may write on `send` and `cancel`, and what we write on every topic.
//!
//! Pure: text <-> values of `message.rs`. Never decides whether something may be sent; it says what was asked, or in
//! words why that could not be read. Input: payloads as the broker delivers them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::message::{
    Body, Content, Details, Encoding, Failure, Name, Outcome, Outgoing, Readable, Received, State, UnixMs,
};
use crate::rules::Match;

/// Octets of an unreadable payload that are shown in its rejection.
const SHOWN: usize = 200;

/// A `send` payload, read but not yet judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The caller's id.
    pub id: Option<String>,
    /// Recipients as written.
    pub to: Vec<String>,
    /// What to send.
    pub body: Body,
    /// The modem named.
    pub modem: Option<Name>,
    /// Whether a status report is wanted.
    pub delivery_report: Option<bool>,
    /// Seconds until it is given up; 0 for never.
    pub ttl_s: Option<u32>,
    /// Not before.
    pub send_at: Option<UnixMs>,
    /// 0 to 9.
    pub priority: u8,
    /// Only say what it would take.
    pub dry_run: bool,
}

/// A payload that could not be read: what may still be said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The id, where at least that could be read.
    pub id: Option<String>,
    /// The recipient, likewise.
    pub to: Option<String>,
    /// The beginning of the payload, where there is no id.
    pub payload: Option<String>,
    /// What was wrong.
    pub failure: Failure,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelForm {
    id: String,
}

/// Reads a `send` payload.
pub fn read_send(payload: &[u8]) -> Result<Ask, Box<Unreadable>> {
    let value = read_object(payload)?;
    let id = readable_id(&value);
    let to = recipient(&value);
    SendForm::deserialize(value)
        .map_err(|e| Failure::permanent("malformed", e.to_string()))
        .and_then(SendForm::into_ask)
        .map_err(|failure| {
            let payload = id.is_none().then(|| beginning(payload));
            Box::new(Unreadable { id, to, payload, failure })
        })
}

/// Reads a `cancel` payload: the id.
pub fn read_cancel(payload: &[u8]) -> Result<String, Box<Unreadable>> {
    let value = read_object(payload)?;
    match CancelForm::deserialize(value) {
        Ok(form) => Ok(form.id),
        Err(e) => Err(unreadable(payload, Failure::permanent("malformed", e.to_string()))),
    }
}

/// A rejection of a payload nobody looked into.
pub fn unreadable(payload: &[u8], failure: Failure) -> Box<Unreadable> {
    Box::new(Unreadable { id: None, to: None, payload: Some(beginning(payload)), failure })
}

/// A rejection of a request that is refused whatever it says; its id is told where one can be read.
pub fn refused(payload: &[u8], failure: Failure) -> Unreadable {
    match read_object(payload) {
        Ok(value) if readable_id(&value).is_some() => {
            Unreadable { id: readable_id(&value), to: recipient(&value), payload: None, failure }
        }
        _ => *unreadable(payload, failure),
    }
}

fn recipient(value: &serde_json::Value) -> Option<String> {
    ["to", "number", "target"].iter().find_map(|key| value.get(key)?.as_str()).map(str::to_owned)
}

fn read_object(payload: &[u8]) -> Result<serde_json::Value, Box<Unreadable>> {
    let value = serde_json::from_slice::<serde_json::Value>(payload).map_err(|e| {
        let example = r#"expected JSON such as {"to":"+4915112345678","text":"Hello"}"#;
        unreadable(payload, Failure::permanent("malformed", format!("not JSON ({e}); {example}")))
    })?;
    if value.is_object() {
        return Ok(value);
    }
    Err(unreadable(
        payload,
        Failure::permanent("malformed", "not a JSON object: {\"to\": …, \"text\": …} is expected"),
    ))
}

fn readable_id(value: &serde_json::Value) -> Option<String> {
    value.get("id")?.as_str().filter(|id| is_legal_id(id)).map(str::to_owned)
}

/// 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`.
pub fn is_legal_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b':' | b'-'))
}

fn beginning(payload: &[u8]) -> String {
    String::from_utf8_lossy(&payload[..payload.len().min(SHOWN)]).into_owned()
}

impl SendForm {
    fn into_ask(self) -> Result<Ask, Failure> {
        let wrong = |message: &str| Failure::permanent("malformed", message);
        if self.id.as_deref().is_some_and(|id| !is_legal_id(id)) {
            return Err(wrong("`id`: 1 to 64 of A-Z a-z 0-9 . _ ~ : - are expected"));
        }
        let to = match self.to {
            OneOrMany::One(number) => vec![number],
            OneOrMany::Many(numbers) => numbers,
        };
        if to.is_empty() {
            return Err(wrong("`to`: at least one number is expected"));
        }
        let content = match (self.text, self.data, self.destination_port) {
            (Some(text), None, None) => Outgoing::Text(text),
            (None, Some(data), Some(destination_port)) => Outgoing::Data {
                octets: BASE64.decode(data).map_err(|e| wrong(&format!("`data`: not base64 ({e})")))?,
                destination_port,
            },
            (None, Some(_), None) => return Err(wrong("`data` needs a `destination_port`")),
            (Some(_), None, Some(_)) => {
                return Err(wrong("`destination_port` goes with `data`, not with `text`"));
            }
            (Some(_), Some(_), _) => return Err(wrong("`text` and `data`: only one of them may stand")),
            (None, None, _) => return Err(wrong("`text` is missing")),
        };
        let class = match (self.class, self.flash) {
            (Some(class @ 1..=3), false) => Some(class),
            (Some(0), _) | (None, true) => Some(0),
            (None, false) => None,
            (Some(1..=3), true) => return Err(wrong("`flash` is class 0; `class` says another")),
            (Some(_), _) => return Err(wrong("`class`: 0 to 3 are expected")),
        };
        if self.priority > 9 {
            return Err(wrong("`priority`: 0 to 9 are expected"));
        }
        let modem = self.modem.map(|name| name.parse::<Name>()).transpose();
        Ok(Ask {
            id: self.id,
            to,
            body: Body { content, class, encoding: self.encoding, transliterate: self.transliterate },
            modem: modem.map_err(|e| wrong(&format!("`modem`: {e}")))?,
            delivery_report: self.delivery_report,
            ttl_s: self.ttl_s,
            send_at: self.send_at.map(Timestamp::as_millisecond),
            priority: self.priority,
            dry_run: self.dry_run,
        })
    }
}

/// A time as it stands in our JSON: RFC 3339, UTC, milliseconds.
pub fn time(at: UnixMs) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[derive(Serialize)]
struct ResultForm<'a> {
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    state: &'static str,
    r#final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    modem: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_sent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    at: String,
}

/// A result as it stands on `sms/result`.
pub fn result(outcome: &Outcome) -> String {
    let Details {
        modem,
        parts,
        parts_sent,
        delivered_at,
        report_missing,
        duplicate,
        dry_run,
        error,
        payload,
    } = &outcome.details;
    json(&ResultForm {
        id: outcome.id.as_deref(),
        to: outcome.to.as_deref(),
        state: outcome.state.as_str(),
        r#final: outcome.is_final,
        modem: modem.as_deref(),
        parts: *parts,
        parts_sent: *parts_sent,
        delivered_at: delivered_at.as_deref(),
        report: report_missing.then_some("missing"),
        dry_run: dry_run.is_some().then_some(true),
        encoding: *dry_run,
        error: error.as_ref(),
        payload: payload.as_deref(),
        duplicate: *duplicate,
        at: time(outcome.at),
    })
}

/// The same result once more, marked as a repetition.
pub fn repeated(result: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(result).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("duplicate".to_owned(), true.into());
    }
    value.to_string()
}

/// The rejection of what could not be read, or may not be done.
pub fn rejection(refused: &Unreadable, at: UnixMs) -> Outcome {
    Outcome {
        id: refused.id.clone(),
        to: refused.to.clone(),
        state: State::Rejected,
        is_final: true,
        at,
        details: Details {
            error: Some(refused.failure.clone()),
            payload: refused.payload.clone(),
            ..Details::default()
        },
    }
}

#[derive(Serialize)]
struct ReceivedForm<'a> {
    id: &'a str,
    modem: &'a str,
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    sent_at: Option<&'a str>,
    received_at: String,
    encoding: &'static str,
    parts: u8,
    complete: bool,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    missing: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    late_for: Option<&'a str>,
    class: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    service_center: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pdus: &'a [String],
}

#[derive(Serialize)]
struct UndecodableForm<'a> {
    id: &'a str,
    modem: &'a str,
    received_at: String,
    error: &'a str,
    pdus: &'a [String],
}

/// An incoming message as it stands on `sms/received/<modem>`.
pub fn received(message: &Received, found: Option<&Match>, include_pdu: bool) -> String {
    let received_at = time(message.received_at);
    let (id, modem) = (message.id.as_str(), message.modem.as_str());
    match &message.content {
        Content::Undecodable(error) => {
            json(&UndecodableForm { id, modem, received_at, error, pdus: &message.pdus })
        }
        Content::Readable(Readable {
            from,
            text,
            data,
            sent_at,
            encoding,
            parts,
            missing,
            late_for,
            class,
            ports,
            service_center,
        }) => json(&ReceivedForm {
            id,
            modem,
            from,
            text: text.as_deref(),
            data: data.as_ref().map(|octets| BASE64.encode(octets)),
            sent_at: sent_at.as_deref(),
            received_at,
            encoding,
            parts: *parts,
            complete: missing.is_empty(),
            missing,
            late_for: late_for.as_deref(),
            class: *class,
            source_port: ports.map(|(source, _)| source),
            destination_port: ports.map(|(_, destination)| destination),
            service_center: service_center.as_deref(),
            rule: found.map(|found| found.rule.as_str()),
            fields: found.map(|found| &found.fields),
            pdus: if include_pdu { &message.pdus } else { &[] },
        }),
    }
}

/// A `ussd` payload, read.
#[derive(Debug, Clone, PartialEq)]
pub struct UssdAsk {
    /// The caller's id, handed back with each answer.
    pub id: Option<String>,
    /// What is asked.
    pub act: UssdAct,
}

/// What a `ussd` payload asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum UssdAct {
    /// A code, such as `*100#`, or the answer to a menu.
    Say(String),
    /// The end of the session.
    Cancel,
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

/// Reads a `ussd` payload; in words what is wrong with it, beside the id where that can be read.
pub fn read_ussd(payload: &[u8]) -> Result<UssdAsk, (Option<String>, String)> {
    let value = read_object(payload).map_err(|refused| (None, refused.failure.message))?;
    let id = readable_id(&value);
    let form = UssdForm::deserialize(value).map_err(|e| (id.clone(), e.to_string()))?;
    let act = match (form.code, form.reply, form.cancel) {
        (Some(text), None, false) | (None, Some(text), false) => UssdAct::Say(text),
        (None, None, true) => UssdAct::Cancel,
        _ => return Err((id, "one of `code`, `reply` and `cancel` is expected".to_owned())),
    };
    // The string stands between quotes on the modem's line, and Ctrl-Z or a line's end would end it.
    if let UssdAct::Say(text) = &act
        && (text.is_empty() || text.len() > 182 || text.contains('"') || text.chars().any(char::is_control))
    {
        return Err((
            id,
            "1 to 182 characters without quotes and control characters are expected".to_owned(),
        ));
    }
    Ok(UssdAsk { id: form.id, act })
}

/// An answer on `ussd/<modem>/reply`.
pub fn ussd_reply(id: Option<&str>, text: Option<&str>, state: &str) -> String {
    json(&serde_json::json!({"id": id, "text": text, "state": state}))
}

/// A `call/<modem>` payload.
pub fn call(modem: &Name, from: Option<&str>, at: UnixMs, state: &str) -> String {
    json(&serde_json::json!({"modem": modem.as_str(), "from": from, "at": time(at), "state": state}))
}

/// JSON text of a value whose keys are all strings, which cannot fail.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Ask {
        read_send(text.as_bytes()).unwrap_or_else(|e| panic!("{text} was refused: {e:?}"))
    }

    #[test]
    fn aliases_of_other_gateways_are_understood() {
        for text in [
            r#"{"to":"+491","text":"x"}"#,
            r#"{"number":"+491","message":"x"}"#,
            r#"{"target":["+491"],"body":"x"}"#,
        ] {
            let ask = ask(text);
            assert_eq!(ask.to, ["+491"]);
            assert_eq!(ask.body.content, Outgoing::Text("x".to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_is_wrong_and_keeps_the_id() {
        for (text, id, said) in [
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
            let refused = read_send(text.as_bytes()).expect_err(text);
            assert!(refused.failure.message.contains(said), "{text}: {}", refused.failure.message);
            assert_eq!(refused.id.as_deref(), id, "{text}");
            assert_eq!(refused.payload.is_some(), id.is_none(), "{text}");
        }
    }

    #[test]
    fn hostile_payloads_are_refused_and_shown_in_part() {
        let deep = "[".repeat(100_000);
        let invalid = [b'{', 0xff, 0xfe, 0];
        for payload in [deep.as_bytes(), &invalid, b"", b"\0"] {
            let refused = read_send(payload).expect_err("a hostile payload was read");
            assert!(refused.payload.is_some_and(|shown| shown.len() <= 3 * SHOWN));
        }
    }

    #[test]
    fn a_result_has_the_contracts_form() {
        let outcome = Outcome {
            id: Some("order-17".to_owned()),
            to: Some("+4915112345678".to_owned()),
            state: State::Sent,
            is_final: true,
            at: 1_795_331_735_002,
            details: Details { modem: Some("main".to_owned()), parts: Some(2), ..Details::default() },
        };
        let expected = r#"{"id":"order-17","to":"+4915112345678","state":"sent","final":true,"modem":"main","parts":2,"at":"2026-11-22T07:15:35.002Z"}"#;
        assert_eq!(result(&outcome), expected);
        assert!(repeated(expected).contains(r#""duplicate":true"#));
    }
}
