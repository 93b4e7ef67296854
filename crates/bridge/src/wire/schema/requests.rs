//! The forms of requests. They are read by hand, for the sake of the words for what is wrong with them, so that these
//! are second ones: the tests below hold them against the reader.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use smsbridge_codec::Encoding;

use super::super::request::MAX_USSD_LENGTH;
use super::words;

/// A request on `sms/send` or `sms/send/<modem>`. Null says that a field is not given; an unknown field is refused.
#[derive(JsonSchema)]
#[schemars(rename = "SendRequest", deny_unknown_fields, extend("allOf" = [one_recipient(), one_content(), flash_is_class_0()]))]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SendForm {
    /// The caller's own; makes the request idempotent: the same again sends nothing and repeats the last result.
    #[schemars(extend("pattern" = words::ID))]
    id: Option<String>,
    /// A phone number in any writing, or an array of them.
    to: Option<Recipients>,
    /// The same as `to`.
    number: Option<Recipients>,
    /// The same as `to`.
    target: Option<Recipients>,
    /// The message.
    #[schemars(length(min = 1))]
    text: Option<String>,
    /// The same as `text`.
    #[schemars(length(min = 1))]
    message: Option<String>,
    /// The same as `text`.
    #[schemars(length(min = 1))]
    body: Option<String>,
    /// Instead of a text: octets for an application port, base64.
    #[schemars(length(min = 1), extend("pattern" = words::BASE64, "contentEncoding" = "base64"))]
    data: Option<String>,
    /// The application port that `data` is for.
    destination_port: Option<u16>,
    /// The modem to use.
    #[schemars(extend("pattern" = words::NAME))]
    modem: Option<String>,
    /// Whether to ask for a delivery report. Default: `[outbound] delivery_report`.
    delivery_report: Option<bool>,
    /// Seconds after which it is given up, counted from `send_at` where one is given; 0 for never. Default: `[outbound]
    /// ttl_s`.
    #[schemars(range(max = u32::MAX))]
    ttl_s: Option<u32>,
    /// Not to be sent before.
    #[schemars(extend("format" = "date-time"))]
    send_at: Option<String>,
    /// Higher first. Default: 0.
    #[schemars(range(max = 9))]
    priority: Option<u8>,
    /// Message class (TS 23.038 clause 4).
    #[schemars(range(max = 3))]
    class: Option<u8>,
    /// True: class 0, which is shown at once and not kept.
    flash: Option<bool>,
    /// The alphabet. Default: auto.
    encoding: Option<words::Of<Encoding>>,
    /// True: replaces characters by similar ones of GSM 7-bit, to save parts.
    transliterate: Option<bool>,
    /// True: sends nothing, and only says what would be sent.
    dry_run: Option<bool>,
}

/// A request on `sms/cancel`: to cancel what has not been sent yet.
#[derive(JsonSchema)]
#[schemars(rename = "CancelRequest", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct CancelForm {
    /// The id of the request to cancel.
    #[schemars(extend("pattern" = words::ID))]
    id: String,
}

/// A request on `sms/ussd/<modem>`: a code, the answer to a menu, or the end of a menu.
#[derive(JsonSchema)]
#[schemars(rename = "UssdRequest", deny_unknown_fields, extend("oneOf" = [
    given("code", &["reply"], &["cancel"]), given("reply", &["code"], &["cancel"]), is_cancelled(),
]))]
#[expect(dead_code, reason = "only its schema is used")]
pub struct UssdForm {
    /// The caller's own; the reply carries it, and only it answers and cancels the menu it opened.
    #[schemars(extend("pattern" = words::ID))]
    id: Option<String>,
    /// A code such as `*100#`.
    #[schemars(length(min = 1, max = MAX_USSD_LENGTH), extend("pattern" = words::USSD))]
    code: Option<String>,
    /// The answer to a menu.
    #[schemars(length(min = 1, max = MAX_USSD_LENGTH), extend("pattern" = words::USSD))]
    reply: Option<String>,
    /// True: ends the menu.
    cancel: Option<bool>,
}

struct Recipients;

impl JsonSchema for Recipients {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Recipients".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" }, "minItems": 1 })
    }
}

fn not_null() -> Value {
    json!({ "not": { "type": "null" } })
}

/// `field` is given; of the others these are not, and those are not true.
fn given(field: &str, absent: &[&str], untrue: &[&str]) -> Value {
    let absent = absent.iter().map(|name| (*name, json!({ "type": "null" })));
    let untrue = untrue.iter().map(|name| (*name, json!({ "enum": [false, null] })));
    let members = absent.chain(untrue).chain([(field, not_null())]);
    let properties: serde_json::Map<String, Value> =
        members.map(|(name, value)| (name.to_owned(), value)).collect();
    json!({ "required": [field], "properties": properties })
}

fn one_recipient() -> Value {
    let names = ["to", "number", "target"].map(|name| given(name, &[], &[]));
    json!({ "oneOf": names })
}

/// One text, or data with its port.
fn one_content() -> Value {
    let texts = ["text", "message", "body"].map(|name| given(name, &["data", "destination_port"], &[]));
    let data = json!({
        "required": ["data", "destination_port"],
        "properties": { "data": not_null(), "destination_port": not_null() },
    });
    let choices: Vec<Value> = texts.into_iter().chain([data]).collect();
    json!({ "oneOf": choices })
}

fn flash_is_class_0() -> Value {
    json!({ "not": {
        "required": ["flash", "class"],
        "properties": { "flash": { "const": true }, "class": { "type": "integer", "minimum": 1 } },
    } })
}

fn is_cancelled() -> Value {
    json!({
        "required": ["cancel"],
        "properties": { "code": { "type": "null" }, "reply": { "type": "null" }, "cancel": { "const": true } },
    })
}
