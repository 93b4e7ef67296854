//! What dashboards see: retained state of gateway and modem, and the last message.

use serde_json::Value;

use crate::harness::broker::Login;
use crate::harness::process::code;
use crate::harness::rig::Rig;

#[test]
fn the_gateway_publishes_its_state() {
    let rig = Rig::start();
    let state = rig.client.wait_for_json("the gateway's state", |topic, _| topic == "sms/gateway/attic");
    for key in ["version", "instance", "started_at", "modems", "problem"] {
        assert!(state.get(key).is_some(), "{key} is missing: {state}");
    }
    assert_eq!(state["problem"], Value::Null, "{state}");
    assert_eq!(state["modems"].to_string().matches("main").count(), 1, "{state}");
}

#[test]
fn the_modem_publishes_its_identity_and_signal() {
    let rig = Rig::start();
    let state = rig.client.wait_for_json("the modem's state", |topic, state| {
        topic == "sms/modem/main" && state["problem"].is_null() && state["signal"]["dbm"].is_number()
    });
    assert_eq!(state["imei"], rig.modem.imei(), "{state}");
    assert_eq!(state["iccid"], rig.modem.iccid(), "{state}");
    assert_eq!(state["operator"], "Simulated", "{state}");
    for key in ["manufacturer", "model", "firmware", "registration", "technology", "service_center"] {
        assert!(state[key].is_string(), "{key} is missing: {state}");
    }
    assert!(state.get("imsi").is_none_or(Value::is_null), "only if asked for: {state}");
}

#[test]
fn all_state_is_retained_and_no_event_is() {
    let rig = Rig::start();
    rig.assert_still_works("seen");
    for crossing in rig.published("sms/") {
        let topic = &crossing.publish.topic;
        let event = topic.starts_with("sms/received/") || topic == "sms/result";
        assert_eq!(crossing.publish.retain, !event, "retain flag on {topic}");
        assert_eq!(crossing.publish.qos, 1, "QoS on {topic}");
    }
}

#[test]
fn the_last_message_is_taken_off_the_broker_where_it_is_not_to_stay_there() {
    let mut rig = Rig::start();
    rig.modem.deliver("+4915100000001", "Your code is 4711");
    rig.client.wait_for_json("the last message", |topic, _| topic == "sms/last/main");
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("mqtt", "retain_last", false));
    rig.start_gateway();
    rig.client.wait_for_text("sms/last/main", "");
    rig.assert_still_works("later");
    let late = rig.client("late", &["sms/#"]);
    late.wait_for_text("sms/gateway/attic/availability", "online");
    assert_eq!(late.last_on("sms/last/main"), None, "nothing is left there, and nothing new comes");
}

#[test]
fn a_late_subscriber_sees_state_and_the_last_message_only() {
    let rig = Rig::start();
    rig.assert_still_works("earlier");
    let late = rig.client("late", &["sms/#"]);
    late.wait_for_text("sms/gateway/attic/availability", "online");
    late.wait_for_text("sms/modem/main/availability", "online");
    let last = late.wait_for_json("the last message", |topic, _| topic == "sms/last/main");
    assert_eq!(last["text"], "earlier in");
    let events = late.received().iter().filter(|publish| publish.topic.starts_with("sms/received")).count();
    assert_eq!(events, 0, "a message is an event, not a state");
}

#[test]
fn the_last_message_can_be_left_out() {
    let rig = Rig::with(|config| config.set("mqtt", "retain_last", false));
    rig.assert_still_works("private");
    assert!(rig.published("sms/last/").is_empty());
}

#[test]
fn the_last_message_is_not_repeated_after_a_restart() {
    let mut rig = Rig::start();
    rig.modem.deliver("+4915100000001", "once");
    rig.client.wait_for_json("the last message", |topic, _| topic == "sms/last/main");
    assert_eq!(code(rig.gateway.stop()), 0);
    let before = rig.published("sms/last/").len();
    rig.start_gateway();
    rig.assert_still_works("restarted");
    let texts: Vec<Value> = rig.published("sms/last/")[before..]
        .iter()
        .map(|crossing| crate::harness::rig::json(&crossing.publish)["text"].clone())
        .collect();
    assert!(texts.iter().all(|text| text != "once"), "a live subscriber would take it for new: {texts:?}");
}

#[test]
fn another_prefix_moves_everything() {
    let mut rig = Rig::prepare(&Default::default(), |config| {
        config.set("mqtt", "prefix", "house/sms");
        let Login { user, password } = Login::observer();
        config.set("mqtt", "username", user);
        config.set("mqtt", "password", password);
    });
    let elsewhere = rig.client("elsewhere", &["house/sms/#"]);
    rig.launch_gateway(&[]);
    elsewhere.wait_for_text("house/sms/modem/main/availability", "online");
    rig.modem.deliver("+4915100000001", "moved");
    elsewhere.wait_for_json("the message", |topic, message| {
        topic == "house/sms/received/main" && message["text"] == "moved"
    });
    assert_eq!(rig.published("sms/").len(), 0, "nothing under the old prefix");
}
