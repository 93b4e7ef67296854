//! A broker that refuses, forgets, is busy or dies: what it does not take holds up nothing else, and a cluster is used
//! as one.

use serde_json::{Value, json};

use crate::harness::broker::Broker;
use crate::harness::gateway::{Config, Gateway};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::mqtt_packets::Publish;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915112345678";

/// A request whose caller wants copies of its results there.
fn ask(rig: &Rig, id: &str, response_topic: &str) {
    rig.client.publish_with(Publish {
        topic: "sms/send".to_owned(),
        payload: json!({"id": id, "to": ANNA, "text": id}).to_string().into_bytes(),
        qos: 1,
        response_topic: Some(response_topic.to_owned()),
        ..Publish::default()
    });
}

/// Messages come in, and are published.
fn messages_come_in(rig: &Rig, count: usize) {
    for n in 0..count {
        rig.modem.deliver("+4915100000001", &format!("in {n}"));
    }
    for n in 0..count {
        rig.wait_for_received(&format!("in {n}"));
    }
}

fn gateway_state(rig: &Rig) -> Value {
    serde_json::from_str(&rig.client.last_on("sms/gateway/attic").unwrap_or_default()).unwrap_or_default()
}

/// Answers there are refused; all else goes on.
fn answers_are_wanted_on(topics: &[&str]) {
    let rig = Rig::start();
    for (n, topic) in topics.iter().enumerate() {
        let id = format!("order-{n}");
        ask(&rig, &id, topic);
        let accepted = rig.client.wait_for_result(&id, "accepted");
        assert_eq!(accepted["response"], "refused", "{topic}: {accepted}");
        rig.client.wait_for_result(&id, "sent");
    }
    messages_come_in(&rig, 12);
    assert_eq!(gateway_state(&rig)["queue"]["parked"], 0);
    assert_eq!(rig.proxy.record().connections.len(), 1, "the connection broke");
}

#[test]
fn an_application_that_wants_its_answers_anywhere_holds_up_nobody() {
    answers_are_wanted_on(&["app/replies", "homeassistant/switch/door/config", "sms/gateway/gateway"]);
}

#[test]
fn an_application_that_wants_its_answers_deeper_than_a_broker_goes_holds_up_nobody() {
    // mosquitto 2.1 closes the connection of an application that asks so; 2.0 takes its request.
    answers_are_wanted_on(&[&format!("answers{}", "/".repeat(250))]);
}

#[test]
fn an_answer_the_access_list_forbids_is_dropped_and_is_no_alarm() {
    let mut rig = Rig::with(|config| config.set("mqtt", "response_prefix", "app/"));
    ask(&rig, "order", "app/replies");
    rig.client.wait_for_result("order", "sent");
    messages_come_in(&rig, 12);
    wait_until("nothing to be owed", || gateway_state(&rig)["queue"]["publish"] == 0);
    assert_eq!(gateway_state(&rig)["queue"]["parked"], 0);
    assert!(gateway_state(&rig)["problem"].is_null());
    assert_eq!(rig.proxy.record().connections.len(), 1, "the connection broke");
    assert_eq!(code(rig.gateway.stop()), 0);
    assert!(rig.gateway.log().contains("app/replies"), "the log says where nothing goes");
}

#[test]
fn a_broker_that_closes_the_connection_on_what_it_forbids_gets_everything_else() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| {
        config.set("mqtt", "response_prefix", "app/");
    });
    // As mosquitto 2.0 does without a limit.
    let (limit, none) = ("max_queued_messages 1000000", "max_queued_messages 0");
    rig.broker.restart_with((limit, none), ("topic write sms/call/+\n", ""));
    rig.start_gateway();
    ask(&rig, "order", "app/replies");
    rig.modem.simulator().ring("+4915100000009");
    messages_come_in(&rig, 12);
    rig.client.wait_for_result("order", "sent");
    rig.client.wait_for_json("the call to be parked", |topic, state| {
        topic == "sms/gateway/attic"
            && state["queue"]["parked"].as_u64().is_some_and(|parked| parked > 0)
            && state["problem"].as_str().is_some_and(|problem| problem.contains("smsbridge parked"))
    });
    rig.assert_still_works("parked");
}

#[test]
fn what_is_parked_is_shown_and_dropped_by_a_command_and_the_problem_ends() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let (limit, same) = ("max_queued_messages 1000000", "max_queued_messages 1000000");
    rig.broker.restart_with((limit, same), ("topic write sms/call/+\n", ""));
    rig.start_gateway();
    let output = rig.gateway.run_command(&["parked"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("none"), "{output:?}");
    rig.modem.simulator().ring("+4915100000009");
    rig.client.wait_for_json("the call to be parked", |topic, state| {
        topic == "sms/gateway/attic" && state["queue"]["parked"] == 1
    });
    let output = rig.gateway.run_command(&["parked"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("not authorized: sms/call/main") && shown.contains("+4915100000009"), "{shown}");
    let output = rig.gateway.run_command(&["parked", "--json"]);
    let first = output.stdout.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let row: Value = serde_json::from_slice(first).expect("a JSON object a line");
    assert_eq!((&row["topic"], &row["payload"]["state"]), (&json!("sms/call/main"), &json!("ringing")));
    let id = row["row"].to_string();
    assert_eq!(rig.gateway.run_command(&["parked", "--drop", "99999"]).status.code(), Some(1));
    let dropped = rig.gateway.run_command(&["parked", "--drop", &id]);
    assert!(dropped.status.success(), "{dropped:?}");
    let dropped = rig.gateway.run_command(&["parked", "--drop-all"]);
    assert!(dropped.status.success() && dropped.stdout.is_empty(), "{dropped:?}");
    rig.client.forget();
    rig.client.wait_for_json("no problem any more", |topic, state| {
        topic == "sms/gateway/attic" && state["queue"]["parked"] == 0 && state["problem"].is_null()
    });
}

#[test]
fn acknowledgements_that_never_come_end_the_connection_and_are_told() {
    let rig = Rig::start();
    rig.proxy.lose_acknowledgements(true);
    for n in 0..20 {
        rig.modem.deliver("+4915100000001", &format!("lost {n}"));
    }
    wait_until("some answers to be lost", || {
        rig.published("sms/received/").iter().filter(|crossing| crossing.is_taken_over()).count() >= 4
    });
    rig.proxy.lose_acknowledgements(false);
    rig.gateway.wait_for_log(&["did not acknowledge a message"]);
    for n in 0..20 {
        rig.wait_for_received(&format!("lost {n}"));
    }
    wait_until("all to be acknowledged", || gateway_state(&rig)["queue"]["publish"] == 0);
    rig.assert_still_works("acknowledged");
}

#[test]
fn a_busy_broker_is_no_wrong_password() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    rig.proxy.be_busy(true);
    rig.launch_gateway(&[]);
    let line = rig.gateway.wait_for_log(&["server busy"]);
    assert!(!line.contains("password"), "{line}");
    rig.proxy.be_busy(false);
    rig.wait_online();
    rig.assert_still_works("free");
}

#[test]
fn a_late_last_will_is_answered() {
    let rig = Rig::start();
    let topic = "sms/gateway/attic/availability";
    rig.client.forget();
    rig.client.publish_with(Publish {
        topic: topic.to_owned(),
        payload: b"offline".to_vec(),
        qos: 1,
        retain: true,
        ..Publish::default()
    });
    rig.client.wait_for_text(topic, "offline");
    wait_until("to be online again", || rig.client.last_on(topic).as_deref() == Some("online"));
    rig.assert_still_works("online");
}

#[test]
fn a_dead_node_of_a_cluster_costs_no_message() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let folder = rig.folder().join("other");
    std::fs::create_dir_all(&folder).expect("a folder for the other broker");
    let mut other = Broker::start(&folder, None);
    let urls = format!("mqtt://127.0.0.1:{},mqtt://127.0.0.1:{}", other.port, rig.proxy.port);
    rig.reconfigure(|config| config.set("mqtt", "url", urls));
    rig.gateway.start();
    rig.gateway.wait_for_log(&["connected to the broker", &other.port.to_string()]);
    other.kill();
    rig.wait_online();
    messages_come_in(&rig, 5);
    // The one that works is kept, though the first of the list is back.
    other.restart();
    rig.proxy.cut();
    rig.assert_still_works("kept");
    let output = rig.gateway.run_command(&["check", "--connect"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.matches("it lets us in").count(), 2, "{said}");
}

/// A second gateway with the same name, as one that was run by hand: a store and a modem of its own.
struct ByHand {
    gateway: Gateway,
    modem: Modem,
}

impl ByHand {
    fn prepare(rig: &Rig) -> Self {
        let folder = rig.folder().join("by hand");
        std::fs::create_dir_all(&folder).expect("a folder for it");
        let modem = Modem::start(&folder.join("modem"), &ModemOptions::default());
        let config = Config::new(&folder, rig.broker.port, modem.port());
        Self { gateway: Gateway::prepare(&folder, &config), modem }
    }
}

#[test]
fn a_run_by_hand_and_then_the_service_send_nothing_twice() {
    let mut rig = Rig::start();
    rig.assert_still_works("before");
    assert_eq!(code(rig.gateway.stop()), 0);
    let mut by_hand = ByHand::prepare(&rig);
    by_hand.gateway.start();
    wait_until("the other to be there", || {
        rig.client.last_on("sms/modem/main/availability").as_deref() == Some("online")
    });
    for n in 0..4 {
        let id = format!("m{n}");
        rig.request(&json!({"id": id, "to": ANNA, "text": id}));
        rig.client.wait_for_result(&id, "sent");
    }
    assert_eq!(code(by_hand.gateway.stop()), 0);
    rig.client.forget();
    rig.start_gateway();
    for n in 0..4 {
        let rejected = rig.client.wait_for_result(&format!("m{n}"), "rejected");
        assert_eq!(rejected["error"]["code"], "stale", "{rejected}");
    }
    assert_eq!((rig.modem.submits().len(), by_hand.modem.submits().len()), (1, 4), "sent twice");
    rig.client.wait_for_json("the problem", |topic, state| {
        topic == "sms/gateway/attic"
            && state["problem"].as_str().is_some_and(|words| words.contains("on_stale"))
    });
    // What comes now is nobody else's.
    rig.assert_still_works("after");
}

#[test]
fn of_two_gateways_with_one_name_the_one_that_stays_is_online_again() {
    let rig = Rig::start();
    let mut by_hand = ByHand::prepare(&rig);
    by_hand.gateway.start();
    rig.client.wait_for_json("both to see the other", |topic, state| {
        topic == "sms/gateway/attic"
            && state["problem"].as_str().is_some_and(|words| words.contains("is named attic too"))
    });
    assert_eq!(code(by_hand.gateway.stop()), 0);
    let topics = ["sms/gateway/attic/availability", "sms/modem/main/availability"];
    wait_until("to be online again", || {
        topics.iter().all(|topic| rig.client.last_on(topic).as_deref() == Some("online"))
    });
}

#[test]
fn a_message_expiry_the_broker_sets_by_itself_can_be_ignored() {
    for (setting, state) in [("honour", "expired"), ("ignore", "sent")] {
        let mut rig = Rig::with(|config| config.set("outbound", "message_expiry", setting));
        rig.modem.simulator().set_registration(2);
        rig.wait_for_modem("no network", |state| state["registration"] != "registered, home");
        rig.client.publish_with(Publish {
            topic: "sms/send".to_owned(),
            payload: json!({"id": "m", "to": ANNA, "text": "m"}).to_string().into_bytes(),
            qos: 1,
            message_expiry_s: Some(2),
            ..Publish::default()
        });
        rig.client.wait_for_result("m", "accepted");
        if setting == "ignore" {
            std::thread::sleep(std::time::Duration::from_secs(4));
        } else {
            rig.client.wait_for_result("m", "expired");
        }
        rig.modem.simulator().set_registration(1);
        let result = rig.client.wait_for_result("m", state);
        assert_eq!(result["final"], true, "{setting}");
        rig.gateway.kill();
    }
}
