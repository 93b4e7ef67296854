//! The modem is pulled out and plugged in again, or restarts by itself.

use serde_json::json;

use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const AVAILABILITY: &str = "sms/modem/main/availability";

#[test]
fn the_modem_is_reported_offline_and_comes_back_by_itself() {
    let rig = Rig::start();
    rig.client.wait_for_text(AVAILABILITY, "online");
    rig.modem.unplug();
    rig.client.wait_for_text(AVAILABILITY, "offline");
    let problem = rig.client.wait_for_json("a problem in words", |topic, state| {
        topic == "sms/modem/main" && state["problem"].is_string()
    });
    assert!(problem["state"].is_string(), "{problem}");
    rig.modem.deliver("+4915100000001", "while it was out");
    rig.modem.plug();
    rig.client.wait_for_text(AVAILABILITY, "online");
    rig.wait_for_received("while it was out");
    rig.client.wait_for_json("no problem any more", |topic, state| {
        topic == "sms/modem/main" && state["problem"].is_null() && state["state"] != problem["state"]
    });
}

#[test]
fn requests_wait_for_it() {
    let rig = Rig::start();
    rig.modem.unplug();
    rig.client.wait_for_text(AVAILABILITY, "offline");
    rig.request(&json!({"id": "waits", "to": "+4915100000002", "text": "waits"}));
    rig.client.wait_for_result("waits", "accepted");
    rig.modem.plug();
    rig.client.wait_for_result("waits", "sent");
    assert_eq!(rig.modem.submits().len(), 1);
}

#[test]
fn a_full_sim_is_emptied() {
    let rig = Rig::start();
    rig.modem.unplug();
    for n in 0..60 {
        rig.modem.deliver("+4915100000001", &format!("flood {n}"));
    }
    rig.modem.plug();
    for n in 0..60 {
        rig.wait_for_received(&format!("flood {n}"));
    }
    wait_until("an empty SIM", || rig.modem.stored() == 0 && rig.modem.queued() == 0);
}

#[test]
fn outgoing_messages_of_others_stay_on_the_sim() {
    let rig = Rig::start();
    rig.modem.store_foreign_outgoing();
    rig.assert_still_works("beside");
    assert_eq!(rig.modem.stored(), 1, "only what we received is ours to delete");
}

#[test]
fn a_message_to_be_sent_among_the_received_ones_stays_on_the_sim() {
    let rig = Rig::start();
    // SMS-SUBMIT to +46708251358, kept as if it had been received.
    assert!(rig.modem.put_on_sim("0001000B916407281553F8000002C834"));
    rig.assert_still_works("beside");
    assert_eq!(rig.modem.stored(), 1, "it is somebody else's");
    assert_eq!(rig.published("sms/received/main").len(), 1, "only what was received is published");
}
