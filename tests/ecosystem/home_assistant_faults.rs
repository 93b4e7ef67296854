//! What Home Assistant shows while something is wrong, and that all is shown again afterwards.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::home::{ANNA, Home};
use crate::harness::home_assistant::attribute;
use crate::harness::wait::wait_until;

/// The entities whose ids have these words, those that are unavailable or those that are not.
fn entities(home: &Home, words: &str, unavailable: bool) -> BTreeSet<String> {
    let states = home.states().into_iter().filter(|state| (state["state"] == "unavailable") == unavailable);
    let ids = states.filter_map(|state| state["entity_id"].as_str().map(str::to_owned));
    ids.filter(|id| id.contains(words)).collect()
}

/// A message comes in, is the last one, and fires its event exactly once.
fn assert_hears(home: &Home, text: &str) {
    let mut fired = home.hear();
    home.rig.modem.deliver(ANNA, text);
    fired.wait_for("event.sms_main_incoming", text, |event| event["text"] == text);
    home.wait_for_state("sensor.sms_main_last_message", text);
    assert_eq!(fired.of("event.sms_main_incoming").len(), 1, "of {text:?}");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_killed_gateway_makes_everything_unavailable_until_it_is_back() {
    let mut home = Home::start(|_| {});
    assert_hears(&home, "before");
    home.rig.gateway.kill();
    home.wait_for_state("binary_sensor.sms_gateway_attic_connection", "off");
    home.wait_for_state("sensor.sms_main_signal", "unavailable");
    let connection = "binary_sensor.sms_gateway_attic_connection".to_owned();
    wait_until("the rest to be unavailable", || {
        entities(&home, ".sms_", false) == [connection.clone()].into()
    });

    home.rig.start_gateway();
    home.wait_for_state("binary_sensor.sms_gateway_attic_connection", "on");
    home.wait_until_shown();
    home.wait_for_state("sensor.sms_main_last_message", "before");
    assert_hears(&home, "after");
    assert_eq!(entities(&home, ".sms_", true), BTreeSet::new());
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_unplugged_modem_is_a_problem_with_words_while_its_signal_is_unavailable() {
    let home = Home::start(|_| {});
    assert_hears(&home, "before");
    home.rig.modem.unplug();
    let problem = home.wait_for_state("binary_sensor.sms_main_problem", "on");
    assert!(!attribute(&problem, "problem").is_empty(), "{problem}");
    home.wait_for_state("binary_sensor.sms_main_connection", "off");
    home.wait_for_state("sensor.sms_main_signal", "unavailable");
    home.wait_for_state("sensor.sms_main_last_message", "before");
    assert!(entities(&home, "event.sms_main_", false).contains("event.sms_main_incoming"));
    assert_eq!(entities(&home, ".sms_gateway_", true), BTreeSet::new(), "the gateway is well");

    home.rig.modem.plug();
    home.wait_until_shown();
    home.wait_for("binary_sensor.sms_main_problem", "to be over", |problem| {
        problem["state"] == "off" && problem["attributes"]["problem"].is_null()
    });
    home.wait_for_state("sensor.sms_main_signal", "-73");
    assert_hears(&home, "after");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_broker_that_lost_everything_is_told_all_again_and_no_event_fires_twice() {
    let mut home = Home::start(|_| {});
    assert_hears(&home, "before");
    let mut fired = home.hear();
    home.ha.expect_complaint("Error returned from MQTT server: The connection was lost");
    let births = home.ha.births();
    home.rig.broker.kill();
    home.rig.broker.forget_everything();
    home.rig.broker.restart();
    wait_until("Home Assistant to be back", || home.ha.births() > births);
    home.wait_until_shown();
    assert_hears(&home, "after");
    fired.wait_for("event.sms_main_incoming", "after", |event| event["text"] == "after");
    home.call("notify.send_message", &json!({"entity_id": "notify.sms_anna", "message": "to Anna"}));
    wait_until("the SMS", || home.rig.modem.submits().iter().any(|sent| sent.text == "to Anna"));
    assert_eq!(texts(&fired.of("event.sms_main_incoming")), ["after"]);
}

fn texts(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["text"].as_str().unwrap_or_default()).collect()
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn home_assistant_started_again_shows_everything_and_no_event_fires() {
    let mut home = Home::start(|_| {});
    assert_hears(&home, "before");
    let event = home.state("event.sms_main_incoming").expect("the event's entity");
    home.ha.stop();
    home.rig.modem.deliver(ANNA, "while it was away");
    home.rig.client.wait_for_json("the last message", |topic, json| {
        topic == "sms/last/main" && json["text"] == "while it was away"
    });
    home.ha.start();
    home.wait_until_shown();
    home.wait_for_state("sensor.sms_main_last_message", "while it was away");
    let again =
        home.wait_for("event.sms_main_incoming", "to be as before", |again| again["state"] == event["state"]);
    assert_eq!(again["attributes"]["text"], "before", "{again}");
    assert_hears(&home, "after");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn home_assistant_killed_and_started_before_the_gateway_waits_for_it() {
    let mut home = Home::start(|_| {});
    home.rig.gateway.kill();
    home.ha.kill();
    home.ha.start();
    home.wait_for_state("binary_sensor.sms_gateway_attic_connection", "off");
    home.wait_for_state("sensor.sms_main_signal", "unavailable");
    home.rig.start_gateway();
    home.wait_until_shown();
    assert_hears(&home, "after");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_burst_of_twenty_fires_twenty_events() {
    let home = Home::start(|_| {});
    let mut fired = home.hear();
    let expected: BTreeSet<String> = (0..20).map(|n| format!("burst {n}")).collect();
    for text in &expected {
        home.rig.modem.deliver(ANNA, text);
    }
    wait_until("twenty events", || fired.of("event.sms_main_incoming").len() >= 20);
    let events = fired.of("event.sms_main_incoming");
    assert_eq!(texts(&events).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    assert_eq!(events.len(), 20);
    home.wait_for_state("sensor.sms_main_received", "20");
}
