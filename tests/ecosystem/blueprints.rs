//! The blueprints of deploy/home-assistant as people install them: the files as they are, in the real Home Assistant.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use smsbridge_simulator::{Fault, FaultKind, Message};

use crate::harness::broker::Login;
use crate::harness::documents;
use crate::harness::home_assistant::HomeAssistant;
use crate::harness::home_assistant::setup::Mqtt;
use crate::harness::home_assistant::websocket::Connection;
use crate::harness::modem::{ModemOptions, Reports, Submit};
use crate::harness::mqtt_packets::Publish;
use crate::harness::rig::Rig;
use crate::harness::sources;
use crate::harness::wait::{wait_for, wait_until};

/// The page of the blueprints, and their folder beside it.
const PAGE: &str = "deploy/home-assistant/README.md";
const BLUEPRINTS: &str = "deploy/home-assistant/blueprints";

const ANNA: &str = "+4915112345678";
const BERT: &str = "+4915112345679";
const ELSA: &str = "+41791112233";
const STRANGER: &str = "+4917099999999";

/// Starts a Home Assistant that has the blueprints, and automations and scripts made of them.
fn start(rig: &Rig, login: &Login, automations: &str, scripts: &str) -> HomeAssistant {
    start_with(rig, login, automations, scripts, "")
}

/// The same with more lines in its configuration.
fn start_with(
    rig: &Rig,
    login: &Login,
    automations: &str,
    scripts: &str,
    configuration: &str,
) -> HomeAssistant {
    let port = rig.broker.port;
    let mut ha = HomeAssistant::prepare(&Mqtt { port, login: Some(login), prefix: "homeassistant" });
    install(&ha, &sources::root().join(BLUEPRINTS), "blueprints");
    ha.write("automations.yaml", automations);
    ha.write("scripts.yaml", scripts);
    ha.append("configuration.yaml", configuration);
    ha.start();
    for domain in ["automation", "script"] {
        let list = ha.api.command(&json!({"type": "blueprint/list", "domain": domain}));
        let list = list.as_object().expect("blueprints by their files");
        let ours = list.iter().filter(|(file, _)| file.starts_with("smsbridge/"));
        let expected = if domain == "automation" { 3 } else { 2 };
        assert_eq!(ours.clone().count(), expected, "blueprints for {domain}: {list:?}");
        for (file, blueprint) in ours {
            assert!(blueprint["error"].is_null() && blueprint["metadata"].is_object(), "{file}: {blueprint}");
        }
    }
    ha
}

/// Copies the blueprints into the configuration folder.
fn install(ha: &HomeAssistant, folder: &Path, to: &str) {
    for entry in fs::read_dir(folder).expect("a folder of blueprints") {
        let path = entry.expect("an entry of a folder").path();
        let to = format!("{to}/{}", path.file_name().expect("a name").display());
        if path.is_dir() {
            install(ha, &path, &to);
        } else {
            ha.write(&to, &fs::read_to_string(&path).expect("a blueprint"));
        }
    }
}

/// The data of an event with the name `event`, once there are `count` of them.
fn wait_for_events(connection: &mut Connection, event: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} events {event}"), || {
        let events = connection.events().iter().filter(|fired| fired["event_type"] == event);
        let data: Vec<Value> = events.map(|fired| fired["data"].clone()).collect();
        (data.len() >= count).then_some(data)
    })
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("a date before the end of time")
}

/// How often each text went to this number.
fn on_air(rig: &Rig, to: &str) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for Submit { text, .. } in rig.modem.submits().into_iter().filter(|submit| submit.to == to) {
        *texts.entry(text).or_default() += 1;
    }
    texts
}

fn once(texts: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    texts.into_iter().map(|text| (text, 1)).collect()
}

/// More lists within lists than a template's result may have.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

const COMMANDS: &str = r#"
- id: gate
  alias: Gate
  use_blueprint:
    path: smsbridge/sms_command.yaml
    input:
      senders: ["+49 151 12345678", "+49 (0)30 / 1234"]
      keywords: [gate, open the gate]
      actions:
        - event: gate
          event_data: {id: "{{ sms.id }}"}
        - variables: {result: "{{ command.argument }}"}
      reply: "{{ command.keyword }} at {{ sms.modem }}: {{ result }}"
- id: door
  alias: Door
  use_blueprint:
    path: smsbridge/sms_command.yaml
    input:
      senders: ["+4915112345678"]
      keywords: [door]
      actions:
        - event: door
          event_data: {id: "{{ sms.id }}"}
      memory: input_text.seen
"#;

/// As who may no more than the shipped access list grants an application.
#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn commands_by_sms_are_carried_out_and_answered_once() {
    let login = Login { user: "application".to_owned(), password: "secret".to_owned() };
    let options =
        crate::harness::rig::RigOptions { modem: ModemOptions::default(), login: Some(login.clone()) };
    let mut rig = Rig::prepare_with(options, |_| {});
    rig.start_gateway();
    let mut ha = start(&rig, &login, COMMANDS, "{}");
    ha.api.command(&json!({"type": "input_text/create", "name": "Seen", "max": 255}));
    ha.api.wait_for_state("input_text.seen", "unknown");
    ha.wait_until_subscribed("sms/received/+");
    let mut gate = ha.api.events("gate");

    // What comes first is dealt with first: once the burst is answered, these were refused.
    rig.modem.deliver(STRANGER, "gate 4711");
    rig.modem.deliver("MyBank", "gate 4711");
    rig.modem.deliver(ANNA, "gates");
    rig.modem.deliver(ANNA, "the gate, please");
    let hour_ago = Message { sent_at: Some(now() - 3600), ..Message::default() };
    for part in rig.modem.simulator().parts(ANNA, "gate too late", &hour_ago).expect("a text") {
        rig.modem.deliver_pdu(&part);
    }
    let late = rig.wait_for_received("gate too late");
    let changed = |key: &str, value: Value| {
        let mut message = late.clone();
        message["text"] = json!("gate");
        message["sent_at"] = message["received_at"].clone();
        message[key] = value;
        message
    };
    let refused = [
        json!("gate"),
        json!(["gate"]),
        json!({"text": "gate"}),
        json!({"id": 1, "modem": 2, "from": ANNA, "text": ["gate"]}),
        changed("text", json!("")),
        changed("text", Value::Null),
        changed("from", json!(STRANGER)),
        changed("from", Value::Null),
        changed("from", json!(4_915_112_345_678_u64)),
        changed("from_type", json!("alphanumeric")),
        changed("complete", json!(false)),
        changed("late_for", json!("01K9")),
        changed("kind", json!("silent")),
        changed("received_at", json!("2026-01-01T00:00:00Z")),
        changed("sent_at", json!("yesterday")),
        changed("modem", Value::Null),
        changed("nested", nested(300)),
    ];
    for message in &refused {
        rig.client.publish("sms/received/main", message.to_string());
    }
    rig.client.publish("sms/received/main", "gate");
    let no_number = changed("text", json!("gate")).to_string().replacen('{', r#"{"huge":1e400,"#, 1);
    rig.client.publish("sms/received/main", no_number);
    rig.client.publish("sms/received/main", "");
    let retained = |payload: Vec<u8>| Publish {
        topic: "sms/received/main".to_owned(),
        payload,
        qos: 1,
        retain: true,
        ..Publish::default()
    };
    rig.client.publish_with(retained(late.to_string().into_bytes()));

    let words = ["gate", "GATE", " Gate.", "Open the  Gate!"];
    for n in 0..20 {
        rig.modem.deliver(ANNA, &format!("{} {n}", words[n % words.len()]));
    }
    let answers = |numbers: std::ops::Range<usize>| {
        let keyword = |n: usize| if n % words.len() == 3 { "open the gate" } else { "gate" };
        once(numbers.map(|n| format!("{} at main: {n}", keyword(n))).collect::<Vec<_>>())
    };
    wait_until("an answer to each of 20 commands", || on_air(&rig, ANNA).len() >= 20);
    assert_eq!(on_air(&rig, ANNA), answers(0..20));
    assert_eq!(rig.modem.submits().len(), 20, "nobody else is answered");
    assert_eq!(wait_for_events(&mut gate, "gate", 20).len(), 20, "each is carried out once");

    // Its memory of what was carried out outlives the restart.
    let mut door = ha.api.events("door");
    rig.modem.deliver(ANNA, "Door");
    wait_for_events(&mut door, "door", 1);
    wait_until("the door's answer", || on_air(&rig, ANNA).contains_key("OK"));
    let opened = rig.wait_for_received("Door");
    drop((gate, door));
    ha.stop();
    // What is published meanwhile is not for it.
    rig.modem.deliver(ANNA, "gate while away");
    rig.wait_for_received("gate while away");
    ha.start();
    ha.wait_until_subscribed("sms/received/+");
    let mut gate = ha.api.events("gate");
    let mut door = ha.api.events("door");

    // As a gateway does that was killed before the broker's acknowledgement.
    let again = rig.wait_for_received("gate 0");
    for message in [&again, &opened] {
        rig.client.publish("sms/received/main", message.to_string());
    }
    for n in 20..40 {
        rig.modem.deliver(ANNA, &format!("{} {n}", words[n % words.len()]));
    }
    wait_until("an answer to each of 20 more", || on_air(&rig, ANNA).len() >= 41);
    let mut expected = answers(0..40);
    expected.insert("OK".to_owned(), 1);
    assert_eq!(on_air(&rig, ANNA), expected, "nothing is answered twice");
    let carried_out = wait_for_events(&mut gate, "gate", 21);
    let repeated = carried_out.iter().filter(|data| data["id"] == again["id"]).count();
    assert_eq!(
        (carried_out.len(), repeated),
        (21, 1),
        "without a memory a message that comes again counts again"
    );
    rig.client.wait_for_json("the refusal to send a reply twice", |topic, result| {
        topic == "sms/result"
            && result["duplicate"] == true
            && result["id"]
                .as_str()
                .is_some_and(|id| id.starts_with(&format!("ha-{}-", again["id"].as_str().expect("an id"))))
    });
    rig.modem.deliver(ANNA, "door");
    let opened_now = wait_for_events(&mut door, "door", 1);
    assert_ne!(opened_now[0]["id"], opened["id"], "with a memory it does not");
    rig.client.publish_with(retained(Vec::new()));
    ha.assert_no_complaints();
}

const FORWARDS: &str = r#"
- id: all
  alias: All
  use_blueprint:
    path: smsbridge/sms_forward.yaml
    input:
      notifiers: [notify.phone, notify.mail]
- id: some
  alias: Some
  use_blueprint:
    path: smsbridge/sms_forward.yaml
    input:
      senders: ["+49 151 12345679", mybank]
      actions:
        - event: some
          event_data: {sms: "{{ sms }}", forward: "{{ forward }}"}
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn incoming_sms_are_forwarded_whole() {
    // With discovery, Home Assistant subscribes to the same messages a second time.
    let rig = Rig::with(|config| config.set("homeassistant", "discovery", true));
    let ha = start(&rig, &Login::observer(), FORWARDS, "{}");
    ha.wait_until_subscribed("sms/received/main");
    for name in ["Phone", "Mail"] {
        let id = name.to_lowercase();
        let config = json!({
            "name": name, "unique_id": id, "default_entity_id": format!("notify.{id}"),
            "command_topic": format!("{id}/notify"), "command_template": "{{ value }}", "qos": 1,
        });
        rig.client.publish(&format!("homeassistant/notify/{id}/config"), config.to_string());
        ha.api.wait_for_state(&format!("notify.{id}"), "unknown");
    }
    ha.wait_until_subscribed("sms/received/+");
    let notified = rig.client("notified", &["phone/#", "mail/#"]);
    let mut some = ha.api.events("some");
    let long = format!("{}{}", "0123456789".repeat(199), "emoji 😀!");
    let texts = [
        r#"He said "it's {{ 1 + 1 }}" \ and left"#,
        "😀 Grüße, дом",
        "two\nlines",
        "+4915112345678",
        "0042",
        "1.50",
        "[1, 2]",
        "None",
        &long,
    ];
    for text in texts {
        rig.modem.deliver(ANNA, text);
    }
    // Its last part may come into a slot that is listed after others.
    rig.wait_for_received(&long);
    for n in 0..20 {
        rig.modem.deliver(BERT, &format!("burst {n}"));
    }
    rig.modem.deliver("MyBank", "123456");
    rig.wait_for_received("123456");
    // Of those that follow nothing is forwarded but the last two.
    for payload in ["no JSON", "[]", "7", "", r#"{"id":"01K9","modem":"main","from":"+491","kind":"silent"}"#]
    {
        rig.client.publish("sms/received/main", payload);
    }
    let mms = r#"{"id":"01K9","modem":"main","from":"+491","kind":"mms","text":null}"#;
    let undecodable = r#"{"id":"01K9","modem":"main","error":"no PDU","pdus":["00"]}"#;
    for payload in [mms, undecodable] {
        rig.client.publish("sms/received/main", payload);
    }
    let mut expected: Vec<String> = texts.iter().map(|text| format!("{ANNA}: {text}")).collect();
    expected.extend((0..20).map(|n| format!("{BERT}: burst {n}")));
    expected.extend(
        ["MyBank: 123456", "+491: (a multimedia message)", "Unknown: (cannot be read)"].map(str::to_owned),
    );
    for topic in ["phone/notify", "mail/notify"] {
        let texts = || -> Vec<String> {
            let received = notified.received().into_iter().filter(|publish| publish.topic == topic);
            received.map(|publish| String::from_utf8(publish.payload).expect("text")).collect()
        };
        wait_until("all of them to be forwarded", || texts().len() >= expected.len());
        assert_eq!(texts(), expected, "each once, whole, in order, on {topic}");
    }
    let some = wait_for_events(&mut some, "some", 21);
    assert_eq!(some.len(), 21, "of the chosen senders alone");
    assert_eq!(some[20]["sms"]["text"], "123456");
    assert_eq!(some[20]["forward"], json!({"title": "SMS", "message": "MyBank: 123456"}));
    ha.assert_no_complaints();
}

const INCOMING: &str = r#"
- id: fires
  alias: Fires
  use_blueprint: {path: smsbridge/sms_incoming_event.yaml, input: {prefix: house/sms, modem: attic}}
- id: streams
  alias: Streams
  use_blueprint: {path: smsbridge/sms_incoming_event.yaml, input: {stream_topic: home/events}}
- id: old
  alias: Forward SMS
  trigger:
    - platform: event
      event_type: sms.incoming_sms
  action:
    - service: mqtt.publish
      data:
        topic: old/forwarded
        payload: |
          From: {{trigger.event.data.phone}}
          {{trigger.event.data.text}}
- id: old_comparing
  alias: Only Anna
  trigger:
    - platform: event
      event_type: sms.incoming_sms
      event_data:
        phone: "+4915112345678"
  condition:
    - "{{ trigger.event.data.text == '4711' and trigger.event.data.phone == '+4915112345678' }}"
  action:
    - event: old_door
      event_data: {date: "{{ trigger.event.data.date }}"}
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn automations_of_the_removed_integration_go_on_working() {
    let rig = Rig::start();
    let stream = "mqtt_eventstream:\n  subscribe_topic: home/events\n";
    let ha = start_with(&rig, &Login::observer(), INCOMING, "{}", stream);
    for filter in ["sms/received/+", "house/sms/received/attic", "home/events"] {
        ha.wait_until_subscribed(filter);
    }
    let forwarded = rig.client("forwarded", &["old/#"]);
    let mut incoming = ha.api.events("sms.incoming_sms");
    let mut door = ha.api.events("old_door");

    // Through MQTT Eventstream all is text.
    let quoted = r#" "Grüße" 😀 {{ 1 + 1 }}"#;
    for (from, text) in [(ANNA, quoted), (ANNA, "4711"), (BERT, "4711"), ("MyBank", "1.50")] {
        rig.modem.deliver(from, text);
    }
    let events = wait_for_events(&mut incoming, "sms.incoming_sms", 4);
    let fields = |data: &Value| (data["phone"].clone(), data["text"].clone());
    let expected = [(ANNA, quoted), (ANNA, "4711"), (BERT, "4711"), ("MyBank", "1.50")];
    assert_eq!(
        events.iter().map(fields).collect::<Vec<_>>(),
        expected.map(|(from, text)| (json!(from), json!(text)))
    );
    let received = rig.wait_for_received(quoted);
    let sent_at = received["sent_at"].as_str().expect("when it was sent");
    assert_eq!(events[0]["date"], json!(sent_at[..19].replace('T', " ")), "the service centre's time");
    forwarded.wait_for_text("old/forwarded", "From: MyBank\n1.50");
    assert_eq!(wait_for_events(&mut door, "old_door", 1).len(), 1, "the comparison holds for Anna alone");
    let seen = |text: &str| forwarded.received().iter().any(|publish| publish.payload == text.as_bytes());
    assert!(seen(&format!("From: {ANNA}\n{quoted}")), "{:?}", forwarded.received());

    // Without it the number has a space, and the whole message is there as text.
    let message = json!({"id": "01K9", "modem": "attic", "from": ANNA, "sent_at": null, "text": "4711",
        "received_at": "2026-11-22T23:15:31.120Z"});
    for payload in
        ["no JSON".to_owned(), "[1]".to_owned(), "7".to_owned(), String::new(), message.to_string()]
    {
        rig.client.publish("house/sms/received/attic", payload);
    }
    let event = wait_for_events(&mut incoming, "sms.incoming_sms", 5).remove(4);
    assert_eq!(event["phone"], "+ 4915112345678");
    assert_eq!(event["date"], "2026-11-23 00:15:31", "the house's time, where the service centre gave none");
    assert_eq!(event["sms"], message);
    forwarded.wait_for_text("old/forwarded", "From: + 4915112345678\n4711");
    assert_eq!(wait_for_events(&mut incoming, "sms.incoming_sms", 5).len(), 5, "once each");
    ha.assert_no_complaints();
}

const SEND: &str = r#"
sms_send:
  alias: Send an SMS
  use_blueprint: {path: smsbridge/sms_send.yaml}
from_template:
  alias: From a template
  sequence:
    - action: script.sms_send
      data: {to: "{{ number }}", message: "{{ text }}"}
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_script_sends_to_any_number() {
    let rig = Rig::with(|config| config.add("contact", &format!("name = \"Elsa\"\nnumber = {ELSA:?}")));
    let ha = start(&rig, &Login::observer(), "[]", SEND);
    let send = |data: Value| -> Value {
        let (status, answer) = ha.api.post("services/script/sms_send?return_response", &data);
        assert_eq!(status, 200, "{data}: {answer}");
        answer["service_response"]["id"].clone()
    };
    let id = |id: &Value| id.as_str().expect("the request's id").to_owned();
    let text = r#"Say "hi" 😀 {{ 1 + 1 }} \n"#;
    let first = id(&send(
        json!({"to": "+49 151 12345678", "message": text, "delivery_report": true, "modem": "main"}),
    ));
    let delivered = rig.client.wait_for_result(&first, "delivered");
    assert_eq!((&delivered["to"], &delivered["final"]), (&json!(ANNA), &json!(true)));
    let several = id(&send(json!({"to": format!("{ANNA}; {BERT}"), "message": 112})));
    let listed = id(&send(json!({"to": [ANNA, BERT], "message": "listed"})));
    for id in [&several, &listed] {
        wait_until("both recipients' results", || {
            rig.client.results(id).iter().filter(|result| result["final"] == true).count() == 2
        });
    }
    let elsewhere = id(&send(json!({"to": ANNA, "message": "no such modem", "modem": "cellar"})));
    let empty = id(&send(json!({"to": "", "message": "to nobody"})));
    rig.client.wait_for_result(&empty, "rejected");
    let contact = id(&send(json!({"to": "elsa", "message": "by name"})));
    assert_eq!(rig.client.wait_for_result(&contact, "sent")["contact"], "Elsa");
    // Home Assistant makes a number of it on the way.
    ha.api.call("script.from_template", &json!({"number": ELSA, "text": "0042"}));
    for n in 0..20 {
        ha.api.call(
            "script.turn_on",
            &json!({
                "entity_id": "script.sms_send", "variables": {"to": ELSA, "message": format!("burst {n}")},
            }),
        );
    }
    wait_until("all of them on air", || rig.modem.submits().len() >= 27);
    let mut expected = once((0..20).map(|n| format!("burst {n}")));
    expected.extend(once(["0042", "by name"].map(str::to_owned)));
    assert_eq!(on_air(&rig, ELSA), expected, "each once");
    assert_eq!(on_air(&rig, BERT), once(["112", "listed"].map(str::to_owned)));
    assert_eq!(on_air(&rig, ANNA), once([text, "112", "listed"].map(str::to_owned)));
    assert_eq!(rig.client.results(&elsewhere), Vec::<Value>::new(), "another gateway may have that modem");
    ha.assert_no_complaints();
}

const ALARMS: &str = r#"
alarm:
  alias: Alarm
  use_blueprint:
    path: smsbridge/sms_alarm.yaml
    input:
      contacts: [Nobody by that name, "+4915112345679", "+4915112345678", Elsa]
      patience: 20
      nobody_reached:
        - event: nobody
patient:
  alias: Patient alarm
  use_blueprint:
    path: smsbridge/sms_alarm.yaml
    input:
      contacts: ["+4915112345678"]
      fallback: Something is wrong
      patience: 300
      notification: false
hopeless:
  alias: Hopeless alarm
  use_blueprint:
    path: smsbridge/sms_alarm.yaml
    input:
      contacts: [Nobody by that name]
      nobody_reached:
        - event: nobody
          event_data: {outcome: "{{ outcome }}"}
"#;

fn sound(ha: &HomeAssistant, script: &str, variables: &Value) {
    ha.api.call("script.turn_on", &json!({"entity_id": script, "variables": variables}));
}

/// The reference of this message, once it is on air.
fn wait_for_submit(rig: &Rig, to: &str, text: &str) -> u8 {
    wait_for(&format!("the message {text:?} to {to}"), || {
        let sent = rig.modem.simulator().sent().into_iter();
        sent.filter(|sent| sent.to == to && sent.text.as_deref() == Some(text)).map(|sent| sent.mr).next()
    })
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_goes_on_until_somebody_is_reached() {
    let options = ModemOptions { reports: Reports::Held, ..ModemOptions::default() };
    let contact = format!("name = \"Elsa\"\nnumber = {ELSA:?}");
    let mut rig = Rig::prepare(&options, |config| config.add("contact", &contact));
    rig.start_gateway();
    let ha = start(&rig, &Login::observer(), "[]", ALARMS);
    let mut ended = ha.api.events("smsbridge_alarm");
    let mut nobody = ha.api.events("nobody");

    // No contact has that name, the network refuses Bert's number, Anna's phone is off, Elsa's confirms.
    rig.modem.simulator().fault(Fault::on_payload(FaultKind::Cms(1)));
    sound(&ha, "script.alarm", &json!({"message": "Smoke in the kitchen"}));
    wait_for_submit(&rig, ANNA, "Smoke in the kitchen");
    let reference = wait_for_submit(&rig, ELSA, "Smoke in the kitchen");
    rig.modem.simulator().report(reference, ELSA, 0).expect("a report");
    let outcome = wait_for_events(&mut ended, "smsbridge_alarm", 1).remove(0);
    assert_eq!(outcome["reached"], true, "{outcome}");
    let alarm = &outcome["alarm"];
    assert_eq!((&alarm["contact"], &alarm["number"]), (&json!("Elsa"), &json!(ELSA)), "{outcome}");
    assert!(alarm["delivered_at"].is_string(), "{outcome}");
    let attempts = alarm["attempts"].as_array().expect("attempts");
    let states: Vec<&Value> = attempts.iter().map(|attempt| &attempt["state"]).collect();
    assert_eq!(states, ["rejected", "failed", "unconfirmed", "delivered"], "{outcome}");
    assert!(attempts[0]["error"].is_string() && attempts[3]["error"].is_null(), "{outcome}");
    assert_eq!(on_air(&rig, ANNA), once(["Smoke in the kitchen".to_owned()]));
    assert_eq!(on_air(&rig, ELSA), once(["Smoke in the kitchen".to_owned()]));
    assert!(rig.modem.submits().iter().all(|submit| submit.report_requested));
    let notifications = ha.api.command(&json!({"type": "persistent_notification/get"}));
    let told = notifications[0]["message"].as_str().expect("a notification");
    assert_eq!(notifications[0]["title"], "SMS alarm: Elsa was reached");
    assert!(
        told.starts_with("Smoke in the kitchen\n") && told.contains(&format!("\n- {ANNA}: unconfirmed")),
        "{told}"
    );

    // Nobody at all, and that is done about it which was chosen; without a text the script has one.
    sound(&ha, "script.hopeless", &json!({}));
    let outcome = wait_for_events(&mut nobody, "nobody", 1).remove(0);
    assert_eq!(outcome["outcome"]["reached"], false, "{outcome}");
    assert_eq!(outcome["outcome"]["message"], "Alarm at home");
    wait_for_events(&mut ended, "smsbridge_alarm", 2);

    // The first one's phone comes back while the second is tried.
    ha.write("scripts.yaml", &ALARMS.replace("Nobody by that name, \"+4915112345679\", ", ""));
    ha.api.call("script.reload", &json!({}));
    sound(&ha, "script.alarm", &json!({"message": 112}));
    let reference = wait_for_submit(&rig, ANNA, "112");
    wait_for_submit(&rig, ELSA, "112");
    rig.modem.simulator().report(reference, ANNA, 0).expect("a report");
    let outcome = wait_for_events(&mut ended, "smsbridge_alarm", 3).remove(2);
    assert_eq!(
        (&outcome["reached"], &outcome["alarm"]["contact"]),
        (&json!(true), &json!(ANNA)),
        "{outcome}"
    );
    assert_eq!(outcome["alarm"]["message"], "112");
    assert_eq!(wait_for_events(&mut nobody, "nobody", 1).len(), 1, "only where nobody was reached");
    ha.assert_no_complaints();
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_is_asked_for_until_the_gateway_answers_and_sent_once() {
    let mut rig = Rig::start();
    let ha = start(&rig, &Login::observer(), "[]", ALARMS);
    let mut ended = ha.api.events("smsbridge_alarm");
    let asked = rig.client("asked", &["sms/send"]);
    rig.gateway.kill();
    sound(&ha, "script.patient", &json!({"message": "Water in the cellar"}));
    sound(&ha, "script.patient", &json!({}));
    let requests = || -> Vec<Value> {
        asked.received().iter().filter_map(|publish| serde_json::from_slice(&publish.payload).ok()).collect()
    };
    wait_until("each request to be made twice", || requests().len() >= 4);
    rig.start_gateway();
    let outcomes = wait_for_events(&mut ended, "smsbridge_alarm", 2);
    assert!(outcomes.iter().all(|outcome| outcome["reached"] == true), "{outcomes:?}");
    assert_ne!(outcomes[0]["alarm"]["id"], outcomes[1]["alarm"]["id"]);
    assert_eq!(on_air(&rig, ANNA), once(["Water in the cellar", "Something is wrong"].map(str::to_owned)));
    let notifications = ha.api.command(&json!({"type": "persistent_notification/get"}));
    assert_eq!(notifications, json!([]), "none was wanted");
    ha.assert_no_complaints();
}

/// Each YAML block of the page, as it stands there.
#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_examples_of_the_page_work_as_they_stand() {
    let page = documents::all().into_iter().find(|document| document.name == PAGE).expect("the page");
    let blocks = page.blocks().into_iter().filter(|block| block.tag == "yaml").map(|block| block.text);
    let blocks: Vec<String> = blocks.collect();
    let [automations, scripts, stream, calls, smoke] = &blocks[..] else {
        panic!("the page has {} blocks of YAML: {blocks:?}", blocks.len());
    };
    let rig = Rig::start();
    let called = format!("{scripts}\ncalls:\n  sequence:\n{}", indented(calls));
    let ha = start_with(&rig, &Login::observer(), &format!("{automations}\n{smoke}"), &called, stream);
    ha.wait_until_subscribed("sms/received/+");
    let gate = rig.client("gate", &["gate/#"]);
    let mut incoming = ha.api.events("sms.incoming_sms");
    rig.modem.deliver(ELSA, "Open 4711");
    gate.wait_for_text("gate/set", "open");
    wait_until("the reply", || on_air(&rig, ELSA).keys().any(|text| text.starts_with("The gate opens, ")));
    wait_for_events(&mut incoming, "sms.incoming_sms", 1);
    let told = |words: &str| {
        let notifications = ha.api.command(&json!({"type": "persistent_notification/get"}));
        let mut notifications = notifications.as_array().expect("notifications").clone();
        notifications.retain(|told| told["message"].as_str().is_some_and(|message| message.contains(words)));
        !notifications.is_empty()
    };
    wait_until("the forwarded message", || told(&format!("{ELSA}: Open 4711")));
    ha.api.call("script.calls", &json!({}));
    wait_until("what the script answers", || told("Results on sms/result have the id ha-"));
    let (status, _) = ha.api.post("states/binary_sensor.smoke_kitchen", &json!({"state": "off"}));
    assert_eq!(status, 201);
    ha.api.post("states/binary_sensor.smoke_kitchen", &json!({"state": "on"}));
    wait_until("the end of the alarm", || told("Smoke in the kitchen"));
    assert_eq!(
        on_air(&rig, ANNA),
        once(["The washing machine is done", "Smoke in the kitchen"].map(str::to_owned))
    );
    ha.assert_no_complaints();
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
