//! The broker goes and comes back: messages wait in the store, state is published again.

use std::time::Duration;

use serde_json::json;

use crate::harness::gateway::has_all;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

#[test]
fn messages_received_without_a_broker_are_published_later() {
    let mut rig = Rig::start();
    rig.broker.kill();
    for n in 0..20 {
        rig.modem.deliver("+4915100000001", &format!("meanwhile {n}"));
    }
    wait_until("the SIM to be emptied without a broker", || {
        rig.modem.stored() == 0 && rig.modem.queued() == 0
    });
    rig.broker.restart();
    for n in 0..20 {
        rig.wait_for_received(&format!("meanwhile {n}"));
    }
    let texts: Vec<String> = rig
        .client
        .received()
        .iter()
        .filter(|publish| publish.topic == "sms/received/main")
        .map(|publish| crate::harness::rig::json(publish)["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    let mut in_order = texts.clone();
    in_order.dedup();
    let expected: Vec<String> = (0..20).map(|n| format!("meanwhile {n}")).collect();
    assert_eq!(in_order, expected, "in the order they came");
}

#[test]
fn received_messages_survive_a_kill_while_the_broker_is_away() {
    let mut rig = Rig::start();
    rig.broker.kill();
    rig.modem.deliver("+4915100000001", "stored only");
    wait_until("the SIM to be emptied", || rig.modem.stored() == 0 && rig.modem.queued() == 0);
    rig.gateway.kill();
    rig.broker.restart();
    rig.start_gateway();
    rig.wait_for_received("stored only");
}

#[test]
fn results_wait_for_the_broker() {
    let mut rig = Rig::start();
    rig.modem.delay_submits(Duration::from_secs(2));
    rig.request(&json!({"id": "slow", "to": "+4915100000002", "text": "slow"}));
    rig.client.wait_for_result("slow", "accepted");
    rig.broker.kill();
    // Before the broker is back the result has to exist: else nothing waits.
    wait_until("the gateway to know of the result", || {
        let history = rig.gateway.run_command(&["history", "--json"]);
        let lines = String::from_utf8_lossy(&history.stdout).into_owned();
        lines.lines().any(|line| has_all(line, &["\"slow\"", "\"sent\""]))
    });
    rig.broker.restart();
    rig.client.wait_for_result("slow", "sent");
}

#[test]
fn retained_state_is_published_again_to_a_broker_that_lost_it() {
    let mut rig = Rig::start();
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.broker.kill();
    rig.broker.forget_everything();
    rig.client.forget();
    rig.broker.restart();
    for topic in ["sms/modem/main/availability", "sms/gateway/attic/availability"] {
        rig.client.wait_for_text(topic, "online");
    }
    for topic in ["sms/modem/main", "sms/gateway/attic"] {
        rig.client.wait_for_json(topic, |on, _| on == topic);
    }
    // The gateway's session is gone with the broker's memory: it has to subscribe again.
    rig.assert_still_works("again");
}

#[test]
fn a_cut_connection_doubles_nothing_under_another_id() {
    let rig = Rig::start();
    for n in 0..30 {
        rig.modem.deliver("+4915100000001", &format!("cut {n}"));
        if n % 5 == 4 {
            rig.proxy.cut();
        }
    }
    let mut ids = std::collections::BTreeSet::new();
    for n in 0..30 {
        ids.insert(rig.wait_for_received(&format!("cut {n}"))["id"].to_string());
    }
    for crossing in rig.published("sms/received/") {
        ids.insert(crate::harness::rig::json(&crossing.publish)["id"].to_string());
    }
    assert_eq!(ids.len(), 30, "one id a message, however often it was published");
}
