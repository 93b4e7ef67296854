//! The forms of requests. They are read by hand, for the sake of the words for what is wrong with them, so that these
//! are second ones: the tests below hold them against the reader.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use smsbridge_codec::Encoding;

use super::super::request::{MAX_USSD_LENGTH, RESTART};
use super::words;

/// A request on `sms/send` or `sms/send/<modem>`. Null says that a field is not given; an unknown field is refused.
#[derive(JsonSchema)]
#[schemars(rename = "SendRequest", deny_unknown_fields, extend("not" = any_of(refused_to_send())))]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SendForm {
    /// The caller's own; makes the request idempotent: the same again sends nothing and repeats the last result.
    #[schemars(extend("pattern" = words::ID))]
    id: Option<String>,
    /// A phone number in any writing, the name of a `[[contact]]`, or an array of these.
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
#[schemars(rename = "UssdRequest", deny_unknown_fields, extend("not" = any_of(refused_ussd())))]
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

/// What is published on `sms/restart/<modem>`.
#[derive(JsonSchema)]
#[schemars(rename = "RestartRequest", untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum RestartForm {
    /// The word `restart`, as a button sends it: a text, no JSON.
    Word(#[schemars(extend("const" = RESTART))] String),
    /// The same as JSON.
    Object(RestartObject),
}

/// A restart, with an id for its sender's own use.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct RestartObject {
    /// The caller's own.
    #[schemars(extend("pattern" = words::ID))]
    id: Option<String>,
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

// What goes together and what does not is one `not`: programs that make types of a schema pass over it, and would make
// a type of each case where it were said what is right.

fn any_of(mistakes: Vec<Value>) -> Value {
    json!({ "anyOf": mistakes })
}

/// That all of `given` are there, and none of `missing`.
fn mistake(words: &str, given: &[&str], missing: &[&str]) -> Value {
    let given_ones = given.iter().map(|name| (*name, json!({ "not": { "type": "null" } })));
    let missing = missing.iter().map(|name| (*name, json!({ "type": "null" })));
    let properties: BTreeMap<&str, Value> = given_ones.chain(missing).collect();
    match given {
        [] => json!({ "description": words, "properties": properties }),
        given => json!({ "description": words, "properties": properties, "required": given }),
    }
}

/// That two of `names` are there.
fn two_of(words: &str, names: &[&str]) -> Vec<Value> {
    let pairs = names
        .iter()
        .enumerate()
        .flat_map(|(at, one)| names[at + 1..].iter().map(move |other| [*one, *other]));
    pairs.map(|pair| mistake(words, &pair, &[])).collect()
}

fn refused_to_send() -> Vec<Value> {
    let recipients = ["to", "number", "target"];
    let contents = ["text", "message", "body", "data"];
    let one_of_each = [
        mistake("There is no recipient.", &[], &recipients),
        mistake("There is neither a text nor data.", &[], &contents),
        mistake("The port of data is missing.", &["data"], &["destination_port"]),
        mistake("There is a port, but no data.", &["destination_port"], &["data"]),
        json!({
            "description": "Flash is class 0, and another class is given.",
            "properties": { "flash": { "const": true }, "class": { "type": "integer", "minimum": 1 } },
            "required": ["flash", "class"],
        }),
    ];
    let two = two_of("Two names of the recipient.", &recipients).into_iter();
    let both = two_of("Two texts, or a text and data.", &contents);
    one_of_each.into_iter().chain(two).chain(both).collect()
}

fn refused_ussd() -> Vec<Value> {
    let cancels = |with: &str| {
        json!({
            "description": "A menu is ended and something else is asked for.",
            "properties": { "cancel": { "const": true }, with: { "not": { "type": "null" } } },
            "required": ["cancel", with],
        })
    };
    let nothing = json!({
        "description": "There is neither a code nor a reply, and no menu is ended.",
        "properties": {
            "code": { "type": "null" },
            "reply": { "type": "null" },
            "cancel": { "not": { "const": true } },
        },
    });
    vec![nothing, mistake("A code and a reply.", &["code", "reply"], &[]), cancels("code"), cancels("reply")]
}
