//! The SIM is taken out, changed or lost while the gateway runs: it is told, and the messages of each SIM are published.

use serde_json::json;
use smsbridge_simulator::{Message, Options, Sim, Status, Storage, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const SENDER: &str = "+4915100000001";

/// Another SIM than the options'.
fn another() -> Sim {
    let own = Options::numbered(7);
    Sim::of(&own)
}

/// Puts another SIM in, with one message on it: the very PDU the first SIM held in the same slot.
fn swap(rig: &Rig, pdu: &str) -> Sim {
    let sim = another();
    rig.modem.simulator().insert_sim(&sim);
    rig.modem.simulator().put(Storage::Sm, Status::Unread, pdu).expect("a free slot");
    sim
}

/// A message on each of two SIMs, one after the other in the modem.
fn both_are_read(options: &ModemOptions, is_announced: bool) {
    let mut rig = Rig::prepare(options, |_| {});
    let sim = rig.modem.simulator().clone();
    let pdu = sim.parts(SENDER, "on both SIMs", &Message::default()).expect("a text").remove(0);
    sim.put(Storage::Sm, Status::Unread, &pdu).expect("a free slot");
    rig.start_gateway();
    rig.wait_for_received("on both SIMs");
    wait_until("an empty SIM", || rig.modem.stored() == 0);
    let second = swap(&rig, &pdu);
    if is_announced {
        sim.announce_sim();
    }
    let state = rig.wait_for_modem("the other SIM", |state| state["iccid"] == *second.iccid);
    assert_eq!(state["state"], "online");
    wait_until("the message of the second SIM", || rig.received_ids("on both SIMs").len() == 2);
    wait_until("an empty SIM", || rig.modem.stored() == 0);
    rig.wait_until_well();
    rig.assert_still_works("swapped");
    let counters = rig.stop_and_count();
    assert_eq!((&counters["radio_restarted"], &counters["reset"]), (&json!(0), &json!(0)), "{counters}");
}

#[test]
fn another_sim_that_the_modem_announces_is_read() {
    for profile in [VendorProfile::ec25(), VendorProfile::sim800(), VendorProfile::huawei()] {
        both_are_read(&ModemOptions { profile, ..ModemOptions::default() }, true);
    }
}

#[test]
fn another_sim_that_nobody_announced_is_read() {
    both_are_read(&ModemOptions::default(), false);
}

#[test]
fn a_sim_that_is_taken_out_is_told_and_works_when_it_is_back() {
    let profile = VendorProfile::sim800();
    let mut rig = Rig::prepare(&ModemOptions { profile, ..ModemOptions::default() }, |_| {});
    rig.start_gateway();
    let sim = rig.modem.simulator().clone();
    sim.set_sim_present(false);
    sim.announce_sim();
    rig.wait_for_problem(&["SIM"]);
    rig.client.wait_for_text("sms/modem/main/availability", "offline");
    rig.request(&json!({"id": "waits", "to": "+4915100000002", "text": "waits"}));
    rig.client.wait_for_result("waits", "accepted");
    sim.set_sim_present(true);
    sim.announce_sim();
    rig.client.wait_for_result("waits", "sent");
    rig.wait_until_well();
    rig.assert_still_works("back");
    assert_eq!(rig.modem.submits().len(), 2);
}

#[test]
fn a_sim_that_is_seen_again_only_without_power_is_given_none_for_a_moment() {
    let mut rig = Rig::start();
    rig.modem.simulator().lose_sim();
    rig.request(&json!({"id": "waits", "to": "+4915100000002", "text": "waits"}));
    rig.client.wait_for_result("waits", "accepted");
    rig.wait_for_problem(&["SIM"]);
    wait_until("the SIM's power to be switched", || rig.modem.typed("AT+CFUN=0") > 0);
    rig.client.wait_for_text("sms/modem/main/availability", "online");
    rig.wait_until_well();
    rig.assert_still_works("found");
    assert_eq!(rig.modem.simulator().resets(), 0);
    assert_eq!(rig.stop_and_count()["reset"], 0);
}
