//! What a schema of a request takes, the gateway reads; what it refuses, the gateway refuses.

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::request::{read_cancel, read_restart, read_send, read_ussd};
use super::super::words;
use super::files;

/// A request: its schema, and whether the gateway can read it.
struct Request {
    name: &'static str,
    fields: Vec<String>,
    schema: Validator,
    is_read: fn(&[u8]) -> bool,
    /// The least of it.
    good: Value,
}

fn send() -> Request {
    Request::new("send", |payload| read_send(payload).is_ok(), json!({ "to": "+491", "text": "x" }))
}

fn cancel() -> Request {
    Request::new("cancel", |payload| read_cancel(payload).is_ok(), json!({ "id": "a1" }))
}

fn ussd() -> Request {
    Request::new("ussd", |payload| read_ussd(payload).is_ok(), json!({ "code": "*100#" }))
}

fn restart() -> Request {
    Request::new("restart", |payload| read_restart(payload).is_ok(), json!({}))
}

impl Request {
    fn new(name: &'static str, is_read: fn(&[u8]) -> bool, good: Value) -> Request {
        let schema = files::one(name);
        // Of what is no object always, that which is.
        let object = schema.pointer("/$defs/RestartObject").unwrap_or(&schema);
        let fields = object["properties"].as_object().expect("properties").keys().cloned().collect();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Request { name, fields, schema: options.build(&schema).expect("a schema"), is_read, good }
    }

    /// Both say the same of it; returns what.
    fn agreed(&self, payload: &Value) -> bool {
        let is_read = (self.is_read)(payload.to_string().as_bytes());
        let mistakes: Vec<String> =
            self.schema.iter_errors(payload).map(|mistake| mistake.to_string()).collect();
        assert_eq!(mistakes.is_empty(), is_read, "{} {payload}: the schema says {mistakes:?}", self.name);
        is_read
    }
}

/// Values of which some field takes one and another does not.
fn values() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "x",
        "+491",
        "a1",
        "a b",
        "main",
        "Main",
        "auto",
        "gsm7",
        "ucs2",
        "8bit",
        "*100#",
        "\"",
        "\n",
        "\u{9f}",
        "AA==",
        "AAA=",
        "AAAA",
        "AB==",
        "AAB=",
        "AA",
        "A===",
        "AA==AA==",
        "A-_A",
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00.5+03:00",
        "2026-02-30T10:00:00Z",
        "2026-11-22",
        "tomorrow",
        "é",
    ];
    let long = [32, 33, 64, 65, 182, 183].map(|length| "x".repeat(length));
    let wide = [182, 183].map(|length| "é".repeat(length));
    let numbers = [-1, 0, 1, 3, 4, 9, 10, 65_535, 65_536, 4_294_967_295, 4_294_967_296_i64, i64::MAX];
    let texts = texts.into_iter().map(str::to_owned).chain(long).chain(wide).map(Value::from);
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(1.5),
        json!([]),
        json!({}),
        json!(["+491"]),
        json!(["+491", ""]),
        json!(["+491", 5]),
        json!(["+491", null]),
        json!([["+491"]]),
        json!({ "number": "+491" }),
    ];
    texts.chain(numbers.map(Value::from)).chain(others).collect()
}

#[test]
fn each_value_of_each_field_is_taken_by_both_or_by_none() {
    for request in [send(), cancel(), ussd(), restart()] {
        let (mut taken, mut refused) = (0, 0);
        assert!(request.agreed(&request.good));
        for field in &request.fields {
            for value in values() {
                let mut payload = request.good.clone();
                payload[field] = value.clone();
                if request.agreed(&payload) {
                    taken += 1
                } else {
                    refused += 1
                }
                // Alone, and without what may stand in its way.
                let mut alone = Map::new();
                alone.insert(field.clone(), value);
                request.agreed(&Value::Object(alone));
                for (other, _) in request.good.as_object().expect("an object") {
                    if other != field {
                        payload[other] = Value::Null;
                        request.agreed(&payload);
                    }
                }
            }
        }
        assert!(taken > 5 && refused > 5, "{}: {taken} taken, {refused} refused", request.name);
    }
}

#[test]
fn a_restart_is_a_word_too() {
    let schema = restart().schema;
    for word in ["restart", "Restart", "restart ", ""] {
        assert_eq!(schema.is_valid(&json!(word)), read_restart(word.as_bytes()).is_ok(), "{word:?}");
    }
}

#[test]
fn the_fields_are_those_that_are_read() {
    for request in [send(), cancel(), ussd(), restart()] {
        let mut payload = request.good.clone();
        payload["unknown"] = json!(1);
        assert!(!request.agreed(&payload), "{} takes a field there is not", request.name);
    }
    // The words for an unknown field list those there are.
    let unknown = read_send(br#"{"to":"1","text":"x","qqqqqqqq":1}"#).expect_err("an unknown field");
    let (_, listed) = unknown.failure.message.split_once("there are ").expect("the fields there are");
    let mut listed: Vec<&str> = listed.split(", ").collect();
    listed.sort_unstable();
    assert_eq!(listed, send().fields);
}

fn any_value() -> impl Strategy<Value = Value> {
    let time = "[12][0-9]{3}-(0[1-9]|1[0-3])-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    prop_oneof![
        2 => prop::sample::select(values()),
        1 => "[A-Za-z0-9+/]{0,9}={0,3}".prop_map(Value::from),
        1 => "[ -~é\u{80}\n]{0,70}".prop_map(Value::from),
        1 => "\\PC{0,4}".prop_map(Value::from),
        1 => time.prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

fn any_request(request: &Request) -> impl Strategy<Value = Value> + use<> {
    let good = request.good.clone();
    let fields = request.fields.clone();
    let changes = prop::collection::vec((prop::sample::select(fields), any_value()), 0..5);
    (changes, any::<bool>()).prop_map(move |(changes, from_good)| {
        let mut payload = if from_good { good.clone() } else { json!({}) };
        for (field, value) in changes {
            payload[field] = value;
        }
        payload
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_request_to_send_is_taken_by_both_or_by_none(payload in any_request(&send())) {
        thread_local!(static SEND: Request = send());
        SEND.with(|request| request.agreed(&payload));
    }

    #[test]
    fn any_ussd_request_is_taken_by_both_or_by_none(payload in any_request(&ussd())) {
        thread_local!(static USSD: Request = ussd());
        USSD.with(|request| request.agreed(&payload));
    }

    #[test]
    fn a_name_and_an_id_are_what_their_patterns_say(text in "[a-zA-Z0-9._~:;/é\n -]{0,70}") {
        let is_match = |pattern: &str| {
            let schema = json!({ "pattern": pattern });
            jsonschema::is_valid(&schema, &Value::from(text.as_str()))
        };
        prop_assert_eq!(is_match(words::NAME), text.parse::<crate::message::Name>().is_ok());
        prop_assert_eq!(is_match(words::ID), super::super::request::is_legal_id(&text));
    }
}

#[test]
fn an_id_the_gateway_makes_is_what_its_pattern_says() {
    for _ in 0..100 {
        let id = crate::message::new_id();
        assert!(jsonschema::is_valid(&json!({ "pattern": words::ULID }), &json!(id)), "{id}");
    }
}

/// docs/schema/README.md lists these.
#[test]
fn where_schema_and_reader_differ_is_known() {
    let taken_by = |payload: &str| {
        let value: Value = serde_json::from_str(payload).expect("JSON");
        (send().schema.is_valid(&value), read_send(payload.as_bytes()).is_ok())
    };
    for (payload, expected) in [
        // To JSON Schema, 60.0 is a whole number.
        (r#"{"to":"1","text":"x","ttl_s":60.0}"#, (true, false)),
        // What stands twice is gone before a schema sees it.
        (r#"{"to":"1","to":"2","text":"x"}"#, (true, false)),
        // Beyond the times there are.
        (r#"{"to":"1","text":"x","send_at":"9999-12-31T23:59:59Z"}"#, (true, false)),
        // ISO 8601 that is no RFC 3339.
        (r#"{"to":"1","text":"x","send_at":"2026-11-22T10:00Z"}"#, (false, true)),
    ] {
        assert_eq!(taken_by(payload), expected, "{payload}: taken by the schema, by the reader");
    }
}
