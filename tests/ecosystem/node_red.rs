//! The flows of deploy/node-red, as they are, in real Node-RED: what people set in the editor is set, and nothing else.
//!
//! Each test runs in every version; Node-RED logs in as `application` of the shipped access list.

mod alarm;
mod door_opener;
mod receive_and_reply;
mod ussd_balance;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use smsbridge_simulator::{Fault, FaultKind, Ussd};

use crate::harness::broker::Login;
use crate::harness::client::Client;
use crate::harness::gateway::Config;
use crate::harness::modem::{ModemOptions, Reports};
use crate::harness::mqtt_packets::Publish;
use crate::harness::node_red::{CLIENT_ID, Flows, NodeRed, VERSIONS};
use crate::harness::rig::{Rig, RigOptions};
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000001";
const BEN: &str = "+4915100000002";
const STRANGER: &str = "+4915100000009";

/// Where the test's tab publishes what the flows give, and is told what they are to take.
const TEST_TOPICS: [&str; 1] = ["test/#"];

fn application() -> Login {
    Login { user: "application".to_owned(), password: "the application's".to_owned() }
}

/// Everything but the gateway and Node-RED runs. The access list is the shipped one, and lets the test's tab work.
fn prepare(modem: ModemOptions, change: impl FnOnce(&mut Config)) -> Rig {
    let mut rig = Rig::prepare_with(RigOptions { modem, login: Some(application()) }, change);
    allow(&mut rig, "user application\n", "user application\ntopic readwrite test/#\n");
    rig
}

/// Replaces lines of the access list.
fn allow(rig: &mut Rig, from: &str, to: &str) {
    rig.broker.restart_with(("\n", "\n"), (from, to));
}

fn start() -> Rig {
    let mut rig = prepare(ModemOptions::default(), |_| {});
    rig.start_gateway();
    rig
}

fn node_red(version: &'static str, rig: &Rig, flows: Flows) -> NodeRed {
    println!("Node-RED {version}");
    NodeRed::start(version, rig.folder(), rig.broker.port, &application(), flows)
}

/// How often each number was written to.
fn sent_to(rig: &Rig, number: &str) -> usize {
    rig.modem.submits().iter().filter(|submit| submit.to == number).count()
}

fn ids(requests: &[Value]) -> BTreeSet<String> {
    requests.iter().filter_map(|request| request["id"].as_str().map(str::to_owned)).collect()
}

fn wait_for(client: &Client, topic: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    client.wait_for_json(what, |on, json| on == topic && is_it(json))
}

/// A message as the gateway publishes it, sent just now.
fn received(id: &str, from: &str, text: &str) -> Value {
    let now = jiff::Timestamp::now().to_string();
    json!({"id": id, "modem": "main", "from": from, "from_type": "international", "text": text, "sent_at": now,
        "received_at": now, "encoding": "gsm7", "parts": 1, "complete": true, "class": null,
        "service_center": "+491710760000"})
}

fn with(mut message: Value, key: &str, value: Value) -> Value {
    message[key] = value;
    message
}

/// The outcome of the alarm with this text.
fn outcome(client: &Client, text: &str) -> Value {
    wait_for(client, "test/outcome", &format!("what became of {text:?}"), |json| json["text"] == text)
}

/// Writes the word and returns the code that comes back.
fn ask_for_code(rig: &Rig, from: &str) -> String {
    let before = rig.modem.submits().len();
    rig.modem.deliver(from, " Open ");
    wait_until("a code", || rig.modem.submits().len() > before);
    let submit = &rig.modem.submits()[before];
    assert_eq!(submit.to, from, "the code goes to the number that is registered");
    let code =
        submit.text.strip_prefix("Code ").and_then(|rest| rest.get(..6)).expect("a code of six digits");
    assert!(code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    code.to_owned()
}

fn wait_for_answer(rig: &Rig, to: &str, words: &str) {
    wait_until(&format!("an SMS with {words:?}"), || {
        rig.modem.submits().iter().any(|submit| submit.to == to && submit.text.contains(words))
    });
}

fn openings(watcher: &Client) -> usize {
    watcher.received().iter().filter(|publish| publish.topic == "test/door").count()
}

/// The gateway may ask `*100#`, and the application may ask the gateway.
fn start_with_ussd() -> Rig {
    let mut rig = prepare(ModemOptions::default(), |config| config.set("ussd", "allow", vec!["*100#"]));
    let commented = "#topic write sms/ussd/+\n#topic read sms/ussd/+/reply";
    allow(&mut rig, commented, &commented.replace('#', ""));
    rig.start_gateway();
    rig
}

fn on_topic(client: &Client, topic: &str) -> Vec<Value> {
    let received = client.received();
    let payloads = received.iter().filter(|publish| publish.topic == topic).map(|publish| &publish.payload);
    payloads
        .map(|payload| {
            serde_json::from_slice(payload).unwrap_or_else(|_| String::from_utf8_lossy(payload).into())
        })
        .collect()
}

/// Presses the button, and what comes of it on `topic`.
fn ask_for_balance(node_red: &NodeRed, watcher: &Client, topic: &str) -> Value {
    let before = on_topic(watcher, topic).len();
    node_red.press("Ask now");
    wait_until(&format!("an answer on {topic}"), || on_topic(watcher, topic).len() > before);
    on_topic(watcher, topic)[before].clone()
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn all_flows_run_side_by_side() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = Flows::shipped(&["receive-and-reply", "alarm", "door-opener", "ussd-balance"])
            .set("SENDERS", ANNA)
            .set("RECIPIENTS", BEN)
            .publishes("Open the door", "test/door")
            .publishes("What became of it", "test/outcome")
            .publishes("Balance", "test/balance");
        let node_red = node_red(version, &rig, flows);
        assert_eq!(ask_for_balance(&node_red, &watcher, "test/balance")["balance"], 12.34);
        node_red.press("Try it");
        assert_eq!(outcome(&watcher, "This is a test of the alarm.")["by"], BEN);
        rig.modem.deliver(ANNA, "status");
        wait_for_answer(&rig, ANNA, "All is well.");
        let code = ask_for_code(&rig, ANNA);
        rig.modem.deliver(ANNA, &code);
        wait_until("the door to open", || openings(&watcher) == 1);
        wait_for_answer(&rig, ANNA, "Opened.");
        assert_eq!(
            (sent_to(&rig, ANNA), sent_to(&rig, BEN)),
            (3, 1),
            "an answer, a code and its answer; an alarm"
        );
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}
