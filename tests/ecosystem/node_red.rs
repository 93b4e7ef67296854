//! The flows of deploy/node-red, as they are, in real Node-RED: what people set in the editor is set, and nothing else.
//!
//! Each test runs in every version; Node-RED logs in as `application` of the shipped access list.

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

fn answering() -> Flows {
    Flows::shipped(&["receive-and-reply"]).set("SENDERS", format!("{ANNA}, {BEN}"))
}

fn alarming(recipients: &str) -> Flows {
    Flows::shipped(&["alarm"])
        .set("RECIPIENTS", recipients)
        .set("REPEAT_S", 5)
        .takes("test/raise", "Raise an alarm")
        .publishes("What became of it", "test/outcome")
}

fn door() -> Flows {
    Flows::shipped(&["door-opener"]).set("SENDERS", ANNA).publishes("Open the door", "test/door")
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

// --- receive and reply -----------------------------------------------------------------------

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_burst_is_answered_once_each_across_a_restart_of_node_red() {
    for version in VERSIONS {
        let rig = start();
        let mut node_red = node_red(version, &rig, answering());
        for n in 0..10 {
            rig.modem.deliver(ANNA, &format!("Status {n}, please"));
        }
        wait_until("ten replies", || sent_to(&rig, ANNA) == 10);
        node_red.stop();
        for n in 10..20 {
            rig.modem.deliver(ANNA, &format!("status {n}"));
        }
        rig.wait_for_received("status 19");
        node_red.start_again();
        wait_until("twenty replies", || sent_to(&rig, ANNA) == 20);
        rig.modem.deliver(BEN, "help");
        wait_until("a reply to what came after", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 20, "each message is answered once");
        assert_eq!(rig.modem.submits()[0].text, "All is well. Your message came in on modem main.");
        assert_eq!(ids(&node_red.published("sms/send")).len(), 21);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_that_is_published_again_is_answered_once() {
    for version in VERSIONS {
        let rig = start();
        let mut node_red = node_red(version, &rig, answering());
        rig.modem.deliver(ANNA, "status");
        let message = rig.wait_for_received("status");
        let id = format!("node-red-{}", message["id"].as_str().expect("an id"));
        rig.client.wait_for_result(&id, "sent");
        let again = |text: &str| {
            rig.client.publish("sms/received/main", message.to_string());
            rig.modem.deliver(BEN, text);
        };
        again("help");
        wait_until("a reply to the one behind it", || sent_to(&rig, BEN) == 1);
        assert_eq!(node_red.published("sms/send").len(), 2, "the flow knows it");
        // After a restart it does not, and asks again: the gateway does.
        node_red.kill();
        node_red.start_again();
        again("help, please");
        wait_until("a reply to the one behind it", || sent_to(&rig, BEN) == 2);
        assert_eq!(node_red.published("sms/send").len(), 4);
        rig.client
            .wait_for_json("the duplicate's answer", |_, json| json["id"] == id && json["duplicate"] == true);
        assert_eq!(sent_to(&rig, ANNA), 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn what_is_not_a_new_message_of_a_known_sender_is_not_answered() {
    for version in VERSIONS {
        let rig = start();
        let node_red = node_red(version, &rig, answering());
        rig.modem.deliver(STRANGER, "status");
        rig.modem.deliver(ANNA, "what is the status?");
        rig.modem.deliver(ANNA, "  ");
        let good = |id| received(id, ANNA, "status");
        let hour_ago = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string();
        let odd = [
            with(good("1"), "sent_at", hour_ago.clone().into()),
            with(good("2"), "received_at", hour_ago.into()),
            with(with(good("3"), "sent_at", "yesterday".into()), "received_at", Value::Null),
            with(good("4"), "from_type", "alphanumeric".into()),
            with(good("5"), "from", "4915100000001".into()),
            with(good("6"), "kind", "silent".into()),
            with(good("7"), "complete", false.into()),
            with(good("8"), "stored", true.into()),
            with(good("9"), "truncated", true.into()),
            with(good("10"), "text", Value::Null),
            with(good("11"), "text", json!(["status"])),
            with(good("12"), "from", json!(4_915_100_000_001_u64)),
            with(good("13"), "id", Value::Null),
            json!({"id": "14", "modem": "main", "received_at": "x", "error": "no PDU", "pdus": ["00"]}),
            json!([good("15")]),
            json!("status"),
            json!(17),
            Value::Null,
        ];
        for payload in
            odd.iter().map(Value::to_string).chain(["status".to_owned(), "{".to_owned(), String::new()])
        {
            rig.client.publish("sms/received/main", payload);
        }
        rig.client.publish("sms/received/main", [0xff, 0x00, 0x80]);
        rig.client.publish_with(Publish {
            topic: "sms/received/main".to_owned(),
            payload: good("retained").to_string().into_bytes(),
            qos: 1,
            retain: true,
            ..Publish::default()
        });
        rig.client.publish("sms/received/main", good("last").to_string());
        rig.client.wait_for_result("node-red-last", "sent");
        assert_eq!(ids(&node_red.published("sms/send")), BTreeSet::from(["node-red-last".to_owned()]));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_left_retained_is_not_answered_at_a_start() {
    for version in VERSIONS {
        let rig = start();
        rig.client.publish_with(Publish {
            topic: "sms/received/main".to_owned(),
            payload: received("retained", ANNA, "status").to_string().into_bytes(),
            qos: 1,
            retain: true,
            ..Publish::default()
        });
        let mut node_red = node_red(version, &rig, answering());
        node_red.stop();
        node_red.start_again();
        rig.modem.deliver(BEN, "status");
        wait_until("a reply", || sent_to(&rig, BEN) == 1);
        let heard: Vec<String> = {
            let record = node_red.proxy.record();
            let payloads = record.to_gateway.iter().map(|crossing| &crossing.publish.payload);
            payloads.map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
        };
        assert!(
            !heard.iter().any(|payload| payload.contains("\"retained\"")),
            "the broker sends none: {heard:?}"
        );
        assert_eq!(sent_to(&rig, ANNA), 0);
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_restart_of_the_broker_costs_no_answer() {
    for version in VERSIONS {
        let mut rig = start();
        let node_red = node_red(version, &rig, answering());
        rig.modem.deliver(ANNA, "status 0");
        wait_until("a reply", || sent_to(&rig, ANNA) == 1);
        for n in 1..=3 {
            rig.broker.stop();
            rig.modem.deliver(ANNA, &format!("status {n}"));
            rig.broker.restart();
            wait_until("a reply to what came meanwhile", || sent_to(&rig, ANNA) == 1 + n);
        }
        rig.modem.deliver(BEN, "status");
        wait_until("a reply to what came after", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 4, "each message is answered once");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

// --- alarm -----------------------------------------------------------------------------------

/// The outcome of the alarm with this text.
fn outcome(client: &Client, text: &str) -> Value {
    wait_for(client, "test/outcome", &format!("what became of {text:?}"), |json| json["text"] == text)
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_is_repeated_until_a_gateway_takes_it_and_sent_once() {
    for version in VERSIONS {
        // The broker keeps nothing for a gateway that was never there.
        let mut rig = prepare(ModemOptions::default(), |_| {});
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(ANNA));
        node_red.press("Try it");
        wait_until("the request to be repeated", || node_red.published("sms/send").len() >= 2);
        rig.start_gateway();
        let told = outcome(&watcher, "This is a test of the alarm.");
        assert_eq!((&told["outcome"], &told["by"]), (&json!("delivered"), &json!(ANNA)), "{told}");
        let requests = node_red.published("sms/send");
        assert_eq!(ids(&requests).len(), 1, "always the same id: {requests:?}");
        assert_eq!(sent_to(&rig, ANNA), 1);

        // For one that was there it keeps every repetition.
        rig.gateway.kill();
        rig.client.publish("test/raise", "Water in the cellar");
        wait_until("the request to be repeated", || {
            node_red.published("sms/send").len() >= requests.len() + 3
        });
        rig.start_gateway();
        let told = outcome(&watcher, "Water in the cellar");
        assert_eq!(told["outcome"], "delivered", "{told}");
        let id = told["tried"][0]["id"].as_str().expect("an id");
        rig.client.wait_for_json("a duplicate", |_, json| json["id"] == id && json["duplicate"] == true);
        assert_eq!(sent_to(&rig, ANNA), 2, "one SMS for each alarm");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_next_recipient_is_told_where_the_first_is_not_reached() {
    for version in VERSIONS {
        let report_delay = std::time::Duration::ZERO;
        let modem = ModemOptions { report_delay, ..ModemOptions::default() };
        let mut rig = prepare(modem, |config| config.set("outbound", "deny", vec![STRANGER]));
        rig.start_gateway();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let mut node_red = node_red(version, &rig, alarming(&format!("{STRANGER}, {ANNA},{BEN}")));
        // The gateway rejects the first; the network has no use for the second, at once or with its report.
        for (n, reports) in
            [(1, None), (2, Some(Reports::After(0x46))), (3, Some(Reports::BeforeAnswer(0x46)))]
        {
            let sim = rig.modem.simulator();
            match reports {
                None => sim.fault(Fault::on_payload(FaultKind::Cms(1))),
                Some(reports) => sim.set_reports(reports),
            }
            let text = format!("Alarm {n}");
            rig.client.publish("test/raise", &text);
            let failed = |_: &str, json: &Value| json["to"] == ANNA && json["state"] == "failed";
            rig.client.wait_for_json("the failure", failed);
            sim.set_reports(Reports::After(0));
            rig.client.forget();
            let told = outcome(&watcher, &text);
            let tried: Vec<&Value> = told["tried"].as_array().expect("a list").iter().collect();
            assert_eq!(told["outcome"], "delivered", "{told}");
            assert_eq!(
                (&tried[0]["state"], &tried[0]["error"]),
                (&json!("rejected"), &json!("denied")),
                "{told}"
            );
            assert_eq!((&tried[1]["to"], &tried[1]["state"]), (&json!(ANNA), &json!("failed")), "{told}");
        }
        // Nobody is reached: each is tried twice, then it says so.
        rig.modem.simulator().set_reports(Reports::After(0x46));
        let before = (sent_to(&rig, ANNA), sent_to(&rig, BEN));
        rig.client.publish("test/raise", "Nobody");
        let told = outcome(&watcher, "Nobody");
        assert_eq!(
            (&told["outcome"], told["tried"].as_array().map(Vec::len)),
            (&json!("unconfirmed"), Some(6)),
            "{told}"
        );
        assert_eq!((sent_to(&rig, ANNA), sent_to(&rig, BEN)), (before.0 + 2, before.1 + 2));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        node_red.stop();
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_phone_that_is_off_does_not_hold_up_an_alarm() {
    for version in VERSIONS {
        let modem = ModemOptions { reports: Reports::Held, ..ModemOptions::default() };
        let mut rig = prepare(modem, |_| {});
        rig.start_gateway();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = alarming(&format!("{ANNA},{BEN}")).set("CONFIRM_S", 10);
        let node_red = node_red(version, &rig, flows);
        rig.client.publish("test/raise", "Fire");
        // A sensor repeats itself.
        rig.client.publish("test/raise", "Fire");
        wait_until("the next recipient to be told", || sent_to(&rig, BEN) == 1);
        assert_eq!(sent_to(&rig, ANNA), 1);
        // The first phone is on again and confirms first.
        rig.modem.simulator().release_reports(0);
        let told = outcome(&watcher, "Fire");
        assert_eq!(told["outcome"], "delivered", "{told}");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        // That has ended: the same words are a new alarm.
        rig.modem.simulator().set_reports(Reports::After(0));
        watcher.forget();
        rig.client.publish("test/raise", "Fire");
        let again = outcome(&watcher, "Fire");
        assert_eq!(again["outcome"], "delivered", "{again}");
        assert_ne!(again["id"], told["id"]);
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_no_gateway_takes_in_time_is_not_sent_later() {
    for version in VERSIONS {
        let mut rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(ANNA).set("GIVE_UP_S", 12));
        rig.gateway.kill();
        rig.client.publish("test/raise", "Too late");
        let told = outcome(&watcher, "Too late");
        assert_eq!(told["outcome"], "not-accepted", "{told}");
        assert!(node_red.published("sms/send").len() >= 2);
        std::thread::sleep(std::time::Duration::from_secs(5));
        rig.start_gateway();
        rig.assert_still_works("after");
        assert_eq!(sent_to(&rig, ANNA), 0, "what was given up expires at the broker");
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_without_a_text_or_recipient_is_refused_in_the_log() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, alarming(""));
        for payload in ["", "  ", "{\"text\":\"x\"}", "[1]", "17"] {
            rig.client.publish("test/raise", payload);
        }
        rig.client.publish("test/raise", "To nobody");
        assert_eq!(outcome(&watcher, "To nobody")["outcome"], "no-recipients");
        let complaints = node_red.complaints();
        let count = |words: &str| complaints.iter().filter(|line| line.contains(words)).count();
        assert_eq!((count("has to be its text"), count("set RECIPIENTS")), (5, 1), "{complaints:#?}");
        assert_eq!(node_red.published("sms/send"), Vec::<Value>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_alarm_in_progress_survives_a_restart_of_node_red() {
    for (version, results_are_lost) in
        VERSIONS.iter().flat_map(|version| [(*version, false), (*version, true)])
    {
        println!("Node-RED {version}, results are lost: {results_are_lost}");
        let mut rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = alarming(ANNA);
        let port = rig.broker.port;
        let mut node_red = NodeRed::start_lasting(version, rig.folder(), port, &application(), flows);
        rig.gateway.kill();
        rig.client.publish("test/raise", "Burglars");
        wait_until("a request", || node_red.published("sms/send").len() == 1);
        node_red.stop();
        node_red.start_again();
        wait_until("the request to be repeated", || node_red.published("sms/send").len() >= 2);
        node_red.stop();
        // What the gateway says meanwhile waits at the broker.
        rig.start_gateway();
        rig.client.wait_for_json("the delivery", |_, json| json["state"] == "delivered");
        if results_are_lost {
            // It takes Node-RED's session over, and what waits in it.
            let thief = rig.client(CLIENT_ID, &[]);
            thief.wait_for_json("the delivery", |_, json| json["state"] == "delivered");
        }
        node_red.start_again();
        assert_eq!(outcome(&watcher, "Burglars")["outcome"], "delivered");
        assert_eq!(ids(&node_red.published("sms/send")).len(), 1);
        assert_eq!(sent_to(&rig, ANNA), 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

// --- door opener -----------------------------------------------------------------------------

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

/// A code that is not this one.
fn other(code: &str, n: u32) -> String {
    format!("{:06}", (code.parse::<u32>().expect("digits") + n) % 1_000_000)
}

fn wait_for_answer(rig: &Rig, to: &str, words: &str) {
    wait_until(&format!("an SMS with {words:?}"), || {
        rig.modem.submits().iter().any(|submit| submit.to == to && submit.text.contains(words))
    });
}

fn openings(watcher: &Client) -> usize {
    watcher.received().iter().filter(|publish| publish.topic == "test/door").count()
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_right_code_opens_once() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, door());
        let code = ask_for_code(&rig, ANNA);
        rig.modem.deliver(ANNA, &format!(" {code}\n"));
        let opened = wait_for(&watcher, "test/door", "the door to open", |_| true);
        assert_eq!((&opened["open"], &opened["by"]), (&json!(true), &json!(ANNA)), "{opened}");
        wait_for_answer(&rig, ANNA, "Opened.");
        // The same message once more, and the same code in a new one.
        let message = rig.client.wait_for_json("the message", |topic, json| {
            topic.starts_with("sms/received/")
                && json["text"].as_str().is_some_and(|text| text.contains(&code))
        });
        rig.client.publish("sms/received/main", message.to_string());
        rig.modem.deliver(ANNA, &code);
        let next = ask_for_code(&rig, ANNA);
        assert_ne!(next, code, "one in a million");
        assert_eq!(openings(&watcher), 1, "a code opens once");
        rig.modem.deliver(ANNA, &next);
        wait_until("the door to open again", || openings(&watcher) == 2);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
        assert!(!node_red.log().contains(&code), "no code in the log");
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn wrong_and_foreign_codes_open_nothing() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, door().set("SENDERS", format!("{ANNA},{BEN}")));
        // Guessed at too often: then the right one is wrong.
        let code = ask_for_code(&rig, ANNA);
        for (n, answer) in [(1, "Tries left: 2"), (2, "Tries left: 1"), (3, "Wrong code. Ask for a new one.")]
        {
            rig.modem.deliver(ANNA, &other(&code, n));
            wait_for_answer(&rig, ANNA, answer);
        }
        rig.modem.deliver(ANNA, &code);
        // Another's, and a stranger's.
        let code = ask_for_code(&rig, ANNA);
        rig.modem.deliver(BEN, &code);
        rig.modem.deliver(STRANGER, &code);
        rig.modem.deliver(STRANGER, "open");
        let forged = with(received("forged", ANNA, &code), "from_type", "alphanumeric".into());
        rig.client.publish("sms/received/main", forged.to_string());
        // What only looks like it.
        for text in ["", "{}", &code, &format!("\"{code}\""), &format!("[{code}]")] {
            rig.client.publish("sms/received/main", text);
        }
        for text in [format!("{code}0"), format!("0{code}"), format!("{code} {code}"), "٣٤٥٦٧٨".to_owned()]
        {
            rig.modem.deliver(ANNA, &text);
            rig.wait_for_received(&text);
        }
        // All of it has gone through once this opens.
        let code = ask_for_code(&rig, BEN);
        rig.modem.deliver(BEN, &code);
        let opened = wait_for(&watcher, "test/door", "the door to open", |_| true);
        assert_eq!((&opened["by"], openings(&watcher)), (&json!(BEN), 1));
        assert_eq!(sent_to(&rig, STRANGER), 0, "a stranger is not answered");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_late_code_opens_nothing() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = door().set("SENDERS", format!("{ANNA},{BEN}")).set("CODE_MINUTES", "0.29");
        let node_red = node_red(version, &rig, flows);
        let code = ask_for_code(&rig, ANNA);
        std::thread::sleep(std::time::Duration::from_secs(18));
        rig.modem.deliver(ANNA, &code);
        wait_for_answer(&rig, ANNA, "This code is too old.");
        // Nor is it there any more.
        rig.modem.deliver(ANNA, &code);
        ask_for_code(&rig, BEN);
        assert_eq!((openings(&watcher), sent_to(&rig, ANNA)), (0, 2));
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn codes_are_few_in_an_hour_and_gone_after_a_restart() {
    for version in VERSIONS {
        let rig = start();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = door().set("SENDERS", format!("{ANNA},{BEN}")).set("CODES_PER_HOUR", 2);
        let mut node_red = node_red(version, &rig, flows);
        let first = ask_for_code(&rig, ANNA);
        let second = ask_for_code(&rig, ANNA);
        rig.modem.deliver(ANNA, "open");
        // A new code takes the place of the old one.
        rig.modem.deliver(ANNA, &first);
        wait_for_answer(&rig, ANNA, "Tries left: 2");
        let code = ask_for_code(&rig, BEN);
        assert_eq!(sent_to(&rig, ANNA), 3, "two codes and an answer");
        node_red.stop();
        // What was written meanwhile waits at the broker.
        rig.modem.deliver(BEN, &code);
        rig.wait_for_received(&code);
        node_red.start_again();
        rig.modem.deliver(ANNA, &second);
        let code = ask_for_code(&rig, BEN);
        assert_eq!(openings(&watcher), 0);
        rig.modem.deliver(BEN, &code);
        wait_until("the door to open", || openings(&watcher) == 1);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

// --- balance ---------------------------------------------------------------------------------

/// The gateway may ask `*100#`, and the application may ask the gateway.
fn start_with_ussd() -> Rig {
    let mut rig = prepare(ModemOptions::default(), |config| config.set("ussd", "allow", vec!["*100#"]));
    let commented = "#topic write sms/ussd/+\n#topic read sms/ussd/+/reply";
    allow(&mut rig, commented, &commented.replace('#', ""));
    rig.start_gateway();
    rig
}

fn balance() -> Flows {
    Flows::shipped(&["ussd-balance"])
        .publishes("Balance", "test/balance")
        .publishes("Balance is low", "test/low")
        .publishes("No balance", "test/none")
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
fn the_amount_is_found_in_what_operators_write() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance());
        for (text, amount) in [
            ("Balance: 12.34", 12.34),
            ("Ihr Guthaben betraegt 7,50 EUR. Gueltig bis 27.11.2026", 7.5),
            ("On 27.11.2026 08:15 you have 1.234,50 EUR", 1234.5),
            ("Баланс:1 234,05 р.", 1234.05),
            ("Saldo CHF 1'250.00", 1250.0),
            ("Rs.99 left until 2027-01-31", 99.0),
            ("Account -3.20", -3.2),
            ("0.00", 0.0),
            ("3 new offers! Balance 15,9 zl", 15.9),
            ("$1,000", 1000.0),
        ] {
            rig.modem.simulator().set_ussd("*100#", Ussd { text: text.into(), more: false });
            let told = ask_for_balance(&node_red, &watcher, "test/balance");
            assert_eq!((told["balance"].as_f64(), &told["text"]), (Some(amount), &json!(text)), "{told}");
        }
        rig.modem.simulator().set_ussd("*100#", Ussd { text: "Try again later".into(), more: false });
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "no amount in the answer", "{told}");
        assert_eq!(told["text"], "Try again later");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_low_balance_is_told_once_until_it_was_above_the_limit() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance().set("WARN", ANNA));
        let mut told = Vec::new();
        for (text, is_low) in [("4.99", true), ("4.50", true), ("5.00", false), ("1.00", true)] {
            rig.modem.simulator().set_ussd("*100#", Ussd { text: text.into(), more: false });
            told = vec![ask_for_balance(&node_red, &watcher, "test/balance")];
            assert_eq!(told[0]["low"], is_low, "{text}");
        }
        assert_eq!(told[0]["limit"], 5);
        wait_until("two warnings by SMS", || sent_to(&rig, ANNA) == 2);
        let warnings = ["The balance is 4.99, less than 5.", "The balance is 1, less than 5."];
        wait_until("two warnings", || on_topic(&watcher, "test/low").len() == 2);
        assert_eq!(on_topic(&watcher, "test/low"), warnings);
        assert_eq!(
            rig.modem.submits().iter().map(|submit| submit.text.as_str()).collect::<Vec<_>>(),
            warnings
        );
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_menu_is_answered_or_cancelled() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &["test/#", "sms/ussd/main/reply"]);
        let sim = rig.modem.simulator();
        sim.set_ussd("*100#", Ussd { text: "1 Offers\n2 My account".into(), more: true });
        sim.set_ussd("2", Ussd { text: "1 Balance\n2 PIN".into(), more: true });
        sim.set_ussd("1", Ussd { text: "Balance: 8.15".into(), more: false });
        let mut answering = node_red(version, &rig, balance().set("MENU", "2, 1"));
        assert_eq!(ask_for_balance(&answering, &watcher, "test/balance")["balance"], 8.15);
        let requests = answering.published("sms/ussd/main");
        assert_eq!(
            requests.iter().map(|request| &request["reply"]).collect::<Vec<_>>(),
            [&Value::Null, &json!("2"), &json!("1")]
        );
        assert_eq!(ids(&requests).len(), 1, "one session");
        answering.stop();

        // An answer too few: the last menu is cancelled, and another request gets through at once. Its numbers are
        // no amounts.
        let mut cancelling = node_red(version, &rig, balance().set("MENU", "2"));
        let told = ask_for_balance(&cancelling, &watcher, "test/none");
        assert_eq!(told["text"], "1 Balance\n2 PIN", "{told}");
        let is_cancelled = |request: &Value| request["cancel"] == true;
        wait_until("a cancel", || cancelling.published("sms/ussd/main").iter().any(is_cancelled));
        let id = cancelling.published("sms/ussd/main")[0]["id"].clone();
        wait_for(&watcher, "sms/ussd/main/reply", "the end of the session", |json| {
            json["id"] == id && json["state"] == "done"
        });
        // A menu that shows the balance as it is left.
        sim.set_ussd("2", Ussd { text: "You have 7.40\n1 Top up".into(), more: true });
        assert_eq!(ask_for_balance(&cancelling, &watcher, "test/balance")["balance"], 7.4);
        sim.set_ussd("*100#", Ussd { text: "Balance: 9.99".into(), more: false });
        assert_eq!(ask_for_balance(&cancelling, &watcher, "test/balance")["balance"], 9.99);
        cancelling.stop();
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_refusal_is_tried_again_and_then_told() {
    for version in VERSIONS {
        let rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let node_red = node_red(version, &rig, balance().set("RETRY_S", 1).set("TRIES", 2));
        let sim = rig.modem.simulator();
        sim.fault(Fault::on("AT+CUSD=1", FaultKind::Cme(30)));
        assert_eq!(ask_for_balance(&node_red, &watcher, "test/balance")["balance"], 12.34, "the second time");
        sim.fault(Fault::on("AT+CUSD=1", FaultKind::Cme(30)).every());
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "the network refused", "{told}");
        sim.clear_faults();
        // Not JSON, and not ours.
        for payload in ["", "done", "[]", "null", "{\"id\":null,\"state\":\"done\",\"text\":\"1.00\"}"] {
            rig.client.publish("sms/ussd/main/reply", payload);
        }
        assert_eq!(ask_for_balance(&node_red, &watcher, "test/balance")["balance"], 12.34);
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_balance_nobody_answers_is_asked_again_and_then_told() {
    for version in VERSIONS {
        let mut rig = start_with_ussd();
        let watcher = rig.client("watcher", &TEST_TOPICS);
        let flows = balance().set("WAIT_S", 4).set("RETRY_S", 1).set("TRIES", 2);
        let node_red = node_red(version, &rig, flows);
        rig.gateway.kill();
        node_red.press("Ask now");
        // Pressed again, it waits for what it has asked.
        let told = ask_for_balance(&node_red, &watcher, "test/none");
        assert_eq!(told["problem"], "no answer", "{told}");
        let codes =
            node_red.published("sms/ussd/main").into_iter().filter(|request| request["code"] == "*100#");
        assert_eq!(ids(&codes.collect::<Vec<_>>()).len(), 2, "two tries");
        assert_eq!(node_red.complaints(), Vec::<String>::new());
    }
}

// --- all of them -----------------------------------------------------------------------------

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
