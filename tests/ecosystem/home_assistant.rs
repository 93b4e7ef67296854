//! What people see of their modem in the real Home Assistant, and what they do with it there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use smsbridge_simulator::VendorProfile;

use super::home::{ANNA, Home, contact};
use crate::harness::home_assistant::attribute;
use crate::harness::modem::ModemOptions;
use crate::harness::wait::wait_until;

/// An entity as Home Assistant shows it: its id, its state, its unit, its device class, its category, and whether it has
/// a graph.
type Entity = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const OF_THE_MODEM: [Entity; 16] = [
    ("binary_sensor.sms_main_connection", "on", "", "connectivity", "diagnostic", ""),
    ("binary_sensor.sms_main_problem", "off", "", "problem", "", ""),
    ("button.sms_main_restart", "unknown", "", "restart", "config", ""),
    ("event.sms_main_call", "unknown", "", "", "", ""),
    ("event.sms_main_incoming", "unknown", "", "", "", ""),
    ("event.sms_main_outgoing", "unknown", "", "", "", ""),
    ("sensor.sms_main_last_message", "unknown", "", "", "", ""),
    ("sensor.sms_main_not_sent", "0", "SMS", "", "diagnostic", "total_increasing"),
    ("sensor.sms_main_operator", "Simulated", "", "", "diagnostic", ""),
    ("sensor.sms_main_received", "0", "SMS", "", "diagnostic", "total_increasing"),
    ("sensor.sms_main_registration", "home", "", "enum", "diagnostic", ""),
    ("sensor.sms_main_sent", "0", "SMS", "", "diagnostic", "total_increasing"),
    ("sensor.sms_main_signal", "-73", "dBm", "signal_strength", "diagnostic", "measurement"),
    ("sensor.sms_main_storage", "0", "%", "", "diagnostic", "measurement"),
    ("sensor.sms_main_technology", "GSM", "", "", "diagnostic", ""),
    // Not of the modem, but there is always one.
    ("notify.sms_anna", "unknown", "", "", "", ""),
];

const OF_THE_GATEWAY: [Entity; 7] = [
    ("binary_sensor.sms_gateway_attic_connection", "on", "", "connectivity", "diagnostic", ""),
    ("binary_sensor.sms_gateway_attic_problem", "off", "", "problem", "", ""),
    ("event.sms_gateway_attic_outgoing", "unknown", "", "", "", ""),
    ("sensor.sms_gateway_attic_parked", "0", "SMS", "", "diagnostic", "measurement"),
    ("sensor.sms_gateway_attic_to_publish", "0", "SMS", "", "diagnostic", "measurement"),
    ("sensor.sms_gateway_attic_to_send", "0", "SMS", "", "diagnostic", "measurement"),
    ("sensor.sms_gateway_attic_version", env!("CARGO_PKG_VERSION"), "", "", "diagnostic", ""),
];

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn everything_of_a_modem_and_its_gateway_is_shown_with_its_unit_and_class() {
    let home = Home::start(|_| {});
    for (entity, state, unit, class, category, graph) in OF_THE_MODEM.into_iter().chain(OF_THE_GATEWAY) {
        let shown = home.wait_for_state(entity, state);
        assert_eq!(attribute(&shown, "unit_of_measurement"), unit, "{shown}");
        assert_eq!(attribute(&shown, "device_class"), class, "{shown}");
        assert_eq!(attribute(&shown, "state_class"), graph, "{shown}");
        let registered = home.registered_entity(entity).expect("an entity of the registry");
        assert_eq!(registered["entity_category"].as_str().unwrap_or_default(), category, "{registered}");
        let has_picture = !class.is_empty() || attribute(&shown, "icon").starts_with("mdi:");
        assert!(has_picture, "neither a class nor an icon: {shown}");
    }
    let shown: BTreeSet<String> = home
        .registered_entities()
        .iter()
        .map(|entity| entity["entity_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    let expected = OF_THE_MODEM.iter().chain(&OF_THE_GATEWAY).map(|entity| entity.0.to_owned());
    assert_eq!(shown, expected.collect(), "no entity is without a line above, nor a line without an entity");

    let signal = home.wait_for_state("sensor.sms_main_signal", "-73");
    assert_eq!(signal["attributes"]["percent"], 64, "{signal}");
    assert!(signal["attributes"].get("rsrp_dbm").is_some(), "{signal}");
    let storage = home.wait_for_state("sensor.sms_main_storage", "0");
    assert_eq!(storage["attributes"]["SM"]["total"], 30, "{storage}");
    let registration = home.wait_for_state("sensor.sms_main_registration", "home");
    assert!(
        registration["attributes"]["options"].as_array().is_some_and(|all| all.len() > 3),
        "{registration}"
    );
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_modem_is_a_device_below_its_gateway_with_what_it_says_of_itself() {
    let home = Home::start(|_| {});
    let gateway = home.device("sms_gateway_attic").expect("the gateway's device");
    let modem = home.device("sms_modem_main").expect("the modem's device");
    assert_eq!((&gateway["name"], &modem["name"]), (&json!("SMS gateway attic"), &json!("SMS main")));
    assert_eq!(modem["via_device_id"], gateway["id"], "{modem}");
    assert_eq!(modem["serial_number"], home.rig.modem.imei(), "{modem}");
    assert_eq!((&modem["manufacturer"], &modem["model"]), (&json!("smsbridge"), &json!("Simulator")));
    assert_eq!(gateway["sw_version"], env!("CARGO_PKG_VERSION"), "{gateway}");
    for (device, entity) in [(&gateway, OF_THE_GATEWAY[0].0), (&modem, OF_THE_MODEM[0].0)] {
        let registered = home.registered_entity(entity).expect("an entity of the registry");
        assert_eq!(registered["device_id"], device["id"], "{entity}");
    }
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_sms_fires_its_event_once_and_is_the_last_message() {
    let home = Home::start(|_| {});
    let mut fired = home.hear();
    for text in ["Tür: \"offen\"\n🎉 {{ states('sun.sun') }} {% if %}", "00123", "None", " \u{7f} "] {
        home.rig.modem.deliver(ANNA, text);
        let event = fired.wait_for("event.sms_main_incoming", text, |event| event["text"] == text);
        assert_eq!((&event["event_type"], &event["from"]), (&json!("received"), &json!(ANNA)), "{event}");
        let last = home.wait_for("sensor.sms_main_last_message", "to be the last", |last| {
            last["attributes"]["id"] == event["id"]
        });
        assert_eq!(last["attributes"]["text"], text, "{last}");
        // Home Assistant takes white space off a state, and what says nothing is unknown.
        let state = last["state"].as_str().unwrap_or_default();
        assert!(state == text.trim() || (text == "None" && state == "unknown"), "{last}");
    }
    home.wait_for_state("sensor.sms_main_received", "4");
    assert_eq!(fired.of("event.sms_main_incoming").len(), 4);
}

/// To the phone, from +79211234567: first octet, TP-DCS, and TP-UDL with TP-UD.
fn deliver(first: &str, dcs: &str, user_data: &str) -> String {
    format!("00{first}0B919712214365F700{dcs}62112201515321{user_data}")
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_of_any_kind_is_shown_without_a_warning() {
    let home = Home::start(|_| {});
    let mut fired = home.hear();
    let long = "Ein langer Text, der nicht in einen Zustand passt. ".repeat(40);
    let long = &long[..2_000];
    home.rig.modem.deliver(ANNA, long);
    fired.wait_for("event.sms_main_incoming", "2,000 characters", |event| event["text"] == long);
    let last = home.wait_for_state("sensor.sms_main_last_message", long[..255].trim_end());
    assert_eq!(last["attributes"]["text"], long);

    // 8-bit data, an empty text, and what is no PDU at all.
    let others = [deliver("04", "04", "03010203"), deliver("04", "00", "00"), "07FF".to_owned()];
    for (n, pdu) in others.iter().enumerate() {
        home.rig.modem.deliver_pdu(pdu);
        wait_until(&format!("{pdu} to fire"), || fired.of("event.sms_main_incoming").len() == n + 2);
        let event = fired.of("event.sms_main_incoming").remove(n + 1);
        let last = home.wait_for("sensor.sms_main_last_message", "to be the last", |last| {
            last["attributes"]["id"] == event["id"]
        });
        let state = last["state"].as_str().unwrap_or_default();
        assert!(matches!(state, "unknown" | ""), "a message without a text has none: {last}");
        for key in ["data", "error"] {
            assert_eq!(event.get(key), last["attributes"].get(key), "{event}");
        }
    }
    let events = fired.of("event.sms_main_incoming");
    assert!(events[3]["error"].is_string(), "{}", events[3]);
    let data = &events[1];
    assert_eq!((&data["kind"], &data["data"]), (&json!("data"), &json!("AQID")), "{data}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_message_to_a_contact_is_sent_as_it_was_written_and_its_results_fire() {
    let home = Home::start(|config| {
        contact(config, "O'Brien Søn", &["+4915100000011", "+4915100000012"]);
        config.set("outbound", "delivery_report", true);
    });
    let mut fired = home.hear();
    let texts =
        ["plain", "\"quoted\" \\ 'so'\nnext line\ttab", "🎉 Größe {{ 1 + 1 }} {% x %}", "0123", "[1, 2]"];
    for (n, text) in texts.into_iter().enumerate() {
        home.call("notify.send_message", &json!({"entity_id": "notify.sms_anna", "message": text}));
        wait_until(&format!("the SMS {text:?}"), || home.rig.modem.submits().len() > n);
        let sent = &home.rig.modem.submits()[n];
        assert_eq!((sent.to.as_str(), sent.text.as_str()), (ANNA, text));
    }
    for state in ["sent", "delivered"] {
        let result = fired.wait_for("event.sms_main_outgoing", state, |event| event["event_type"] == state);
        assert_eq!((&result["to"], &result["contact"]), (&json!(ANNA), &json!("Anna")), "{result}");
    }

    let two = json!({"entity_id": "notify.sms_o_brien_son", "message": "to both"});
    home.call("notify.send_message", &two);
    wait_until("an SMS to each number", || home.rig.modem.submits().len() == texts.len() + 2);
    let sent: BTreeSet<String> =
        home.rig.modem.submits()[texts.len()..].iter().map(|sent| sent.to.clone()).collect();
    assert_eq!(sent, BTreeSet::from(["+4915100000011".to_owned(), "+4915100000012".to_owned()]));

    home.rig.modem.refuse_submits(1);
    home.call("notify.send_message", &json!({"entity_id": "notify.sms_anna", "message": "refused"}));
    let failed = fired.wait_for("event.sms_main_outgoing", "failed", |event| event["event_type"] == "failed");
    assert_eq!(failed["error"]["code"], "cms-1", "{failed}");
    // What reaches no modem is told by the gateway.
    home.rig.request(&json!({"id": "nobody", "to": "Bert", "text": "hello"}));
    let rejected = fired
        .wait_for("event.sms_gateway_attic_outgoing", "nobody's result", |event| event["id"] == "nobody");
    assert_eq!(rejected["event_type"], "rejected", "{rejected}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_call_rings_and_is_missed_once() {
    let home = Home::start(|_| {});
    let mut fired = home.hear();
    home.rig.modem.simulator().ring("+4915100000009");
    let ringing = fired.wait_for("event.sms_main_call", "a call", |call| call["event_type"] == "ringing");
    assert_eq!(ringing["from"], "+4915100000009", "{ringing}");
    home.rig.modem.simulator().stop_ringing();
    fired.wait_for("event.sms_main_call", "a missed call", |call| call["event_type"] == "missed");
    let types: Vec<Value> =
        fired.of("event.sms_main_call").iter().map(|call| call["event_type"].clone()).collect();
    assert_eq!(types, ["ringing", "missed"]);
}

/// As people write them: one hears the event's entity, one sends when another program of theirs fires an event.
const AUTOMATIONS: &str = r#"
- id: answer
  alias: Answer
  mode: queued
  triggers:
    - trigger: event.received
      target: {entity_id: event.sms_main_incoming}
      options: {event_type: [received]}
  actions:
    - action: notify.send_message
      target: {entity_id: notify.sms_anna}
      data: {message: "{{ trigger.to_state.attributes.from }} wrote: {{ trigger.to_state.attributes.text }}"}
- id: doorbell
  alias: Doorbell
  triggers: [{trigger: event, event_type: doorbell}]
  actions:
    - action: notify.send_message
      target: {entity_id: notify.sms_anna}
      data: {message: "Signal: {{ states('sensor.sms_main_signal') }} dBm"}
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn automations_hear_the_event_and_send_to_a_contact() {
    let home = Home::start(|_| {});
    home.ha.write("automations.yaml", AUTOMATIONS);
    home.call("automation.reload", &json!({}));
    home.wait_for_state("automation.answer", "on");
    for n in 0..10 {
        home.rig.modem.deliver("+4915100000001", &format!("message {n}"));
    }
    wait_until("ten answers", || home.rig.modem.submits().len() >= 10);
    home.fire("doorbell", &json!({}));
    wait_until("the doorbell's SMS", || home.rig.modem.submits().len() >= 11);
    let sent: BTreeSet<String> = home.rig.modem.submits().into_iter().map(|sent| sent.text).collect();
    let mut expected: BTreeSet<String> =
        (0..10).map(|n| format!("+4915100000001 wrote: message {n}")).collect();
    expected.insert(format!("Signal: {} dBm", home.template("{{ states('sensor.sms_main_signal') }}")));
    assert_eq!(sent, expected);
    assert_eq!(home.rig.modem.submits().len(), 11);
    let is_error = |trace: &Value| trace.get("error").is_some();
    assert!(!home.traces("automation", "answer").iter().any(is_error));
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_button_restarts_the_modem_once() {
    let modem = ModemOptions { profile: VendorProfile::ec25(), ..ModemOptions::default() };
    let home = Home::with_modem(modem, |_| {});
    home.call("button.press", &json!({"entity_id": "button.sms_main_restart"}));
    wait_until("a reset", || home.rig.modem.simulator().resets() == 1);
    home.rig.wait_for_modem("a second session", |state| {
        state["state"] == "online" && state["counters"]["sessions"] == 2
    });
    home.rig.assert_still_works("restarted");
    home.wait_for_state("sensor.sms_main_received", "1");
    home.wait_for_state("binary_sensor.sms_main_problem", "off");
    assert_eq!(home.rig.modem.simulator().resets(), 1);
}
