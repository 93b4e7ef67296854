//! Owns the check of what crosses the broker against docs/schema/: the files as they are published.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::sync::{LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::Value;

use super::mqtt_packets::Publish;
use super::proxy::{Crossing, Record};
use super::sources::root;

/// The schemas, each compiled once.
static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let folder = root().join("docs/schema");
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let names =
        entries.map(|entry| entry.expect("a folder entry").file_name().to_string_lossy().into_owned());
    let schemas = names.filter_map(|file| Some((file.strip_suffix(".schema.json")?.to_owned(), file)));
    schemas.map(|(name, file)| (name, compiled(&folder.join(file)))).collect()
});

fn compiled(path: &std::path::Path) -> Validator {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let schema: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What `value` has that its schema does not allow, in words; nothing where all is well.
pub fn mistakes(schema: &str, value: &Value) -> Vec<String> {
    let validator = SCHEMAS.get(schema).unwrap_or_else(|| panic!("docs/schema/ has no {schema}.schema.json"));
    let mistakes = validator.iter_errors(value);
    mistakes.map(|mistake| format!("{}: {mistake}", mistake.instance_path())).collect()
}

/// Which schema holds for a topic, by its last levels; a prefix may have several.
pub fn schema_of(topic: &str) -> Option<&'static str> {
    let levels: Vec<&str> = topic.split('/').collect();
    Some(match levels[..] {
        [_, .., "modem" | "gateway", _, "availability"] => "availability",
        [_, .., "ussd", _, "reply"] => "ussd-reply",
        [_, .., "received" | "last", _] => "received",
        [_, .., "call", _] => "call",
        [_, .., "broadcast", _] => "broadcast",
        [_, .., "modem", _] => "modem",
        [_, .., "gateway", _] => "gateway",
        [_, .., "send", _] | [_, .., "send"] => "send",
        [_, .., "ussd", _] => "ussd",
        [_, .., "restart", _] => "restart",
        [_, .., "cancel"] => "cancel",
        [_, .., "result"] => "result",
        _ => return None,
    })
}

fn is_request(topic: &str) -> bool {
    matches!(schema_of(topic), Some("send" | "cancel" | "ussd" | "restart"))
}

/// What is wrong with a message that smsbridge published: the gateway, or its command line.
pub fn mistake_of(publish: &Publish) -> Option<String> {
    // An empty one takes a retained one off the broker; what Home Assistant is told has the form that it wants.
    let is_announcement = publish.topic.contains("/device/") && publish.topic.ends_with("/config");
    if publish.payload.is_empty() || is_announcement {
        return None;
    }
    // Elsewhere there are only the copies of results that callers ask for.
    let schema = schema_of(&publish.topic).unwrap_or("result");
    let text = String::from_utf8_lossy(&publish.payload);
    let value = match schema {
        "availability" => Ok(Value::from(text.as_ref())),
        _ => serde_json::from_slice(&publish.payload),
    };
    let mistakes = match value {
        Ok(value) => mistakes(schema, &value),
        Err(error) => vec![format!("no JSON: {error}")],
    };
    let words =
        || format!("{} is not as docs/schema/{schema}.schema.json says: {mistakes:?}: {text}", publish.topic);
    (!mistakes.is_empty()).then(words)
}

/// Topic and payload.
type Message = (String, Vec<u8>);

/// What tests publish on the gateway's topics themselves.
static FORGED: LazyLock<Mutex<HashSet<Message>>> = LazyLock::new(Mutex::default);

/// Remembers what a test publishes, so that it is not taken for the gateway's.
pub fn forged(publish: &Publish) {
    if !is_request(&publish.topic) {
        let mut forged = FORGED.lock().unwrap_or_else(PoisonError::into_inner);
        forged.insert((publish.topic.clone(), publish.payload.clone()));
    }
}

/// What is wrong with a message that a subscriber got: on a topic of the gateway's, and not from a test.
pub fn mistake_of_received(publish: &Publish) -> Option<String> {
    if schema_of(&publish.topic).is_none() || is_request(&publish.topic) {
        return None;
    }
    let mistake = mistake_of(publish)?;
    let forged = FORGED.lock().unwrap_or_else(PoisonError::into_inner);
    (!forged.contains(&(publish.topic.clone(), publish.payload.clone()))).then_some(mistake)
}

/// What a command prints with `--json` is as its schema says, line by line.
pub fn assert_printed(schema: &str, output: &[u8]) {
    for line in String::from_utf8_lossy(output).lines() {
        let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("not a JSON line: {e}: {line}"));
        let mistakes = mistakes(schema, &value);
        assert!(mistakes.is_empty(), "not as docs/schema/{schema}.schema.json says: {mistakes:?}: {line}");
    }
}

/// The same for a command line; nothing where what it prints has no schema.
pub fn assert_output(arguments: &[&str], output: &[u8]) {
    let schema = match arguments.first() {
        Some(&command @ ("status" | "history" | "parked" | "detect")) => command,
        Some(&"send") => "result",
        _ => return,
    };
    if arguments.contains(&"--json") {
        assert_printed(schema, output);
    }
}

/// Requests of which gateway and schema do not say the same: taken against the schema, or refused with it.
pub fn disagreements(record: &Record) -> Vec<String> {
    let answers = record.from_gateway.iter().filter_map(|crossing| {
        let json: Value = serde_json::from_slice(&crossing.publish.payload).ok()?;
        let id = json["id"].as_str()?.to_owned();
        let (schema, is_taken) = match (schema_of(&crossing.publish.topic)?, json["state"].as_str()?) {
            ("result", "accepted") => ("send", true),
            ("result", "rejected") if json["error"]["code"] == "malformed" => ("send", false),
            ("result", "cancelled") => ("cancel", true),
            ("ussd-reply", "done" | "more") => ("ussd", true),
            _ => return None,
        };
        Some((id, schema, is_taken))
    });
    let answers: HashSet<_> = answers.collect();
    let mut requests: HashMap<(&str, String), Vec<Value>> = HashMap::new();
    for Crossing { publish, .. } in &record.to_gateway {
        let request = serde_json::from_slice::<Value>(&publish.payload).ok();
        if let (Some(schema), Some(request)) = (schema_of(&publish.topic), request)
            && let Some(id) = request["id"].as_str()
        {
            requests.entry((schema, id.to_owned())).or_default().push(request);
        }
    }
    let found = answers.into_iter().filter_map(|(id, schema, is_taken)| {
        // A rule's reply has no request.
        disagreement(requests.get(&(schema, id))?, schema, is_taken)
    });
    found.collect()
}

/// Several requests may share an id: it is enough that one of them is what the answer says.
fn disagreement(requests: &[Value], schema: &str, is_taken: bool) -> Option<String> {
    let agrees = |request: &Value| mistakes(schema, request).is_empty() == is_taken;
    if requests.iter().any(agrees) {
        return None;
    }
    let done = if is_taken { "took" } else { "refused" };
    let said: Vec<_> = requests.iter().map(|request| mistakes(schema, request)).collect();
    Some(format!("the gateway {done} what docs/schema/{schema}.schema.json says {said:?} of: {requests:?}"))
}

#[test]
fn a_message_that_is_not_as_its_schema_says_is_found() {
    let publish = |topic: &str, payload: &str| Publish {
        topic: topic.to_owned(),
        payload: payload.as_bytes().to_vec(),
        ..Publish::default()
    };
    let good = r#"{"id":"a1","to":"+491","state":"sent","final":true,"at":"2026-11-22T07:15:35.002Z"}"#;
    for topic in ["sms/result", "a/b/result", "answers/7"] {
        assert_eq!(mistake_of(&publish(topic, good)), None);
    }
    for (topic, payload, words) in [
        ("sms/result", good.replace("sent", "gone"), "/state"),
        ("answers/7", good.replace("a1", "a 1"), "/id"),
        ("sms/result", good.replace("2026-", ""), "/at"),
        ("sms/result", good.replace(r#""final""#, r#""finale""#), "final"),
        ("sms/gateway/attic", "online".to_owned(), "no JSON"),
        ("sms/gateway/attic/availability", "on".to_owned(), "oneOf"),
        ("sms/modem/main", "{}".to_owned(), "counters"),
        ("sms/received/main", good.to_owned(), "sms/received/main"),
    ] {
        let mistake =
            mistake_of(&publish(topic, &payload)).unwrap_or_else(|| panic!("{topic} {payload} was taken"));
        assert!(mistake.contains(words), "{mistake}");
    }
}

#[test]
fn a_request_that_is_taken_against_its_schema_is_found() {
    let crossing = |topic: &str, payload: &str| Crossing {
        connection: 0,
        publish: Publish {
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            ..Publish::default()
        },
        acknowledged: None,
    };
    let record = |request: &str, state: &str| Record {
        to_gateway: vec![crossing("sms/send", request)],
        from_gateway: vec![crossing("sms/result", &format!(r#"{{"id":"a1","state":{state}}}"#))],
        ..Record::default()
    };
    let (good, bad) = (r#"{"id":"a1","to":"1","text":"x"}"#, r#"{"id":"a1","to":"1","txt":"x"}"#);
    let (accepted, malformed) = (r#""accepted""#, r#""rejected","error":{"code":"malformed"}"#);
    for (request, state, agrees) in
        [(good, accepted, true), (bad, malformed, true), (bad, accepted, false), (good, malformed, false)]
    {
        assert_eq!(disagreements(&record(request, state)).is_empty(), agrees, "{request} {state}");
    }
}
