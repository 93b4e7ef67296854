//! Which messages the configuration lets out, to whom and how fast; and two gateways on one prefix.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::gateway::has_all;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::second::Second;
use crate::harness::wait::wait_until;

const ANNA: &str = "+4915100000002";

fn wait_for_final(rig: &Rig, id: &str) -> Value {
    rig.client.wait_for_json(&format!("the final result of {id:?}"), |topic, result| {
        topic == "sms/result" && result["id"] == id && result["final"] == true
    })
}

fn request(rig: &Rig, id: &str, to: &str, text: &str) -> Value {
    rig.request(&json!({"id": id, "to": to, "text": text}));
    wait_for_final(rig, id)
}

fn assert_rejected(result: &Value, code: &str) {
    assert_eq!(
        (&result["state"], &result["error"]["code"], &result["error"]["permanent"]),
        (&json!("rejected"), &json!(code), &json!(true)),
        "{result}"
    );
}

/// Waits until a modem's state says in words what its messages wait for.
fn wait_for_problem(rig: &Rig, topic: &str, words: &[&str]) -> Value {
    rig.client.wait_for_json(&format!("a problem with {words:?} on {topic}"), |on, state| {
        on == topic && has_all(state["problem"].as_str().unwrap_or_default(), words)
    })
}

#[test]
fn only_allowed_numbers_are_reached_and_deny_wins() {
    let rig = Rig::with(|config| {
        config.set("outbound", "allow", vec!["+49*", "112"]);
        config.set("outbound", "deny", vec!["+49900*"]);
    });
    assert_eq!(request(&rig, "german", ANNA, "t")["state"], "sent");
    assert_eq!(request(&rig, "exact", "112", "t")["state"], "sent");
    for (id, to, list) in [("french", "+33100000000", "allow"), ("dear", "+499001234", "deny")] {
        let result = request(&rig, id, to, "t");
        assert_rejected(&result, "denied");
        let words = result["error"]["message"].as_str().unwrap_or_default();
        assert!(has_all(words, &[to, list]), "it names number and list: {words}");
    }
    assert_rejected(&request(&rig, "longer", "1125", "t"), "bad-number");
    assert_eq!(rig.modem.submits().len(), 2, "nobody else is reached");
}

#[test]
fn national_numbers_get_the_default_country() {
    let rig = Rig::with(|config| config.set("outbound", "default_country", "49"));
    for (id, typed, dialled) in [
        ("a", "0151 000-000 02", ANNA),
        ("b", "0033 1 2345678", "+3312345678"),
        ("c", "+49 (151) 00000002", ANNA),
        ("d", "10086", "10086"),
    ] {
        let result = request(&rig, id, typed, "t");
        assert_eq!((&result["state"], &result["to"]), (&json!("sent"), &json!(dialled)), "{typed}: {result}");
    }
    let reached: Vec<String> = rig.modem.submits().into_iter().map(|submit| submit.to).collect();
    assert_eq!(reached, [ANNA, "+3312345678", ANNA, "10086"]);
}

#[test]
fn a_message_of_too_many_parts_is_refused() {
    let rig = Rig::with(|config| config.set("outbound", "max_parts", 2));
    let result = request(&rig, "long", ANNA, &"0123456789".repeat(40));
    assert_rejected(&result, "too-long");
    let words = result["error"]["message"].as_str().unwrap_or_default();
    assert!(has_all(words, &["3 parts", "max_parts = 2"]), "{words}");
    assert_eq!(request(&rig, "shorter", ANNA, &"0123456789".repeat(30))["state"], "sent");
    assert_eq!(rig.modem.submits().len(), 2, "the shorter one in two parts, of the longer one none");
}

#[test]
fn an_unknown_field_is_rejected_by_name() {
    let rig = Rig::start();
    for field in ["ttl", "sendAt", "Text", "validity", "at_command"] {
        let id = format!("typo-{field}");
        rig.request(&json!({"id": id, "to": ANNA, "text": "t", field: 1}));
        let result = wait_for_final(&rig, &id);
        assert_rejected(&result, "malformed");
        let words = result["error"]["message"].as_str().unwrap_or_default();
        assert!(words.contains(field), "it names {field:?}: {words}");
    }
    rig.assert_still_works("after");
    assert_eq!(rig.modem.submits().len(), 1);
}

#[test]
fn the_budget_of_a_minute_survives_a_kill_and_what_is_over_it_waits() {
    let mut rig = Rig::with(|config| config.set("outbound", "per_minute", 3));
    for n in 0..4 {
        rig.request(&json!({"id": format!("m{n}"), "to": ANNA, "text": format!("m{n}")}));
    }
    rig.client.wait_for_result("m2", "sent");
    wait_for_problem(&rig, "sms/modem/main", &["per_minute = 3", "wait"]);
    assert_eq!(rig.modem.submits().len(), 3, "three a minute");

    rig.gateway.kill();
    rig.client.forget();
    rig.start_gateway();
    wait_for_problem(&rig, "sms/modem/main", &["per_minute = 3", "wait"]);
    assert_eq!(rig.modem.submits().len(), 3, "a restart is no new minute");
    // The minute is the network's, not ours to shorten: the oldest of the three has to be a minute old.
    assert_eq!(wait_for_final(&rig, "m3")["state"], "sent", "what waited is sent, not lost");
    rig.client.wait_for_json("no problem any more", |topic, state| {
        topic == "sms/modem/main"
            && state["state"] == "online"
            && state["counters"]["sent"] == 1
            && state["problem"].is_null()
    });
}

#[test]
fn the_budget_of_a_day_counts_the_parts_of_each_message() {
    let mut rig = Rig::with(|config| config.set("outbound", "per_day", 2));
    assert_eq!(request(&rig, "two-parts", ANNA, &"0123456789".repeat(30))["state"], "sent");
    rig.request(&json!({"id": "waits", "to": ANNA, "text": "waits"}));
    wait_for_problem(&rig, "sms/modem/main", &["per_day = 2", "wait"]);
    assert_eq!(rig.modem.submits().len(), 2, "two parts are the day's budget");
    assert_eq!(code(rig.gateway.stop()), 0);
    rig.reconfigure(|config| config.set("outbound", "per_day", 0));
    rig.start_gateway();
    assert_eq!(wait_for_final(&rig, "waits")["state"], "sent", "it waited, it was not lost");
}

#[test]
fn two_gateways_on_one_prefix_report_it_and_send_nothing_twice() {
    let rig = Rig::start();
    let mut second = Second::start(&rig, |_| {});
    for (topic, other) in [("sms/gateway/attic", "cellar"), ("sms/gateway/cellar", "attic")] {
        wait_for_problem(&rig, topic, &[other, "share"]);
    }
    rig.request(&json!({"id": "whose", "to": ANNA, "text": "whose"}));
    let result = wait_for_final(&rig, "whose");
    assert_rejected(&result, "no-share");
    let words = result["error"]["message"].as_str().unwrap_or_default();
    assert!(has_all(words, &["share", "prefix"]), "it says what to set: {words}");

    for modem in ["main", "second"] {
        let topic = format!("sms/send/{modem}");
        rig.client.publish(&topic, json!({"id": modem, "to": ANNA, "text": modem}).to_string());
        let result = wait_for_final(&rig, modem);
        assert_eq!((&result["state"], &result["modem"]), (&json!("sent"), &json!(modem)), "{result}");
    }
    let on_air = [&rig.modem, &second.modem].map(|modem| modem.submits().len());
    assert_eq!(on_air, [1, 1], "each sends what is addressed to it, and nothing else");

    assert_eq!(code(second.gateway.stop()), 0);
    rig.client.wait_for_text("sms/gateway/cellar/availability", "offline");
    rig.client.forget();
    rig.client.wait_for_json("no problem any more", |topic, state| {
        topic == "sms/gateway/attic" && state["problem"].is_null()
    });
    rig.assert_still_works("alone-again");
}

#[test]
fn gateways_with_one_share_take_turns() {
    let rig = Rig::with(|config| config.set("mqtt", "share", "house"));
    let second = Second::start(&rig, |config| config.set("mqtt", "share", "house"));
    let count = 40;
    for n in 0..count {
        rig.request(&json!({"id": format!("r{n}"), "to": ANNA, "text": format!("r{n}")}));
    }
    for n in 0..count {
        assert_eq!(wait_for_final(&rig, &format!("r{n}"))["state"], "sent");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for submit in rig.modem.submits().into_iter().chain(second.modem.submits()) {
        *times.entry(submit.text).or_default() += 1;
    }
    assert_eq!(times.len(), count, "every request is sent");
    assert!(times.values().all(|sent| *sent == 1), "none is sent twice: {times:?}");
    let shares = [rig.modem.submits().len(), second.modem.submits().len()];
    assert!(shares.iter().all(|share| *share >= count / 4), "both take part: {shares:?}");
    wait_until("both to be well", || {
        ["attic", "cellar"].iter().all(|name| {
            let state = rig.client.last_on(&format!("sms/gateway/{name}")).unwrap_or_default();
            state.contains("\"problem\":null")
        })
    });
}
