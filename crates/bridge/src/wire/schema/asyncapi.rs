//! docs/schema/asyncapi.yaml: topics, who publishes on them, and which schema holds there.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::request::RESTART;
use super::super::topic::Topics;
use super::{examples, files};
use crate::message::Name;
use crate::request::Route;

/// What stands for itself in an address, so that it is found again there.
const PREFIX: &str = "the-prefix";
const GATEWAY: &str = "the-gateway";
const MODEM: &str = "the-modem";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    asyncapi: &'static str,
    info: Value,
    default_content_type: &'static str,
    servers: Value,
    channels: BTreeMap<&'static str, Channel>,
    operations: BTreeMap<String, Operation>,
    components: Components,
}

#[derive(Serialize)]
struct Channel {
    title: &'static str,
    address: String,
    parameters: BTreeMap<&'static str, Ref>,
    messages: BTreeMap<&'static str, Ref>,
}

#[derive(Serialize)]
struct Operation {
    title: String,
    summary: &'static str,
    action: &'static str,
    channel: Ref,
    messages: Vec<Ref>,
    bindings: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Value>,
}

#[derive(Serialize)]
struct Components {
    parameters: Value,
    messages: BTreeMap<&'static str, Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    payload: Ref,
    #[serde(skip_serializing_if = "Option::is_none")]
    bindings: Option<Value>,
    examples: Vec<Value>,
}

#[derive(Serialize)]
struct Ref {
    #[serde(rename = "$ref")]
    target: String,
}

fn reference(target: String) -> Ref {
    Ref { target }
}

/// A topic of the contract.
struct Topic {
    channel: &'static str,
    title: &'static str,
    address: String,
    /// The schema of its payload, which is its message too.
    message: &'static str,
    way: Way,
    summary: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The gateway publishes.
    Out { retain: bool },
    /// The gateway takes it; results or replies come on that channel, where there are any.
    In { answers: Option<&'static str> },
}

fn topics() -> Vec<Topic> {
    let topics = Topics::new(PREFIX, &name(GATEWAY));
    let modem = name(MODEM);
    let out = |channel, title, address, message, retain, summary| Topic {
        channel,
        title,
        address,
        message,
        way: Way::Out { retain },
        summary,
    };
    let mut all = vec![
        out(
            "received",
            "Incoming messages",
            topics.received(&modem),
            "received",
            false,
            "One complete incoming message, its parts joined. Trigger on this one.",
        ),
        out(
            "last",
            "The last incoming message",
            topics.last(&modem),
            "received",
            true,
            "The same, for dashboards that need a last value; never trigger on it.",
        ),
        out("result", "Results", topics.result(), "result", false, "Every step of every request."),
        out("call", "Incoming calls", topics.call(&modem), "call", false, "An incoming call; none is taken."),
        out(
            "broadcast",
            "Cell broadcasts",
            topics.broadcast(&modem),
            "broadcast",
            false,
            "A cell broadcast, such as an emergency alert.",
        ),
        out(
            "ussdReply",
            "USSD replies",
            topics.ussd_reply(&modem),
            "ussd-reply",
            false,
            "What the network says to a USSD request.",
        ),
        out("modem", "The state of a modem", topics.modem(&modem), "modem", true, "The modem's state."),
        out(
            "modemAvailability",
            "Whether a modem is online",
            topics.modem_availability(&modem),
            "availability",
            true,
            "True only while the gateway's is online: check both.",
        ),
        out("gateway", "The state of the gateway", topics.gateway(), "gateway", true, "The gateway's state."),
        out(
            "gatewayAvailability",
            "Whether the gateway is online",
            topics.gateway_availability(),
            "availability",
            true,
            "Also the gateway's last will.",
        ),
    ];
    let filters = topics.filters("", &[modem]);
    all.extend(filters.into_iter().map(|address| {
        let route = topics.parse(&address).unwrap_or_else(|| panic!("{address} is read by nobody"));
        taken(&route, address)
    }));
    all
}

fn taken(route: &Route, address: String) -> Topic {
    let (channel, title, message, answers) = match route {
        Route::Send { modem: None } => ("send", "Requests to send", "send", Some("result")),
        Route::Send { modem: Some(_) } => ("sendBy", "Requests to send by a modem", "send", Some("result")),
        Route::Cancel => ("cancel", "Requests to cancel", "cancel", Some("result")),
        Route::Ussd { .. } => ("ussd", "USSD requests", "ussd", Some("ussdReply")),
        Route::Restart { .. } => ("restart", "Restarts of a modem", "restart", None),
    };
    let summary = match route {
        Route::Send { modem: None } => "A request, to be sent by any modem that can.",
        Route::Send { modem: Some(_) } => "A request, to be sent by that modem.",
        Route::Cancel => "Cancels what has not been sent yet.",
        Route::Ussd { .. } => "A USSD code, or the answer to a menu.",
        Route::Restart { .. } => "Restarts that modem; for the button of a dashboard.",
    };
    Topic { channel, title, address, message, way: Way::In { answers }, summary }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// The parameters of an address, with the words that stand for them.
const PARAMETERS: [(&str, &str); 3] = [("prefix", PREFIX), ("gateway", GATEWAY), ("modem", MODEM)];

fn channel(topic: &Topic) -> Channel {
    let parameters = PARAMETERS.into_iter().filter(|(_, word)| topic.address.contains(word));
    let address = |text: String, (name, word): (&str, &str)| text.replace(word, &format!("{{{name}}}"));
    Channel {
        title: topic.title,
        address: PARAMETERS.into_iter().fold(topic.address.clone(), address),
        parameters: parameters
            .map(|(name, _)| (name, reference(format!("#/components/parameters/{name}"))))
            .collect(),
        messages: [(topic.message, reference(format!("#/components/messages/{}", topic.message)))].into(),
    }
}

fn operation(topic: &Topic) -> (String, Operation) {
    let messages = |channel, message| vec![reference(format!("#/channels/{channel}/messages/{message}"))];
    let (verb, action, retain, reply) = match topic.way {
        Way::Out { retain } => ("publish", "send", retain, None),
        Way::In { answers } => ("take", "receive", false, answers),
    };
    let mut id = topic.channel.to_owned();
    id[..1].make_ascii_uppercase();
    let operation = Operation {
        title: match topic.way {
            Way::Out { .. } => format!("The gateway publishes: {}", topic.title),
            Way::In { .. } => format!("You publish, the gateway takes: {}", topic.title),
        },
        summary: topic.summary,
        action,
        channel: reference(format!("#/channels/{}", topic.channel)),
        messages: messages(topic.channel, topic.message),
        bindings: json!({ "mqtt": { "qos": 1, "retain": retain, "bindingVersion": "0.2.0" } }),
        reply: reply.map(|channel| json!({ "channel": reference(format!("#/channels/{channel}")) })),
    };
    (format!("{verb}{id}"), operation)
}

fn message(name: &'static str) -> Message {
    let schema = files::one(name);
    let title = schema["title"].as_str().expect("a title").to_owned();
    let is_request = name == "send";
    Message {
        title,
        content_type: ["availability", "restart"].contains(&name).then_some("text/plain"),
        payload: reference(format!("./{name}.schema.json")),
        bindings: is_request.then(response_topic),
        examples: examples_of(name).into_iter().map(|payload| json!({ "payload": payload })).collect(),
    }
}

/// What a request to send may say in its MQTT 5 properties.
fn response_topic() -> Value {
    json!({ "mqtt": {
        "responseTopic": {
            "type": "string",
            "maxLength": 256,
            "description": "Where each result is published too. It has to begin with `[mqtt] response_prefix`.",
        },
        "correlationData": {
            "type": "string",
            "maxLength": 1024,
            "description": "Returned with each result on the response topic. Any octets.",
        },
        "bindingVersion": "0.2.0",
    } })
}

/// The examples of docs/contract.md, and for what has none there, all there is.
fn examples_of(message: &str) -> Vec<Value> {
    let below = |topic: &str| examples::below(&format!("## `sms/{topic}`"));
    let is_reply = |value: &Value| value.get("state").is_some();
    match message {
        "received" => below("received/<modem>"),
        "result" => below("result"),
        "call" => below("call/<modem>"),
        "broadcast" => below("broadcast/<modem>"),
        "ussd" => below("ussd/<modem>").into_iter().filter(|value| !is_reply(value)).collect(),
        "ussd-reply" => below("ussd/<modem>").into_iter().filter(is_reply).collect(),
        "modem" => below("modem/<modem>"),
        "gateway" => below("gateway/<name>"),
        "availability" => vec![json!("online"), json!("offline")],
        "restart" => vec![json!(RESTART), json!({})],
        "send" => below("send"),
        "cancel" => below("cancel"),
        other => panic!("there is no message {other}"),
    }
}

fn document() -> Document {
    let topics = topics();
    let parameter =
        |description: &str, example: &str| json!({ "description": description, "default": example });
    Document {
        asyncapi: "3.0.0",
        info: json!({
            "title": "smsbridge",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
            "description": "A gateway between GSM/LTE modems and MQTT. The document is written from its side: where it \
                says `send`, the gateway publishes and you subscribe; where it says `receive`, you publish. What the \
                fields mean and what is guaranteed is in docs/contract.md.",
        }),
        default_content_type: "application/json",
        servers: json!({
            "broker": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "protocolVersion": "5",
                "description": "Your broker. Clients may use MQTT 3.1, 3.1.1 or 5.",
            },
            "brokerWithTls": {
                "host": "localhost:8883",
                "protocol": "mqtts",
                "protocolVersion": "5",
                "description": "The same with TLS.",
            },
        }),
        channels: topics.iter().map(|topic| (topic.channel, channel(topic))).collect(),
        operations: topics.iter().map(operation).collect(),
        components: Components {
            parameters: json!({
                "prefix": parameter("`[mqtt] prefix` of the configuration; it may have several levels.", "sms"),
                "gateway": parameter("The gateway's name: 1 to 32 of a-z 0-9 _ -.", "attic"),
                "modem": parameter("A modem's name: 1 to 32 of a-z 0-9 _ -.", "main"),
            }),
            messages: topics.iter().map(|topic| (topic.message, message(topic.message))).collect(),
        },
    }
}

#[test]
fn the_asyncapi_document_is_that_of_the_topics() {
    let head = "# Written by a test: crates/bridge/src/wire/schema/asyncapi.rs\n";
    let text = serde_saphyr::to_string(&document()).expect("YAML");
    files::hold("asyncapi.yaml", &format!("{head}{text}"));
}

#[test]
fn the_examples_of_the_contract_are_what_their_schemas_allow() {
    for topic in topics() {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let schema = options.build(&files::one(topic.message)).expect("a schema");
        for example in examples_of(topic.message) {
            let mistakes: Vec<String> =
                schema.iter_errors(&example).map(|mistake| mistake.to_string()).collect();
            assert!(mistakes.is_empty(), "{}: {mistakes:?}: {example}", topic.channel);
        }
    }
}

#[test]
fn every_address_is_a_topic_with_parameters() {
    for topic in topics() {
        let channel = channel(&topic);
        assert!(channel.address.starts_with("{prefix}/"), "{}", channel.address);
        assert!(!channel.address.contains("the-"), "{}", channel.address);
        let filled = |text: String, (name, word): (&str, &str)| text.replace(&format!("{{{name}}}"), word);
        assert_eq!(PARAMETERS.into_iter().fold(channel.address.clone(), filled), topic.address);
        let braces = channel.address.matches('{').count();
        assert_eq!(channel.parameters.len(), braces, "{}", channel.address);
    }
}
